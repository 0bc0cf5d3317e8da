package alerting

import (
	"fmt"
	"maps"
	"slices"

	"github.com/driftline/driftline/schemas"
)

// relate finds out which incidents are explained by others.
//
// An incident explains another one of its tenant when its likeliest cause is an
// entity that the diagnosis of the other names, it is sure enough of that, and
// it is of higher rank. The rank is a total order, so of the incidents about an
// entity some one is always told.
func (r *Router) relate() {
	r.by, r.related = map[string]*known{}, map[string][]string{}
	defer r.tellRelated()
	for id, k := range r.incidents { // one cause is one incident, unless that hides how bad it is
		if by := r.incidents[k.MergedInto]; by != nil && by.State != schemas.IncidentResolved && rank(by.Severity) >= rank(k.Severity) {
			r.by[id] = by
		}
	}
	if !r.inhibition.Enabled {
		return
	}
	type place struct{ tenant, entity string }
	first := map[place]*known{} // of highest rank with that cause
	for _, k := range r.incidents {
		c := likeliest(&k.Incident)
		if k.State == schemas.IncidentResolved || r.by[k.ID] != nil || c == nil || c.Entity == "" || c.Confidence < r.inhibition.MinConfidence {
			continue
		}
		if p := (place{k.Tenant, c.Entity}); first[p] == nil || outranks(k, first[p]) {
			first[p] = k
		}
	}
	for id, k := range r.incidents {
		if r.by[id] != nil {
			continue
		}
		for entity := range entities(k.Diagnosis) {
			by := first[place{k.Tenant, entity}]
			if by != nil && by != k && outranks(by, k) && (r.by[id] == nil || outranks(by, r.by[id])) {
				r.by[id] = by
			}
		}
	}
}

// tellRelated notes by incident the titles of the open ones that it explains.
func (r *Router) tellRelated() {
	for _, id := range slices.Sorted(maps.Keys(r.incidents)) {
		if k, by := r.incidents[id], r.by[id]; by != nil && k.State != schemas.IncidentResolved {
			r.related[by.ID] = append(r.related[by.ID], k.Title)
		}
	}
}

// inhibitedBy names the open incident that explains another; empty for none.
func (r *Router) inhibitedBy(k *known) string {
	by := r.by[k.ID]
	if by == nil {
		return ""
	}
	if k.MergedInto == by.ID {
		return "merged into " + by.ID
	}
	c := likeliest(&by.Incident)
	return fmt.Sprintf("inhibited by %s, whose cause is %s (confidence %.2f)", by.ID, c.Entity, c.Confidence)
}

// outranks compares by severity, then confidence of the likeliest cause, then
// age, then id.
func outranks(a, b *known) bool {
	if x, y := rank(a.Severity), rank(b.Severity); x != y {
		return x > y
	}
	if x, y := confidence(a), confidence(b); x != y {
		return x > y
	}
	if !a.OpenedAt.Equal(b.OpenedAt) {
		return a.OpenedAt.Before(b.OpenedAt)
	}
	return a.ID < b.ID
}

func confidence(k *known) float64 {
	if c := likeliest(&k.Incident); c != nil {
		return c.Confidence
	}
	return 0
}

// entities that a diagnosis holds to be its likeliest causes, or to lie between
// these and the symptom; none for nil. What was ruled out is not among them, nor
// what is far less likely: an incident with a cause of its own is told.
func entities(d *schemas.Diagnosis) map[string]bool {
	out := map[string]bool{}
	if d == nil || len(d.Causes) == 0 {
		return out
	}
	for _, c := range d.Causes {
		if c.Confidence < d.Causes[0].Confidence/2 {
			continue
		}
		out[c.Entity] = true
		for _, e := range c.Path {
			out[e] = true
		}
	}
	delete(out, "")
	return out
}
