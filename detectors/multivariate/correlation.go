package multivariate

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/driftline/driftline/detectors"
	"github.com/driftline/driftline/detectors/internal/tail"
)

// leastPairs are the rows with both values that a correlation needs.
const leastPairs = 10

// correlationDetector is the largest change of any rank correlation (Spearman's
// ρ, mid ranks) between two columns. Ranks are taken within each side, so a
// shift or a stretch of a single feature changes nothing here. Rows in which
// either value is missing are left out of their pair.
//
// Null distribution: Fisher's z of ρ is nearly normal with variance
// (1+ρ²/2)/(n−3) (Bonett and Wright, Psychometrika 2000), exact to first order
// for independent columns whatever their distribution, approximate for others;
// the smallest p-value times the number of pairs (Bonferroni).
// Cost: O((N+M)·P²).
var correlationDetector = Detector{
	Manual: detectors.Manual{
		Name: "correlation_change", Title: "correlation change", Unit: "rank correlation", Range: "0 to 2", Threshold: 0.2,
		Doc:    "Largest change of the rank correlation of any two columns.",
		Use:    "To name the pair whose relation broke: a join on the wrong key, a feature computed from the wrong column.",
		Blind:  "Relations that are not monotonic, or of three columns at once. With many columns Bonferroni makes it insensitive.",
		Null:   "Fisher's z with Bonett and Wright's variance, Bonferroni over pairs; approximate for strongly related columns.",
		Cost:   "O((N+M)·P²) for P columns",
		Source: "Spearman 1904; Fisher 1915; Bonett and Wright, Psychometrika 2000",
	},
	Compare: correlationChange,
}

func correlationChange(ref, cur *mat.Dense, o Options) detectors.Result {
	p, ok := raw(ref, cur)
	if !ok {
		return detectors.Result{NoData: true}
	}
	a, b := ranked(p.ref), ranked(p.cur)
	r := detectors.Result{NoData: true, Detail: "no two columns vary together in ten rows of either side"}
	least, pairs := 1.0, 0.0
	for i := range a {
		for j := range i {
			before, n := pearson(a[i], a[j])
			after, m := pearson(b[i], b[j])
			if math.IsNaN(before) || math.IsNaN(after) {
				continue
			}
			pairs++
			least = min(least, correlationTail(before, n, after, m))
			if gap := math.Abs(after - before); r.NoData || gap > r.Score {
				r = detectors.Result{Score: gap, Detail: fmt.Sprintf("%s and %s went from ρ = %.2f to %.2f", o.column(p.columns[j]), o.column(p.columns[i]), before, after)}
			}
		}
	}
	r.PValue = min(1, least*pairs)
	return r
}

// correlationTail is the two-sided p-value of "both correlations are one".
func correlationTail(a, n, b, m float64) float64 {
	const most = 1 - 1e-9 // atanh(1) is infinite
	a, b = max(-most, min(most, a)), max(-most, min(most, b))
	rho := math.Tanh((n*math.Atanh(a) + m*math.Atanh(b)) / (n + m)) // under the null they share one
	sd := math.Sqrt((1 + rho*rho/2) * (1/(n-3) + 1/(m-3)))
	return tail.Clamp(2 * tail.Normal(math.Abs(math.Atanh(a)-math.Atanh(b))/sd))
}

// ranked replaces each column's values by their mid ranks; NaN stays.
func ranked(m *mat.Dense) [][]float64 {
	n, width := m.Dims()
	out := make([][]float64, width)
	order := make([]int, n)
	for j := range out {
		values, ranks := mat.Col(nil, j, m), make([]float64, n)
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(a, b int) int { return cmp.Compare(values[a], values[b]) })
		for i := 0; i < n; {
			k := i
			for k < n && values[order[k]] == values[order[i]] {
				k++
			}
			k = max(k, i+1) // NaN is not equal to itself
			for _, row := range order[i:k] {
				ranks[row] = float64(i+k-1) / 2
				if math.IsNaN(values[row]) {
					ranks[row] = math.NaN()
				}
			}
			i = k
		}
		out[j] = ranks
	}
	return out
}

// pearson is the correlation over rows that have both values, NaN without
// enough of them or without variance.
func pearson(a, b []float64) (r, n float64) {
	var ma, mb, saa, sbb, sab float64
	for i := range a {
		if math.IsNaN(a[i]) || math.IsNaN(b[i]) {
			continue
		}
		n++
		da, db := a[i]-ma, b[i]-mb
		ma += da / n
		mb += db / n
		saa += da * (a[i] - ma)
		sbb += db * (b[i] - mb)
		sab += da * (b[i] - mb)
	}
	if n < leastPairs || !(saa > 0) || !(sbb > 0) {
		return math.NaN(), n
	}
	return max(-1, min(1, sab/math.Sqrt(saa*sbb))), n
}
