package page

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/driftline/driftline/internal/backtest"
	"github.com/driftline/driftline/schemas"
)

// Sizes of a feature's two pictures, in the units of their view boxes.
const (
	plotWidth  = 420
	plotHeight = 190
	ridgeStep  = 22  // between base lines
	ridgeRise  = 38  // of the highest density
	ridgeLeft  = 126 // where labels end
)

// featureView is the reference against the window that drifted most, and the
// course over time.
type featureView struct {
	ID      string
	Feature string
	Numeric bool
	Verdict string

	Worst               string // start of the window of the overlay
	Reference, Current  string // paths of the overlay
	Low, Middle, High   string // of the axis
	Bars                []bar
	Ridges              []ridge
	RidgeHeight, Bottom int
	Names               []string
}

// bar is one category of an overlay.
type bar struct {
	Name               string
	Y                  int
	Reference, Current float64 // widths
	Shares             string
}

// ridge is the distribution of one or more windows.
type ridge struct {
	Label, Class string
	Y            int
	Path         string
	Parts        []part    // categorical
	Cells        []string  // of the table
	shares       []float64 // by bin
}

// part of a stacked bar.
type part struct {
	X, Width float64
	Class    string
	Title    string
}

func newFeatureView(r *backtest.Report, p *backtest.FeaturePlot, f *backtest.Impact, i int) featureView {
	v := featureView{ID: fmt.Sprintf("f%d", i+1), Feature: p.Feature, Numeric: p.Kind == schemas.Numeric, Names: p.Names}
	windows := r.Plots.Windows
	worst := -1
	for k, w := range windows {
		if s := f.Strongest[w.Start]; s != nil && total(p.Windows[k]) > 0 && (worst < 0 || backtest.Stronger(s, f.Strongest[windows[worst].Start])) {
			worst = k
		}
	}
	if worst < 0 {
		return v
	}
	v.Worst, v.Verdict = r.At(windows[worst].Start), f.Strongest[windows[worst].Start].Reason
	v.ridges(r, p, f)
	if v.Numeric {
		v.Low, v.Middle, v.High = number(p.Low), number((p.Low+p.High)/2), number(p.High)
		v.overlay(p.Reference, p.Windows[worst])
	} else {
		v.bars(p, worst)
	}
	return v
}

// overlay draws two histograms as steps over one another.
func (v *featureView) overlay(reference, current []float64) {
	a, b := shares(reference), shares(current)
	top := 0.
	for k := range a {
		top = max(top, a[k], b[k])
	}
	v.Reference, v.Current = steps(a, top), steps(b, top)
}

func steps(heights []float64, top float64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "M0 %d", plotHeight)
	width := float64(plotWidth) / float64(len(heights))
	for k, h := range heights {
		fmt.Fprintf(&b, "V%.1fH%.1f", plotHeight-h/top*(plotHeight-8), float64(k+1)*width)
	}
	fmt.Fprintf(&b, "V%dZ", plotHeight)
	return b.String()
}

func (v *featureView) bars(p *backtest.FeaturePlot, worst int) {
	a, b := shares(p.Reference), shares(p.Windows[worst])
	top := 0.
	for k := range a {
		top = max(top, a[k], b[k])
	}
	for k, name := range p.Names {
		v.Bars = append(v.Bars, bar{
			Name: name, Y: k * 26, Reference: round1(a[k] / top * (plotWidth - 235)), Current: round1(b[k] / top * (plotWidth - 235)),
			Shares: percent(a[k]) + " → " + percent(b[k]),
		})
	}
	v.Bottom = len(p.Names) * 26
}

