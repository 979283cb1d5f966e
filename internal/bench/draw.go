package main

import (
	"bytes"
	"image/color"
	"os"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// The colours tell a session from all others, also without colour vision.
var (
	sessionColor = color.RGBA{R: 0x1f, G: 0x6f, B: 0xb4, A: 0xff}
	otherColor   = color.RGBA{R: 0xb9, G: 0xbe, B: 0xc4, A: 0xff}
	lineColor    = color.RGBA{R: 0x44, G: 0x44, B: 0x44, A: 0xff}
)

// colorOf is the colour of a peer.
func colorOf(who string) color.Color {
	if who == "session" {
		return sessionColor
	}
	return otherColor
}

// newPlot is an empty plot, its text without serifs.
func newPlot(title string) *plot.Plot {
	p := plot.New()
	p.Title.Text = title
	p.Title.Padding = vg.Points(6)
	for _, style := range []*text.Style{
		&p.Title.TextStyle, &p.Legend.TextStyle,
		&p.X.Label.TextStyle, &p.X.Tick.Label, &p.Y.Label.TextStyle, &p.Y.Tick.Label,
	} {
		style.Font.Variant = "Sans"
		style.Font.Size = vg.Points(10)
	}
	p.Title.TextStyle.Font.Size = vg.Points(12)
	return p
}

// drawPlots writes plots as an SVG file, two in a row; each is as large as width
// and height say.
func drawPlots(path string, plots []*plot.Plot, width, height vg.Length) error {
	const columns = 2
	var rows [][]*plot.Plot
	for ; len(plots) > columns; plots = plots[columns:] {
		rows = append(rows, plots[:columns])
	}
	last := make([]*plot.Plot, columns)
	copy(last, plots)
	rows = append(rows, last)

	tiles := draw.Tiles{Cols: columns, Rows: len(rows), PadX: vg.Points(14), PadY: vg.Points(14)}
	tiles.PadTop, tiles.PadBottom, tiles.PadLeft, tiles.PadRight = tiles.PadX, tiles.PadX, tiles.PadX, tiles.PadX
	canvas := vgsvg.New(columns*width, vg.Length(len(rows))*height)
	area := draw.New(canvas)
	area.FillPolygon(color.White, []vg.Point{
		area.Min, {X: area.Min.X, Y: area.Max.Y}, area.Max, {X: area.Max.X, Y: area.Min.Y},
	})
	for i, parts := range plot.Align(rows, tiles, area) {
		for j, part := range parts {
			if rows[i][j] != nil {
				rows[i][j].Draw(part)
			}
		}
	}
	return writeSVG(path, canvas)
}

// writeSVG writes a canvas. Few who look at it have the font that it names, so
// others are named behind it.
func writeSVG(path string, canvas *vgsvg.Canvas) error {
	var svg bytes.Buffer
	if _, err := canvas.WriteTo(&svg); err != nil {
		return err
	}
	named := []byte("font-family:Liberation Sans")
	fonts := append(named[:len(named):len(named)], ",Arial,Helvetica,sans-serif"...)
	return os.WriteFile(path, bytes.ReplaceAll(svg.Bytes(), named, fonts), 0o644)
}
