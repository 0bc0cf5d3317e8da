package silent

import (
	"strings"

	"github.com/driftline/driftline/schemas"
)

// schemaDrift judges which features there are.
var schemaDriftRule = Rule{
	Name: "schema_drift", Title: "change of features", Unit: "features", Needs: []Input{Blocks},
	Doc:    "A model version gets features that it did not have, lacks ones that it had, or has one as text that was a number: somebody changed what is sent, without a new version.",
	Use:    "Every model whose versions have a fixed set of features.",
	Blind:  "Changes between versions are meant; a change of meaning under the same name (see unit_shift).",
	Source: "sets of features with values; the chance that one vanished by accident as in stale_feature",
	Params: []Param{
		leastRows, significance,
		{"max_changes", 1, 1, 1e6, "features", "from so many on"},
		{"min_share", 0.05, 0, 1, "share of rows", "features with values in fewer rows are left alone"},
	},
	Model: schemaDrift,
}

func schemaDrift(m *Model, c Clock, p Params) []Finding {
	all := featuresOf(m, c)
	if len(all) == 0 {
		return []Finding{noData("no feature of the model was seen")}
	}
	var out []Finding
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].version == all[0].version {
			n++
		}
		out = append(out, schemaOf(all[:n], c, p).of(all[0].version, ""))
		all = all[n:]
	}
	return out
}

// schemaOf judges one version.
func schemaOf(features []feature, c Clock, p Params) Finding {
	var rows, rows0 uint64
	for i := range features {
		rows, rows0 = max(rows, sum(features[i].recent).rows), max(rows0, sum(features[i].before).rows)
	}
	worst := 0.
	var came, went []string
	kinds := map[string][2]bool{} // name: came, went
	for i := range features {
		f := &features[i]
		before, recent := sum(f.before).present, sum(f.recent).present
		name, change := f.name+" ("+string(f.kind)+")", kinds[f.name]
		switch {
		case before == 0 && share(recent, rows) >= p["min_share"] && recent > 0:
			came, change[0] = append(came, name), true
			worst = max(worst, vanished(rows0, recent, rows))
		case recent == 0 && share(before, rows0) >= p["min_share"] && before > 0:
			went, change[1] = append(went, name), true
			worst = max(worst, vanished(rows, before, rows0))
		}
		kinds[f.name] = change
	}
	switch {
	case rows == 0:
		return noData("no row of the version in the last %s", long(c.Recent))
	case rows < p.count("min_rows") || rows0 < p.count("min_rows"):
		return insufficient(rows, rows0, "%d rows and %d before are too few, %d are needed in each", rows, rows0, p.count("min_rows"))
	}
	changes := len(came) + len(went)
	for _, change := range kinds {
		if change[0] && change[1] {
			changes-- // one feature that changed its kind
		}
	}
	if changes == 0 {
		return Finding{State: schemas.StateOK, PValue: 1, Threshold: p["max_changes"], N: rows, Reference: rows0}.says("%d features as before", len(features))
	}
	f := effect(float64(changes), p["max_changes"], worst, p["p_value"], rows, rows0)
	return f.says("came: %s; went: %s", list(came), list(went)).from(c.from())
}

// list names a few and counts the rest.
func list(names []string) string {
	const most = 5
	switch {
	case len(names) == 0:
		return "none"
	case len(names) > most:
		return strings.Join(names[:most], ", ") + " and " + number(float64(len(names)-most)) + " more"
	}
	return strings.Join(names, ", ")
}
