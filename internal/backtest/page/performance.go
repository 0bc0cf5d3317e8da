package page

import (
	"fmt"
	"math"
	"strings"

	"github.com/driftline/driftline/detectors/performance"
	"github.com/driftline/driftline/internal/backtest"
	"github.com/driftline/driftline/schemas"
)

// Sizes of a chart of performance, in the units of its view box.
const (
	chartWidth, chartHeight = 900, 260
	chartLeft, chartRight   = 56, 12
	chartTop, chartBottom   = 12, 36
)

// chart is one metric over the windows: realised, estimated with the band that
// 95 % of realised figures should lie in, and the windows in alarm.
type chart struct {
	ID, Metric, Title     string
	Better                string
	Alarms                int
	Estimated, Realised   string // paths
	Band, Limit           string
	Dots                  []dot
	Flags                 []flagged
	Lines                 []gridLine
	Ticks                 []gridLine
	Rows                  []chartRow
	HasEstimate, HasLimit bool
}

type dot struct{ X, Y float64 }

type flagged struct {
	X, Width, Middle float64
	Reason           string
}

type gridLine struct {
	At   float64
	Text string
}

type chartRow struct {
	Window backtest.Performance
	backtest.Measure
}

func charts(r *backtest.Report) (out []chart) {
	if len(r.Performance) == 0 {
		return nil
	}
	for i, m := range r.Performance[0].Metrics {
		var rows []chartRow
		for _, p := range r.Performance {
			rows = append(rows, chartRow{p, p.Metrics[i]})
		}
		out = append(out, newChart(r, m.Metric, i, rows))
	}
	return out
}

func newChart(r *backtest.Report, metric string, i int, rows []chartRow) chart {
	limits := r.Summary.ThresholdMode == string(backtest.Chunks)
	m, _ := performance.Lookup(metric)
	c := chart{ID: fmt.Sprintf("p%d", i+1), Metric: metric, Title: m.Title, Better: "more is better", Rows: rows}
	if m.Lower {
		c.Better = "less is better"
	}
	step := float64(chartWidth-chartLeft-chartRight) / float64(len(rows))
	x := func(k int) float64 { return round1(chartLeft + (float64(k)+0.5)*step) }
	low, high := extent(rows, limits)
	lines := nice(low, high)
	low, high = min(low, lines[0]), max(high, lines[len(lines)-1])
	y := func(v float64) float64 {
		return round1(chartTop + (high-v)/(high-low)*(chartHeight-chartTop-chartBottom))
	}
	for _, v := range lines {
		c.Lines = append(c.Lines, gridLine{y(v), number(v)})
	}
	for _, g := range groups(len(rows), 8) {
		c.Ticks = append(c.Ticks, gridLine{x(g[0]), r.At(rows[g[0]].Window.WindowStart)})
	}
	c.Realised = line(rows, x, y, func(m *backtest.Measure) *float64 { return m.Realised })
	c.Estimated = line(rows, x, y, func(m *backtest.Measure) *float64 { return m.Estimated })
	c.HasEstimate = c.Estimated != ""
	c.Band = bandPath(rows, x, y)
	if limits {
		c.Limit = line(rows, x, y, func(m *backtest.Measure) *float64 { return m.Threshold })
		c.HasLimit = c.Limit != ""
	}
	for k := range rows {
		if v := rows[k].Realised; v != nil {
			c.Dots = append(c.Dots, dot{x(k), y(*v)})
		}
		if rows[k].State == schemas.StateAlarm {
			c.Alarms++
			c.Flags = append(c.Flags, flagged{round1(x(k) - step/2), round1(step), x(k), r.At(rows[k].Window.WindowStart) + ": " + rows[k].Reason})
		}
	}
	return c
}

// extent of everything that is drawn.
func extent(rows []chartRow, limits bool) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	see := func(v *float64, by float64) {
		if v != nil {
			low, high = min(low, *v+by), max(high, *v+by)
		}
	}
	for k := range rows {
		m := &rows[k].Measure
		see(m.Realised, 0)
		see(m.Estimated, 0)
		if m.Estimated != nil && m.EstimatedSE != nil {
			see(m.Estimated, 1.96**m.EstimatedSE)
			see(m.Estimated, -1.96**m.EstimatedSE)
		}
		if limits {
			see(m.Threshold, 0)
		}
	}
	switch {
	case low > high:
		return 0, 1
	case low == high:
		return low - 0.5, high + 0.5
	}
	return low, high
}

// nice are the round numbers from at or below low to at or above high.
func nice(low, high float64) (out []float64) {
	step := math.Pow(10, math.Floor(math.Log10(high-low)))
	for _, f := range []float64{0.2, 0.25, 0.5, 1, 2} {
		if (high-low)/(step*f) <= 6 {
			step *= f
			break
		}
	}
	for k := math.Floor(low / step); ; k++ {
		out = append(out, k*step)
		if k*step >= high {
			return out
		}
	}
}

// line through the values present; it breaks where there is none.
func line(rows []chartRow, x func(int) float64, y func(float64) float64, of func(*backtest.Measure) *float64) string {
	var b strings.Builder
	pen := "M"
	for k := range rows {
		v := of(&rows[k].Measure)
		if v == nil {
			pen = "M"
			continue
		}
		fmt.Fprintf(&b, "%s%.1f %.1f", pen, x(k), y(*v))
		pen = "L"
	}
	return b.String()
}

// bandPath is where 95 % of realised figures should lie, one closed part for
// each run of windows that has one.
func bandPath(rows []chartRow, x func(int) float64, y func(float64) float64) string {
	var b strings.Builder
	has := func(k int) bool {
		return k < len(rows) && rows[k].Estimated != nil && rows[k].EstimatedSE != nil
	}
	edge := func(k int, by float64) string {
		return fmt.Sprintf("%.1f %.1f", x(k), y(*rows[k].Estimated+by**rows[k].EstimatedSE))
	}
	for from := 0; from < len(rows); {
		if !has(from) {
			from++
			continue
		}
		to := from
		pen := "M"
		for ; has(to); to++ {
			b.WriteString(pen + edge(to, 1.96))
			pen = "L"
		}
		for k := to - 1; k >= from; k-- {
			b.WriteString("L" + edge(k, -1.96))
		}
		b.WriteString("Z")
		from = to
	}
	return b.String()
}
