package silent

// staleFeature judges how long a feature has had no value.
var staleFeatureRule = Rule{
	Name: "stale_feature", Title: "feature without values", Unit: "seconds since the last value", Needs: []Input{Blocks},
	Doc:    "A feature that used to have values has none in any row of the judged time, while rows keep coming: its store, its job or its join has stopped.",
	Use:    "Every feature of every model, the outputs included. It needs no reference.",
	Blind:  "Old values that are served again and again (see frozen_feature); a feature that is partly missing (see null_rate).",
	Source: "chance that no row has a value, at the lower Wilson bound of the earlier share",
	Params: []Param{leastRows, significance, {"min_share", 0.05, 0, 1, "share of rows", "a feature that had values in fewer rows is left alone"}},
	Model:  eachFeature(staleFeature),
}

func staleFeature(f *feature, c Clock, p Params) Finding {
	before, recent := sum(f.before), sum(f.recent)
	switch {
	case recent.rows == 0:
		return noData("no row of the version in the last %s", long(c.Recent))
	case before.rows < p.count("min_rows") || recent.rows < p.count("min_rows"):
		return insufficient(recent.rows, before.rows, "%d rows and %d before are too few, %d are needed in each", recent.rows, before.rows, p.count("min_rows"))
	case before.present == 0 && recent.present == 0:
		return noData("the feature has no values, and had none before")
	}
	if recent.present > 0 || share(before.present, before.rows) < p["min_share"] {
		return effect(0, c.Recent.Seconds(), 1, 0, recent.rows, before.rows).says("%d of %d rows have a value", recent.present, recent.rows)
	}
	silence := c.since(before.last)
	f0 := effect(silence.Seconds(), c.Recent.Seconds(), vanished(recent.rows, before.present, before.rows), p["p_value"], recent.rows, before.rows)
	return f0.says("none of %d rows has a value, before it was %s of %d", recent.rows, percent(share(before.present, before.rows)), before.rows).from(before.last)
}
