package page

import (
	"fmt"

	"github.com/driftline/driftline/internal/backtest"
	"github.com/driftline/driftline/schemas"
)

// heatMap is drift by feature and time, the most drifted feature first.
type heatMap struct {
	Columns []string // starts of the windows
	Ticks   []tick
	Rows    []heatRow
	Hidden  int // features below the last row
	PerCell int // windows in a cell
}

// tick is a label below as many columns.
type tick struct {
	Text string
	Span int
}

type heatRow struct {
	Feature string
	Windows int     // in alarm
	Excess  float64 // of these
	Cells   []heatCell
}

type heatCell struct {
	Class, Text, Reason string
}

func newHeatMap(r *backtest.Report) heatMap {
	impacts := r.Impacts()
	windows := spansOf(r)
	cut := groups(len(windows), mostColumns)
	h := heatMap{Hidden: max(0, len(impacts)-mostRows)}
	for _, g := range cut {
		h.PerCell = max(h.PerCell, g[1]-g[0])
		h.Columns = append(h.Columns, r.At(windows[g[0]].Start))
	}
	for _, g := range groups(len(cut), 5) {
		h.Ticks = append(h.Ticks, tick{h.Columns[g[0]], g[1] - g[0]})
	}
	for _, f := range impacts[:min(mostRows, len(impacts))] {
		row := heatRow{Feature: f.Feature, Windows: f.Windows, Excess: f.Excess}
		for _, g := range cut {
			row.Cells = append(row.Cells, cell(f, windows[g[0]:g[1]]))
		}
		h.Rows = append(h.Rows, row)
	}
	return h
}

// spansOf the windows of a report, ascending.
func spansOf(r *backtest.Report) (out []schemas.Span) {
	for i := range r.Signals {
		if s := r.Signals[i].Span(); len(out) == 0 || out[len(out)-1] != s {
			out = append(out, s)
		}
	}
	return out
}

// cell of the strongest signal among windows.
func cell(f *backtest.Impact, windows []schemas.Span) heatCell {
	s, alarms := strongest(f, windows)
	switch {
	case s == nil:
		return heatCell{Class: "hn", Text: "no data"}
	case s.State == schemas.StateNoData, s.State == schemas.StateInsufficient:
		return heatCell{Class: "hn", Text: map[schemas.State]string{schemas.StateNoData: "no data", schemas.StateInsufficient: "too few rows"}[s.State]}
	}
	c := heatCell{
		Class: fmt.Sprintf("h%d", level(backtest.Ratio(s))),
		Text:  fmt.Sprintf("%s %.3g of %.3g", s.Detector, s.Score, s.Threshold),
	}
	if alarms > 0 {
		c.Class += " al"
		c.Text += ", alarm"
		c.Reason = s.Reason
	}
	return c
}

// strongest signal of a feature among windows, one in alarm before others, and
// how many of them are in alarm.
func strongest(f *backtest.Impact, windows []schemas.Span) (best *schemas.Signal, alarms int) {
	for _, w := range windows {
		s := f.Strongest[w.Start]
		if s == nil {
			continue
		}
		if s.State == schemas.StateAlarm {
			alarms++
		}
		if best == nil || backtest.Stronger(s, best) {
			best = s
		}
	}
	return best, alarms
}
