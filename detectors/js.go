package detectors

import (
	"math"

	"github.com/driftline/driftline/schemas"
)

// jsBins are the quantile bins of the Jensen–Shannon distance: finer than
// PSI's, as it stays finite on empty bins, and few enough that its mean under
// the null, √((K−1)/8·(1/N+1/M)) nats, is below 0.05 from 1,000 rows on.
const jsBins = 20

// jsDetector is the Jensen–Shannon distance, √(½KL(p‖m)+½KL(q‖m)) with
// m = (p+q)/2, on bins frozen at the reference's quantiles. Base 2 gives a
// maximum of 1, base e one of √ln2 = 0.8326: the bases differ by a factor of
// 1.2011, so a threshold belongs to a base.
//
// Null distribution: to second order the divergence in nats is ⅛Σ(p−q)²/m,
// hence 8·NM/(N+M)·JSD ~ χ² with K−1 degrees of freedom. The next term of the
// expansion raises its mean by ⅜·(1/N+1/M)·Σ1/m, 4 % at 200 rows, and is
// divided out (Bartlett's way of correcting a statistic). Cost: O(points·log bins).
var jsDetector = Detector{
	Manual: Manual{
		Name: "js", Title: "Jensen–Shannon", Unit: "distance", Range: "0 to 1 in base 2 (0.8326 in base e)", Threshold: 0.1,
		Doc:    "Jensen–Shannon distance over twenty bins frozen at the reference's quantiles: any change of shape larger than a bin. `detect.js_base` chooses the logarithm: 2, or e as SciPy and Evidently have it.",
		Use:    "A bounded figure for every numeric feature, finite also where the window leaves the reference.",
		Blind:  "Movement within a bin, and how far mass moved: next door counts as much as far away.",
		Null:   "8·NM/(N+M)·JSD, in nats, is χ² with K−1 degrees of freedom, with a Bartlett correction.",
		Cost:   "O(points·log bins)",
		Source: "Lin 1991; Endres and Schindelin 2003",
	},
	Kinds: numericOnly, Default: true, Compare: jensenShannon,
}

func jensenShannon(ref, cur *schemas.Summary, par Params) Result {
	if !bothPresent(ref, cur) {
		return Result{NoData: true}
	}
	p, q := binned(ref, cur, jsBins)
	np, nq := mass(ref.Points), mass(cur.Points)
	n := effective(ref, cur)
	var nats, excess float64
	for i := range p {
		a, b := p[i]/np, q[i]/nq
		nats += half(a, b) + half(b, a)
		// At most 1 for each bin: the expansion holds from an expected row on.
		excess += min(1, (np+nq)/(n*(p[i]+q[i])))
	}
	df := float64(len(p) - 1)
	nats = min(max(0, nats), math.Ln2)
	score := math.Sqrt(nats)
	if !par.NaturalLogs {
		score = math.Sqrt(nats / math.Ln2)
	}
	return Result{
		Score:  score,
		PValue: chiSquareTail(8*n*nats/(1+0.375*excess/max(df, 1)), df),
		Detail: moved(ref, cur),
	}
}

// half is one bin's part of ½KL(a‖(a+b)/2), in nats.
func half(a, b float64) float64 {
	if a == 0 {
		return 0
	}
	return a / 2 * math.Log(2*a/(a+b))
}
