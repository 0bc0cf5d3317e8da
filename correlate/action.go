package correlate

import "github.com/driftline/driftline/schemas"

// Act notes what people did about an open incident and returns its next
// revision; false when the incident is not open here, or knows of it already.
func (c *Correlator) Act(a schemas.Action) (schemas.Incident, bool) {
	for k, m := range c.models {
		if k.ModelKey != (schemas.ModelKey{Tenant: a.Tenant, Model: a.Model}) {
			continue
		}
		for _, inc := range m.open {
			if inc.told.ID == a.IncidentID && inc.told.Apply(a) {
				inc.told.Revision++
				return inc.published(), true
			}
		}
	}
	return schemas.Incident{}, false
}
