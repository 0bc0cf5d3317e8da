package silent

// duplicates judges how many request ids come more than once.
var duplicatesRule = Rule{
	Name: "duplicates", Title: "duplicate requests", Unit: "share of rows", Needs: []Input{IDs},
	Doc:    "The same request id comes more than once in the judged time: a producer sends twice, or a job repeats its work.",
	Use:    "Models whose events have request ids that are unique.",
	Blind:  "Repeats that are further apart than the judged time; equal answers under different ids.",
	Source: "1 − distinct ids over ids, binomial tail at the share that is normal",
	Params: []Param{
		leastRows, significance,
		{"min_share", 0.02, 0.0001, 1, "share of rows", "smallest share that counts"},
		{"normal", 0.001, 0, 1, "share of rows", "repeats that retries of clients explain"},
	},
	Model: func(m *Model, c Clock, p Params) []Finding {
		n := m.IDs.Rows
		switch {
		case n == 0:
			return []Finding{noData("no event of the last %s has a request id", long(c.Recent))}
		case n < p.count("min_rows"):
			return []Finding{insufficient(n, 0, "%d events with a request id are too few, %d are needed", n, p.count("min_rows"))}
		}
		twice := n - min(m.IDs.Distinct, n)
		f := effect(share(twice, n), p["min_share"], binomialAtLeast(twice, n, p["normal"]), p["p_value"], n, 0)
		return []Finding{f.says("%d of %d request ids had come before (%s)", twice, n, percent(share(twice, n))).from(c.from())}
	},
}
