package detectors

import "github.com/driftline/driftline/schemas"

// missingDetector compares the share of rows without a value. Missing values
// are kept out of every other statistic: a null spike is an event of its own,
// not a change of distribution. Fewer missing values than before count too,
// for they mean that somebody fills them in.
//
// Null distribution: two-proportion test, conditional binomial where the
// counts are small. Cost: O(1).
var missingDetector = Detector{
	Manual: Manual{
		Name: "missing", Title: "missing rate", Unit: "share of rows", Range: "0 to 1", Threshold: 0.05,
		Doc:    "Change of the share of rows without a value (absent, null, NaN, infinite, empty), either way.",
		Use:    "Every feature: the other statistics leave rows without a value out.",
		Blind:  "Defaults that stand in for missing values; default_value sees those.",
		Null:   "Two-proportion test, conditional binomial where counts are small.",
		Cost:   "O(1)",
		Source: "difference of two proportions",
	},
	Kinds: bothKinds, Default: true, AllRows: true, Compare: missing,
}

func missing(ref, cur *schemas.Summary, _ Params) Result {
	n, m := float64(ref.Rows), float64(cur.Rows)
	if n == 0 || m == 0 {
		return Result{NoData: true}
	}
	a, b := n-float64(ref.Present()), m-float64(cur.Present())
	return Result{
		Score:  abs(a/n - b/m),
		PValue: proportionTail(a, n, b, m),
		Detail: "missing went from " + percent(a/n) + " to " + percent(b/m),
	}
}
