package main

import (
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// measures are what the chart of growth shows of each benchmark.
var measures = [...]struct {
	unit, label string
	divisor     float64
}{
	{unitPerRequest, "µs per request", 1e3},
	{unitHeap, "heap after, kB", 1e3},
}

// drawGrowth draws time and heap over the number of requests and of goroutines.
func (r *results) drawGrowth(path string) error {
	var plots []*plot.Plot
	for _, measure := range measures {
		for _, g := range growings {
			if len(r.numbers(g)) == 0 {
				continue
			}
			p, err := r.growthPlot(g, measure.unit, measure.divisor)
			if err != nil {
				return err
			}
			p.Y.Label.Text = measure.label
			plots = append(plots, p)
		}
	}
	if len(plots) == 0 {
		return errNothingToDraw
	}
	return drawPlots(path, plots, 4.4*vg.Inch, 3*vg.Inch)
}

// growthPlot has a line for each of those compared.
func (r *results) growthPlot(g growing, unit string, divisor float64) (*plot.Plot, error) {
	p := newPlot("")
	p.X.Label.Text = g.of
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.TickerFunc(powers)
	p.Legend.Top, p.Legend.Padding = true, vg.Points(3)
	p.Add(plotter.NewGrid())
	highest := 0.0
	for _, who := range growers {
		points := r.points(g, who, unit, divisor)
		line, dots, err := plotter.NewLinePoints(points)
		if err != nil {
			return nil, err
		}
		line.Color, line.Width = colorOf(who), vg.Points(1.6)
		dots.Color, dots.Shape, dots.Radius = colorOf(who), draw.CircleGlyph{}, vg.Points(2.4)
		p.Add(line, dots)
		p.Legend.Add(title(who), line, dots)
		_, _, _, top := plotter.XYRange(points)
		highest = max(highest, top)
	}
	p.Y.Min, p.Y.Max = 0, 1.4*max(highest, 1) // room for the legend
	return p, nil
}

// points are the medians of a benchmark of growth by their number.
func (r *results) points(g growing, who, unit string, divisor float64) (points plotter.XYs) {
	for _, n := range r.numbers(g) {
		if value, ok := r.median(g.nameOf(n, who), unit); ok {
			points = append(points, plotter.XY{X: float64(n), Y: max(value, 0) / divisor})
		}
	}
	return points
}

// thousands writes numbers in short.
var thousands = strings.NewReplacer(",000,000", "M", ",000", "k")

// powers are those of ten.
func powers(from, to float64) (ticks []plot.Tick) {
	for at := 1.0; at <= to; at *= 10 {
		if at >= from {
			ticks = append(ticks, plot.Tick{Value: at, Label: thousands.Replace(whole(at))})
		}
	}
	return ticks
}