// ridges stack the distributions of the reference and of runs of windows.
func (v *featureView) ridges(r *backtest.Report, p *backtest.FeaturePlot, f *backtest.Impact) {
	windows := r.Plots.Windows
	rows := []ridge{{Label: "reference", Class: "ref", shares: shares(p.Reference), Cells: v.tableRow(p.Reference, p.References, "–")}}
	for _, g := range groups(len(windows), mostRidges) {
		sum := make([]float64, len(p.Reference))
		var middle [3]float64
		for k := g[0]; k < g[1]; k++ {
			for i, n := range p.Windows[k] {
				sum[i] += n
			}
			if v.Numeric {
				for i, q := range p.Quantiles[k] {
					middle[i] += q / float64(g[1]-g[0])
				}
			}
		}
		one := ridge{Label: r.At(windows[g[0]].Start), Class: "hn", shares: shares(sum)}
		found := "no data"
		if s, alarms := strongest(f, windows[g[0]:g[1]]); s != nil && (s.State == schemas.StateOK || s.State == schemas.StateAlarm) {
			one.Class, found = fmt.Sprintf("h%d", level(backtest.Ratio(s))), fmt.Sprintf("%s %.3g of %.3g", s.Detector, s.Score, s.Threshold)
			if alarms > 0 {
				one.Label, found = one.Label+" ●", found+", alarm"
			}
		}
		one.Cells = v.tableRow(sum, middle, found)
		rows = append(rows, one)
	}
	top := 0.
	for i := range rows {
		top = max(top, slices.Max(rows[i].shares))
	}
	for i := range rows {
		rows[i].Y = ridgeRise + i*ridgeStep
		if v.Numeric {
			rows[i].Path = density(rows[i].shares, top, rows[i].Y)
		} else {
			rows[i].Parts = stacked(rows[i].shares, p.Names)
		}
	}
	v.Ridges, v.RidgeHeight = rows, ridgeRise+len(rows)*ridgeStep
}

// tableRow says in figures what a ridge shows.
func (v *featureView) tableRow(counts []float64, deciles [3]float64, found string) []string {
	out := []string{fmt.Sprintf("%.0f", total(counts))}
	if v.Numeric {
		for _, q := range deciles {
			out = append(out, number(q))
		}
	} else {
		for _, s := range shares(counts) {
			out = append(out, percent(s))
		}
	}
	return append(out, found)
}

// density is a smooth outline over a base line: each bin's share, averaged with
// its neighbours' 1:2:1. Ridges rise with the root of their highest share, so
// that wide ones can be read beside narrow ones.
func density(heights []float64, top float64, base int) string {
	var b strings.Builder
	top = math.Sqrt(top * slices.Max(heights))
	if top == 0 {
		return fmt.Sprintf("M%d %dH%d", ridgeLeft, base, plotWidth)
	}
	fmt.Fprintf(&b, "M%d %d", ridgeLeft, base)
	width := float64(plotWidth-ridgeLeft) / float64(len(heights))
	for k := range heights {
		smooth := (heights[max(0, k-1)] + 2*heights[k] + heights[min(len(heights)-1, k+1)]) / 4
		fmt.Fprintf(&b, "L%.1f %.1f", ridgeLeft+(float64(k)+0.5)*width, float64(base)-smooth/top*ridgeRise)
	}
	fmt.Fprintf(&b, "L%d %dZ", plotWidth, base)
	return b.String()
}

func stacked(shares []float64, names []string) (out []part) {
	x := float64(ridgeLeft)
	for k, s := range shares {
		w := s * (plotWidth - ridgeLeft)
		if w > 0 {
			out = append(out, part{round1(x), round1(w), fmt.Sprintf("c%d", k), names[k] + " " + percent(s)})
		}
		x += w
	}
	return out
}

func total(counts []float64) (sum float64) {
	for _, c := range counts {
		sum += c
	}
	return sum
}

// shares of counts; all 0 without any.
func shares(counts []float64) []float64 {
	out := make([]float64, len(counts))
	if sum := total(counts); sum > 0 {
		for k, c := range counts {
			out[k] = c / sum
		}
	}
	return out
}

func round1(v float64) float64 { return math.Round(10*v) / 10 }
