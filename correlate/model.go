package correlate

import (
	"slices"
	"time"

	"github.com/driftline/driftline/schemas"
)

// hear gives every signal to the incident that has its series and returns the
// alarms that belong to none.
func (m *model) hear(signals []schemas.Signal, cfg Config) []schemas.Signal {
	var strangers []schemas.Signal
	for i := range signals {
		s := &signals[i]
		for _, inc := range m.open {
			inc.alive(s, cfg.memory())
		}
		if inc := m.of(s.Series()); inc != nil {
			inc.series[s.Series()].hear(s, cfg.memory())
		} else if s.State == schemas.StateAlarm {
			strangers = append(strangers, *s)
		}
	}
	return strangers
}

// of is the open incident that has the series, nil for none.
func (m *model) of(k schemas.SeriesKey) *incident {
	for _, inc := range m.open {
		if inc.series[k] != nil {
			return inc
		}
	}
	return nil
}

// join brings the first alarm of a series into the incident that it belongs
// to, or opens one.
func (m *model) join(s *schemas.Signal, cfg Config) {
	if inc := m.of(s.Series()); inc != nil { // a second window of the same evaluation
		inc.series[s.Series()].hear(s, cfg.memory())
		return
	}
	if m.over(s) {
		return
	}
	inc := m.about(s.Feature)
	if inc == nil {
		inc = m.near(s, cfg)
	}
	if inc == nil {
		if inc = m.reopened(s, cfg); inc == nil {
			inc = opened(s)
		}
		m.open = append(m.open, inc)
		slices.SortStableFunc(m.open, byOnset)
	}
	inc.alive(s, cfg.memory())
	inc.join(s, cfg.memory())
}

// reopened is the newest past incident that affected the alarm's feature and
// ended shortly before it, open again; nil for none.
func (m *model) reopened(s *schemas.Signal, cfg Config) *incident {
	within := time.Duration(cfg.ReopenWithin) * s.WindowEnd.Sub(s.WindowStart)
	for i, p := range slices.Backward(m.closed) {
		since := s.WindowStart.Sub(p.resolved())
		if since < 0 || since >= within || !slices.Contains(p.told.Features, s.Feature) {
			continue
		}
		m.closed = slices.Delete(slices.Clone(m.closed), i, i+1)
		inc := restored(p.told)
		inc.told.State, inc.told.ResolvedAt, inc.told.Severity = schemas.IncidentOpen, nil, ""
		inc.again = true
		return inc
	}
	return nil
}

// about is the open incident that already affects a feature, nil for none:
// what other detectors, segments and versions see of the same feature later is
// no other incident.
func (m *model) about(feature string) *incident {
	for _, inc := range m.open {
		for k := range inc.series {
			if k.Feature == feature {
				return inc
			}
		}
	}
	return nil
}

// over tells whether the window of an alarm lies in an incident that is past.
func (m *model) over(s *schemas.Signal) bool {
	id := incidentID(s)
	return slices.ContainsFunc(m.closed, func(p past) bool {
		return p.told.ID == id || !s.WindowStart.Before(p.told.Onset) && !s.WindowEnd.After(p.resolved())
	})
}

// near is the open incident whose onset, or newest series, is nearest to the
// alarm; nil when none is within reach.
func (m *model) near(s *schemas.Signal, cfg Config) *incident {
	best := time.Duration(cfg.JoinWithin) * s.WindowEnd.Sub(s.WindowStart)
	var found *incident
	for _, inc := range m.open {
		d := min(s.WindowStart.Sub(inc.told.Onset).Abs(), s.WindowStart.Sub(inc.newest).Abs())
		if d < best || d == best && found == nil {
			best, found = d, inc
		}
	}
	return found
}

// revise returns the open incidents that changed and closes those that are over.
func (m *model) revise(now scope, cfg Config) []schemas.Incident {
	var changed []schemas.Incident
	for _, inc := range m.open {
		if inc.revise(now, cfg) {
			changed = append(changed, inc.published())
		}
	}
	m.open = slices.DeleteFunc(m.open, func(inc *incident) bool {
		if inc.told.State != schemas.IncidentResolved {
			return false
		}
		m.closed = append(m.closed, past{inc.told})
		return true
	})
	m.forget()
	return changed
}

func (m *model) forget() {
	if n := len(m.closed) - maxPast; n > 0 {
		m.closed = slices.Clone(m.closed[n:])
	}
}
