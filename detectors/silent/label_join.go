package silent

// labelJoin judges how many predictions of a fixed age have a label.
var labelJoinRule = Rule{
	Name: "label_join", Title: "predictions without labels", Unit: "share of the rate", Needs: []Input{Joins},
	Doc:    "Of the predictions that have reached a fixed age (detect.silent.label_age), a smaller part has a label than of those before them: ids do not match any more, or labels come for some only.",
	Use:    "Models whose labels come within label_age; keep it below the retention of raw events.",
	Blind:  "Labels that are wrong. A model without labels of that age gives no_data: its accuracy is unknown, not fine.",
	Source: "relative fall of labelled over predicted at a fixed age, beta-binomial chance",
	Params: []Param{leastRows, significance, {"min_fall", 0.3, 0.01, 1, "share of the rate", "smallest fall that counts"}},
	Model:  labelJoin,
}

func labelJoin(m *Model, c Clock, p Params) []Finding {
	before, recent := m.Joins[0], m.Joins[1]
	switch {
	case recent.Predicted == 0:
		return []Finding{noData("no prediction reached the age of labels in the last %s", long(c.Recent))}
	case before.Labelled == 0 && recent.Labelled == 0:
		return []Finding{noData("none of %d predictions has a label: how good the model is is unknown", recent.Predicted)}
	case before.Predicted < p.count("min_rows") || recent.Predicted < p.count("min_rows"):
		return []Finding{insufficient(recent.Predicted, before.Predicted, "%d predictions and %d before are too few, %d are needed in each",
			recent.Predicted, before.Predicted, p.count("min_rows"))}
	}
	now, then := share(recent.Labelled, recent.Predicted), share(before.Labelled, before.Predicted)
	fall := 0.
	if then > 0 {
		fall = max(0, 1-now/then)
	}
	chance := risen(recent.Predicted-recent.Labelled, recent.Predicted, before.Predicted-before.Labelled, before.Predicted)
	f := effect(fall, p["min_fall"], chance, p["p_value"], recent.Predicted, before.Predicted)
	return []Finding{f.says("%s of %d predictions have a label, before it was %s of %d", percent(now), recent.Predicted, percent(then), before.Predicted)}
}
