package main

import (
	"errors"
	"fmt"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// panels are what the chart of the calls shows, each as ratios to net/http's.
var panels = [...]struct{ what, unit, title string }{
	{"Call", unitTime, "Call: time"},
	{"Call", unitAllocs, "Call: allocations"},
	{"LoopbackCall", unitTime, "LoopbackCall: time"},
	{"Parallel", unitTime, "Parallel: time"},
}

// unshown is left to the table: beside its bar the others could not be told apart.
const unshown = "python-requests"

var errNothingToDraw = errors.New("there are no results to draw")

// drawCalls draws the ratios of all peers to net/http as bars.
func (r *results) drawCalls(path string) error {
	var plots []*plot.Plot
	for _, panel := range panels {
		names, ratios := r.bars(panel.what, panel.unit)
		if len(names) == 0 {
			continue
		}
		p, err := barPlot(panel.title, names, ratios)
		if err != nil {
			return err
		}
		plots = append(plots, p)
	}
	if len(plots) == 0 {
		return errNothingToDraw
	}
	return drawPlots(path, plots, 4.4*vg.Inch, 3*vg.Inch)
}

// bars are the peers that have a ratio, from below to above, and their ratios.
func (r *results) bars(what, unit string) (names []string, ratios plotter.Values) {
	for _, who := range slices.Backward(r.peers(what)) {
		if all := r.ratios(what+"/"+who, unit); len(all) > 0 && who != unshown {
			names, ratios = append(names, who), append(ratios, quantile(all, 0.5))
		}
	}
	return names, ratios
}

// barPlot has a bar for each ratio, labelled with it, and a line at net/http's 1.
func barPlot(heading string, names []string, ratios plotter.Values) (*plot.Plot, error) {
	p := newPlot(heading)
	p.X.Label.Text = "ratio to net/http's (less is better)"
	longest := max(1, slices.Max(ratios))
	p.X.Min, p.X.Max = 0, 1.2*longest // room for the labels
	p.X.Tick.Marker = plot.TickerFunc(halves)
	p.Y.Min, p.Y.Max = -0.6, float64(len(names))-0.4
	titles := make([]string, len(names))
	for i, who := range names {
		titles[i] = title(who) + "     " // room for fonts that are wider
		bar, err := plotter.NewBarChart(ratios[i:i+1], vg.Points(11))
		if err != nil {
			return nil, err
		}
		bar.Horizontal, bar.XMin, bar.Color, bar.LineStyle.Width = true, float64(i), colorOf(who), 0
		p.Add(bar)
	}
	labels, err := barLabels(ratios, 1.1*longest)
	if err != nil {
		return nil, err
	}
	one, err := plotter.NewLine(plotter.XYs{{X: 1, Y: p.Y.Min}, {X: 1, Y: p.Y.Max}})
	if err != nil {
		return nil, err
	}
	one.Color, one.Dashes = lineColor, []vg.Length{vg.Points(3), vg.Points(2)}
	p.Add(one, labels)
	p.NominalY(titles...)
	return p, nil
}

// barLabels are the ratios as text, below each other at x.
func barLabels(ratios plotter.Values, x float64) (*plotter.Labels, error) {
	var at plotter.XYLabels
	for i, ratio := range ratios {
		at.XYs = append(at.XYs, plotter.XY{X: x, Y: float64(i)})
		at.Labels = append(at.Labels, fmt.Sprintf("%.2f", ratio))
	}
	labels, err := plotter.NewLabels(at)
	if err != nil {
		return nil, err
	}
	for i := range labels.TextStyle {
		style := &labels.TextStyle[i]
		style.Font.Variant, style.Font.Size, style.YAlign = "Sans", vg.Points(9), draw.YCenter
	}
	return labels, nil
}

// halves are the multiples of a half, or of as large a number as gives eight at most.
func halves(from, to float64) (ticks []plot.Tick) {
	step := 0.5
	for ; to-from > 8*step; step *= 2 {
	}
	for at := from; at <= to; at += step {
		ticks = append(ticks, plot.Tick{Value: at, Label: fmt.Sprint(at)})
	}
	return ticks
}
