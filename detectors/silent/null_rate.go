package silent

// nullRate judges the share of rows without a value.
var nullRateRule = Rule{
	Name: "null_rate", Title: "missing values", Unit: "share of rows", Needs: []Input{Blocks}, Twin: "missing",
	Doc:    "More rows are without a value (absent, null, NaN, infinite, empty) than in the hours before: of a feature, or of the answer of a model that reports success all the same.",
	Use:    "Every feature, and _score and _prediction above all. It needs no reference.",
	Blind:  "Values that stand for missing, such as −1; a rise so slow that the hours before rise along.",
	Source: "difference of shares, beta-binomial chance",
	Params: []Param{leastRows, significance, {"min_rise", 0.1, 0.001, 1, "share of rows", "smallest rise that counts"}},
	Model:  eachFeature(nullRate),
}

func nullRate(f *feature, c Clock, p Params) Finding {
	before, recent := sum(f.before), sum(f.recent)
	switch {
	case recent.rows == 0:
		return noData("no row of the version in the last %s", long(c.Recent))
	case before.rows < p.count("min_rows") || recent.rows < p.count("min_rows"):
		return insufficient(recent.rows, before.rows, "%d rows and %d before are too few, %d are needed in each", recent.rows, before.rows, p.count("min_rows"))
	case before.present == 0 && recent.present == 0:
		return noData("the feature has no values, and had none before")
	}
	now, then := share(recent.nulls(), recent.rows), share(before.nulls(), before.rows)
	chance := risen(recent.nulls(), recent.rows, before.nulls(), before.rows)
	out := effect(now-then, p["min_rise"], chance, p["p_value"], recent.rows, before.rows)
	return out.says("%s of %d rows have no value, before it was %s of %d", percent(now), recent.rows, percent(then), before.rows).from(c.from())
}
