package backtest

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"github.com/driftline/driftline/internal/tabular"
	"github.com/driftline/driftline/schemas"
)

const (
	plottedFeatures = 8  // the most drifted ones
	plottedBins     = 48 // of a numeric feature, of equal width
	plottedNames    = 7  // of a categorical feature; the rest are one
)

// OtherNames stands in a plot for all categories but the most frequent ones.
const OtherNames = "(other)"

// Plots are what pictures of a run are drawn from.
type Plots struct {
	Windows  []schemas.Span
	Features []FeaturePlot // the most drifted first
}

// FeaturePlot is how one feature was distributed.
type FeaturePlot struct {
	Feature    string
	Kind       schemas.FeatureKind
	Low, High  float64      // numeric: the bins cut this range evenly; the outer bins also hold what lies beyond
	Names      []string     // categorical: most frequent first, OtherNames last where there are more
	Reference  []float64    // rows by bin or name
	Windows    [][]float64  // the same of every window
	Quantiles  [][3]float64 // numeric: 10 %, 50 % and 90 % of every window; NaN without values
	References [3]float64   // numeric: the reference's
}

// plots counts the most drifted features over the windows.
func (r *Report) plots(in *inputs, windows []chunk, o Options) *Plots {
	p := &Plots{}
	for _, w := range windows {
		p.Windows = append(p.Windows, w.span)
	}
	kinds := map[string]schemas.FeatureKind{}
	for _, f := range in.features {
		kinds[f.Feature] = f.Kind
	}
	columns := map[string]string{schemas.FeaturePrediction: o.Prediction, schemas.FeatureScore: o.Score}
	for _, f := range r.Impacts() {
		name := cmp.Or(columns[f.Feature], f.Feature)
		ref, data := in.reference.Column(name), in.data.Column(name)
		if ref == nil || data == nil || len(p.Features) == plottedFeatures {
			continue
		}
		plot := FeaturePlot{Feature: f.Feature, Kind: kinds[f.Feature]}
		if plot.Kind == schemas.Numeric && data.Kind == tabular.Numeric {
			plot.numbers(ref.Numbers, data.Numbers, windows)
		} else {
			plot.Kind = schemas.Categorical
			plot.names(ref.Texts(), data.Texts(), windows)
		}
		p.Features = append(p.Features, plot)
	}
	return p
}

// numbers over a range that leaves out the outermost rows of either side, so
// that an outlier does not press everything into one bin.
func (p *FeaturePlot) numbers(ref, data []float64, windows []chunk) {
	a, b := ascending(ref), ascending(data)
	p.Low, p.High = math.Inf(1), math.Inf(-1)
	for _, side := range [][]float64{a, b} {
		if len(side) > 0 {
			p.Low, p.High = min(p.Low, at(side, 0.005)), max(p.High, at(side, 0.995))
		}
	}
	switch {
	case p.Low > p.High: // no values
		p.Low, p.High = 0, 1
	case p.Low == p.High:
		p.Low, p.High = p.Low-0.5, p.Low+0.5
	}
	count := func(values []float64) []float64 {
		out := make([]float64, plottedBins)
		for _, v := range values {
			if !math.IsNaN(v) {
				k := (v - p.Low) / (p.High - p.Low) * plottedBins
				out[int(max(0, min(plottedBins-1, k)))]++
			}
		}
		return out
	}
	deciles := func(sorted []float64) [3]float64 {
		return [3]float64{at(sorted, 0.1), at(sorted, 0.5), at(sorted, 0.9)}
	}
	p.Reference, p.References = count(ref), deciles(a)
	for _, w := range windows {
		values := pick(data, w.rows)
		p.Windows = append(p.Windows, count(values))
		p.Quantiles = append(p.Quantiles, deciles(ascending(values)))
	}
}

// ascending are the values present.
func ascending(values []float64) []float64 {
	out := slices.DeleteFunc(slices.Clone(values), func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) })
	slices.Sort(out)
	return out
}

// at is a quantile of ascending values, NaN of none.
func at(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	return sorted[int(q*float64(len(sorted)-1)+0.5)]
}

func (p *FeaturePlot) names(ref, data []string, windows []chunk) {
	counts := map[string]int{}
	for _, v := range slices.Concat(ref, data) {
		if v != "" {
			counts[v]++
		}
	}
	p.Names = slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	if len(p.Names) > plottedNames+1 {
		p.Names = append(p.Names[:plottedNames:plottedNames], OtherNames)
	}
	places := map[string]int{}
	for i, n := range p.Names {
		places[n] = i
	}
	count := func(values []string) []float64 {
		out := make([]float64, len(p.Names))
		for _, v := range values {
			if k, ok := places[v]; ok {
				out[k]++
			} else if v != "" {
				out[len(out)-1]++
			}
		}
		return out
	}
	p.Reference = count(ref)
	for _, w := range windows {
		p.Windows = append(p.Windows, count(pickTexts(data, w.rows)))
	}
}
