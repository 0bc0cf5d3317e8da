package correlate

import (
	"cmp"
	"slices"

	"github.com/driftline/driftline/schemas"
)

// Merge makes incidents of one cause one: of those that are open anywhere, the
// given ones, and whose likeliest cause is the same entity, the one with the
// earliest onset stands for the others. It returns the next revisions of the
// incidents kept here whose place in that changed. What stands for another
// stays open as long as its own series are bad; when it is over, the next one
// takes its place.
func (c *Correlator) Merge(open []schemas.Incident) (changed []schemas.Incident) {
	type place struct{ tenant, entity string }
	first := map[place]*schemas.Incident{}
	for i := range open {
		inc := &open[i]
		entity := causeEntity(inc)
		if entity == "" || inc.State == schemas.IncidentResolved || inc.FalsePositive() {
			continue
		}
		p := place{inc.Tenant, entity}
		if f := first[p]; f == nil || cmp.Or(inc.Onset.Compare(f.Onset), cmp.Compare(inc.ID, f.ID)) < 0 {
			first[p] = inc
		}
	}
	for _, m := range c.models {
		for _, inc := range m.open {
			into := ""
			if f := first[place{inc.told.Tenant, causeEntity(&inc.told)}]; f != nil && f.ID != inc.told.ID {
				into = f.ID
			}
			if into == inc.told.MergedInto {
				continue
			}
			inc.told.MergedInto = into
			inc.told.Revision++
			inc.describe(&inc.told, 0, c.cfg)
			changed = append(changed, inc.published())
		}
	}
	slices.SortFunc(changed, func(a, b schemas.Incident) int { return cmp.Compare(a.ID, b.ID) })
	return changed
}

// Caused tells whether any incident kept here is put down to something, or merged.
func (c *Correlator) Caused() bool {
	for _, m := range c.models {
		for _, inc := range m.open {
			if inc.told.MergedInto != "" || causeEntity(&inc.told) != "" {
				return true
			}
		}
	}
	return false
}

// causeEntity is what an incident is put down to with fair confidence; empty for
// none, and for causes that are of one model alone: its data and its concept.
func causeEntity(i *schemas.Incident) string {
	if i.Diagnosis == nil || len(i.Diagnosis.Causes) == 0 {
		return ""
	}
	c := &i.Diagnosis.Causes[0]
	if c.Confidence < fair {
		return ""
	}
	return c.Entity
}
