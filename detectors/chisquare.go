package detectors

import (
	"math"

	"github.com/driftline/driftline/schemas"
)

// chiSquareDetector is Pearson's test of homogeneity: reference and window are
// two samples of one distribution. (Testing the window's fit to the
// reference's shares instead takes the reference for the truth and divides by
// zero on a category it does not have.) Categories with fewer than five
// expected rows are pooled.
//
// χ² grows with the rows, so the score is its effect size, Cohen's w:
// √(χ²·(1/N+1/M)) = √Σ(p−q)²/r, with r the pooled shares. By Cohen 0.1 is
// small, 0.3 medium, 0.5 large. Its maximum, for disjoint categories, is
// (N+M)/√(NM). Cramér's V of the 2×K table would shrink with the imbalance of
// the two samples and is not used.
//
// Null distribution: χ² with K−1 degrees of freedom. Cost: O(K log K).
var chiSquareDetector = Detector{
	Manual: Manual{
		Name: "chi_square", Title: "chi-squared", Unit: "Cohen's w", Range: "0 to (N+M)/√(NM); 0.1 small, 0.3 medium, 0.5 large", Threshold: 0.1,
		Doc:    "Pearson's homogeneity test over the categories, rare ones pooled: many small shifts as well as one large.",
		Use:    "Categorical features of up to some dozens of categories.",
		Blind:  "Categories that the reference hardly has fall into the pool; new_category and linf see those.",
		Null:   "χ² with K−1 degrees of freedom, each category with five expected rows or pooled.",
		Cost:   "O(K log K)",
		Source: "Pearson 1900; effect size after J. Cohen, Statistical Power Analysis, 1988",
	},
	Kinds: categoricalOnly, Default: true, Compare: chiSquare,
}

func chiSquare(ref, cur *schemas.Summary, _ Params) Result {
	all := tallies(ref, cur)
	n, m := totals(all)
	if n == 0 {
		return Result{NoData: true}
	}
	ts := pooled(all, n, m)
	var x2 float64
	for _, t := range ts {
		if r := (t.ref + t.cur) / (n + m); r > 0 {
			d := t.ref/n - t.cur/m
			x2 += d * d / r
		}
	}
	return Result{
		Score:  math.Sqrt(x2),
		PValue: chiSquareTail(x2*n*m/(n+m), float64(len(ts)-1)),
		Detail: shifted(all, n, m),
	}
}
