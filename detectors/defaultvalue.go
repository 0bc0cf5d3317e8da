package detectors

import (
	"github.com/driftline/driftline/schemas"
)

// leastAtom is the share of rows from which a value counts as an atom: a point
// of a sketch stands for 1/256 of the rows, and several of them may fall
// together by rounding.
const leastAtom = 0.02

// defaultValueDetector is the largest growth of any one value's share: 0, −1 or
// 999 that a join or a parser puts in place of what it did not find.
//
// Null distribution: two-proportion test of that value, multiplied by the
// number of distinct values (Bonferroni): exact enough for discrete features,
// conservative for continuous ones, where no value repeats. Cost: O(points).
var defaultValueDetector = Detector{
	Manual: Manual{
		Name: "default_value", Title: "default value", Unit: "share of rows", Range: "0 to 1", Threshold: 0.05,
		Doc:    "Growth of the share of one single value, such as 0, -1 or 999. Values under 2 % of the rows are passed over.",
		Use:    "Numeric features that code or pipelines fill in when they find nothing: the silent form of missing values.",
		Blind:  "Defaults drawn from a distribution, such as means by group. Categorical features: linf does the same there.",
		Null:   "Two-proportion test of the value with Bonferroni's correction for all distinct values; conservative for continuous features.",
		Cost:   "O(points)",
		Source: "two-proportion tests with Bonferroni's correction",
	},
	Kinds: numericOnly, Compare: defaultValue,
}

func defaultValue(ref, cur *schemas.Summary, _ Params) Result {
	if !bothPresent(ref, cur) {
		return Result{NoData: true}
	}
	n, m := float64(ref.Present()), float64(cur.Present())
	least, values := 1.0, 0.0
	var lastF, lastG, gap, before, after, value float64
	walk(ref.Points, cur.Points, func(at, f, g float64) {
		p, q := f-lastF, g-lastG
		lastF, lastG = f, g
		values++
		if q < leastAtom || q <= p {
			return
		}
		least = min(least, proportionTail(p*n, n, q*m, m))
		if q-p > gap {
			gap, before, after, value = q-p, p, q, at
		}
	})
	r := Result{Score: gap, PValue: min(1, least*values), Detail: "no value is more frequent than before"}
	if gap > 0 {
		r.Detail = "is " + number(value) + " in " + percent(after) + " of rows, " + percent(before) + " of the reference"
	}
	return r
}
