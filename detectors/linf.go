package detectors

import "github.com/driftline/driftline/schemas"

// linfDetector is the largest change of any category's share, max|p−q|: the
// statistic for many categories, where χ² and divergences drown in rare ones.
//
// Null distribution: each category's two-proportion test (a conditional
// binomial one where a category is rare), the smallest p-value multiplied by
// the number of categories (Bonferroni). Cost: O(K).
var linfDetector = Detector{
	Manual: Manual{
		Name: "linf", Title: "L∞", Unit: "share of rows", Range: "0 to 1", Threshold: 0.1,
		Doc:    "Largest change of any one category's share.",
		Use:    "Thousands of categories: it is cheap, and steady where sums over categories drown in rare ones.",
		Blind:  "Many small shifts.",
		Null:   "Two-proportion tests of each category, with Bonferroni's correction for K.",
		Cost:   "O(K)",
		Source: "maximum norm; two-proportion tests",
	},
	Kinds: categoricalOnly, Default: true, Compare: linf,
}

func linf(ref, cur *schemas.Summary, _ Params) Result {
	ts := tallies(ref, cur)
	n, m := totals(ts)
	if n == 0 {
		return Result{NoData: true}
	}
	least := 1.0
	for _, t := range ts {
		least = min(least, proportionTail(t.ref, n, t.cur, m))
	}
	_, gap := widest(ts, n, m)
	return Result{Score: gap, PValue: min(1, least*float64(len(ts))), Detail: shifted(ts, n, m)}
}
