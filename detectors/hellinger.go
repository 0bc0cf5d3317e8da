package detectors

import (
	"math"

	"github.com/driftline/driftline/schemas"
)

// hellingerBins are the quantile bins for numeric features, as for js.
const hellingerBins = jsBins

// hellingerDetector is the Hellinger distance √(1−Σ√(pq)) = √(½Σ(√p−√q)²), for
// numeric features on bins frozen at the reference's quantiles, for
// categorical ones on the categories, rare ones pooled. It is summed as squares
// of differences: one minus a sum near one would lose all digits.
//
// Null distribution: 8·NM/(N+M)·H² ~ χ² with K−1 degrees of freedom. The next
// term of its expansion raises the mean by 7/16·(1/N+1/M)·Σ1/m, m the mean
// share, and is divided out. Cost: O(points·log bins), O(K log K).
var hellingerDetector = Detector{
	Manual: Manual{
		Name: "hellinger", Title: "Hellinger", Unit: "distance", Range: "0 to 1", Threshold: 0.1,
		Doc:    "Hellinger distance over twenty bins frozen at the reference's quantiles, or over the categories, rare ones pooled.",
		Use:    "A bounded figure that means the same for numeric and categorical features; it reacts to rare bins more than Jensen–Shannon does.",
		Blind:  "Movement within a bin, how far mass moved, and which rare category came.",
		Null:   "8·NM/(N+M)·H² is χ² with K−1 degrees of freedom, with a Bartlett correction.",
		Cost:   "O(points·log bins) or O(K log K)",
		Source: "Hellinger 1909; Pardo, Statistical Inference Based on Divergence Measures, 2006",
	},
	Kinds: bothKinds, Compare: hellinger,
}

func hellinger(ref, cur *schemas.Summary, _ Params) Result {
	if ref.Kind == schemas.Categorical {
		all := tallies(ref, cur)
		n, m := totals(all)
		if n == 0 {
			return Result{NoData: true}
		}
		var p, q []float64
		for _, t := range pooled(all, n, m) {
			p, q = append(p, t.ref), append(q, t.cur)
		}
		r := hellingerOf(p, q, n, m)
		r.Detail = shifted(all, n, m)
		return r
	}
	if !bothPresent(ref, cur) {
		return Result{NoData: true}
	}
	p, q := binned(ref, cur, hellingerBins)
	r := hellingerOf(p, q, float64(ref.Present()), float64(cur.Present()))
	r.Detail = moved(ref, cur)
	return r
}

// hellingerOf counts over the same bins, of n and m rows.
func hellingerOf(p, q []float64, n, m float64) Result {
	var np, nq float64
	for i := range p {
		np, nq = np+p[i], nq+q[i]
	}
	size := n * m / (n + m)
	var h2, excess float64
	for i := range p {
		d := math.Sqrt(p[i]/np) - math.Sqrt(q[i]/nq)
		h2 += d * d / 2
		if share := (p[i]/np + q[i]/nq) / 2; share > 0 {
			excess += min(1, 1/(size*share)) // the expansion holds from an expected row on
		}
	}
	h2 = min(h2, 1)
	df := float64(len(p) - 1)
	return Result{
		Score:  math.Sqrt(h2),
		PValue: chiSquareTail(8*size*h2/(1+7.0/16*excess/max(df, 1)), df),
	}
}
