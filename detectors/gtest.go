package detectors

import (
	"math"

	"github.com/driftline/driftline/schemas"
)

// gTestDetector is the likelihood-ratio test of homogeneity: G is twice the sum
// of observed·ln(observed/expected) over both samples, so samples of unequal
// size need no scaling. The score √(G·(1/N+1/M)) is on the scale of Cohen's w,
// to which it is equal for small changes.
//
// Null distribution: G divided by Williams' factor ~ χ² with K−1 degrees of
// freedom, each category with five expected rows or pooled. Cost: O(K log K).
var gTestDetector = Detector{
	Manual: Manual{
		Name: "g_test", Title: "G test", Unit: "Cohen's w", Range: "0 and up; 0.1 small, 0.3 medium, 0.5 large", Threshold: 0.1,
		Doc:    "Likelihood-ratio test of homogeneity over the categories, rare ones pooled.",
		Use:    "Instead of chi_square where information theory is spoken: G is the information in the rows against \"nothing changed\".",
		Blind:  "As chi_square: categories that the reference hardly has fall into the pool.",
		Null:   "χ² with K−1 degrees of freedom after Williams' correction.",
		Cost:   "O(K log K)",
		Source: "Wilks 1938; D. A. Williams, Biometrika 1976",
	},
	Kinds: categoricalOnly, Compare: gTest,
}

func gTest(ref, cur *schemas.Summary, _ Params) Result {
	all := tallies(ref, cur)
	n, m := totals(all)
	if n == 0 {
		return Result{NoData: true}
	}
	ts := pooled(all, n, m)
	var g, inverse float64
	for _, t := range ts {
		share := (t.ref + t.cur) / (n + m)
		g += likelihood(t.ref, n*share) + likelihood(t.cur, m*share)
		inverse += 1 / share
	}
	g = max(0, 2*g)
	df := float64(len(ts) - 1)
	williams := 1.0
	if df > 0 {
		williams += ((n+m)/n + (n+m)/m - 1) * (inverse - 1) / (6 * (n + m) * df)
	}
	return Result{Score: math.Sqrt(g * (1/n + 1/m)), PValue: chiSquareTail(g/williams, df), Detail: shifted(all, n, m)}
}

// likelihood is one cell's part of G/2; an empty cell has none.
func likelihood(observed, expected float64) float64 {
	if observed == 0 {
		return 0
	}
	return observed * math.Log(observed/expected)
}
