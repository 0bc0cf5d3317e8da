package detectors

import "github.com/driftline/driftline/schemas"

// typeDetector is the share of rows whose value is of the other kind: text
// where numbers were, or numbers where text was. Rows of the other kind are
// missing to all other statistics of the feature; this one tells a change of
// type from an absence.
//
// A summary alone holds one kind. The store keeps both under one name, and the
// evaluation of a window writes the other kind's count into OtherKind; where a
// summary comes from elsewhere, and nobody does, the score is 0.
//
// Null distribution: two-proportion test, as for missing. Cost: O(1).
var typeDetector = Detector{
	Manual: Manual{
		Name: "type_change", Title: "type change", Unit: "share of rows", Range: "0 to 1", Threshold: 0.01,
		Doc:    "Share of rows whose value is of the other kind, text for a number or a number for text, beyond the reference's share.",
		Use:    "Features from producers without a schema, such as JSON.",
		Blind:  "Changes within a kind: whole numbers that become decimals, numbers as text in a column declared as text.",
		Null:   "Two-proportion test, conditional binomial where counts are small.",
		Cost:   "O(1)",
		Source: "difference of two proportions",
	},
	Kinds: bothKinds, AllRows: true, Compare: typeChange,
}

func typeChange(ref, cur *schemas.Summary, _ Params) Result {
	n, m := float64(ref.Rows), float64(cur.Rows)
	if n == 0 || m == 0 {
		return Result{NoData: true}
	}
	a, b := min(n, float64(ref.OtherKind)), min(m, float64(cur.OtherKind))
	other := "text"
	if ref.Kind == schemas.Categorical {
		other = "number"
	}
	r := Result{Score: max(0, b/m-a/n), PValue: 1, Detail: "was a " + other + " in " + percent(b/m) + " of rows, " + percent(a/n) + " of the reference"}
	if r.Score > 0 {
		r.PValue = proportionTail(a, n, b, m)
	}
	return r
}
