package detectors

import (
	"math"

	"github.com/driftline/driftline/schemas"
)

// cramersVDetector is Cramér's V of the 2×K table of sample and category with
// Bergsma's correction, which takes away what chance adds: plain V grows with K
// alone. V of the table as it is would also shrink as the two samples become
// unequal in size; so both count alike here, with 4NM/(N+M) rows in all. For
// equal sizes that is the usual figure.
//
// Null distribution: that of chi_square, of which it is a function.
// Cost: O(K log K).
var cramersVDetector = Detector{
	Manual: Manual{
		Name: "cramers_v", Title: "Cramér's V", Unit: "association", Range: "0 to 1; 1 when no category is common to both", Threshold: 0.1,
		Doc:    "How well the category tells the window from the reference, corrected for chance; rare categories pooled.",
		Use:    "To compare features of different numbers of categories: it is bounded, and 0 on average when nothing changed.",
		Blind:  "Changes smaller than chance are 0 exactly. As chi_square, rare categories are one.",
		Null:   "That of chi_square: χ² with K−1 degrees of freedom.",
		Cost:   "O(K log K)",
		Source: "Cramér 1946; W. Bergsma, Journal of the Korean Statistical Society 2013",
	},
	Kinds: categoricalOnly, Compare: cramersV,
}

func cramersV(ref, cur *schemas.Summary, p Params) Result {
	all := tallies(ref, cur)
	n, m := totals(all)
	if n == 0 {
		return Result{NoData: true}
	}
	ts := pooled(all, n, m)
	var phi2 float64
	for _, t := range ts {
		if sum := t.ref/n + t.cur/m; sum > 0 {
			d := t.ref/n - t.cur/m
			phi2 += d * d / sum / 2
		}
	}
	r := chiSquare(ref, cur, p)
	r.Score = bergsma(phi2, float64(len(ts)), 4*n*m/(n+m))
	return r
}

// bergsma is the corrected V of a 2×K table with φ² and its number of rows.
func bergsma(phi2, k, rows float64) float64 {
	if rows <= 1 {
		return 0
	}
	phi2 = max(0, phi2-(k-1)/(rows-1))
	columns, lines := k-(k-1)*(k-1)/(rows-1), 2-1/(rows-1)
	if least := min(columns, lines) - 1; least > 0 {
		return min(1, math.Sqrt(phi2/least))
	}
	return 0
}
