package rank

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/driftline/driftline/correlate/anomaly"
	"github.com/driftline/driftline/correlate/graph"
	"github.com/driftline/driftline/correlate/metric"
)

// observe makes a candidate of everything that the symptom depends on and
// judges all of its series.
func (r *ranking) observe() {
	for _, reached := range r.Graph.Reach(r.Symptom.Entity) {
		c := &candidate{entity: reached.Entity, path: reached.Path, best: -1, flow: -1, own: math.NaN(), excess: math.NaN(), load: math.NaN(), onset: r.onset}
		for _, m := range r.series[reached.Entity] {
			s := r.look(m)
			c.observed = c.observed || s.Unseen == ""
			if s.Unseen == "" && m.metric.Name == r.Symptom.Metric && m.series.Label == "" {
				c.flow = len(c.shown)
			}
			c.shown = append(c.shown, s)
		}
		r.candidates = append(r.candidates, c)
		r.byEntity[c.entity] = c
	}
	own := r.byEntity[r.Symptom.Entity]
	for i := range own.shown {
		s := &own.shown[i]
		if s.metric.Name == r.Symptom.Metric && s.series.Label == "" {
			r.symptom = s
		}
		if s.metric.IsTraffic() && s.Unseen == "" && (r.traffic == nil || s.Z > r.traffic.Z) {
			r.traffic = s
		}
	}
}

// symptomUnseen tells whether the symptom's own series does not show it: then
// there is nothing to explain. An incident's signals need no such proof.
func (r *ranking) symptomUnseen() bool {
	switch s := r.symptom; {
	case len(r.Symptom.Signals) > 0 || r.Symptom.Metric == "":
		return false
	case s == nil:
		r.result_.Abstained = fmt.Sprintf("%s of %s is not in the telemetry", r.Symptom.Metric, r.Symptom.Entity)
	case s.Unseen != "":
		r.result_.Abstained = fmt.Sprintf("%s of %s: %s", r.Symptom.Metric, r.Symptom.Entity, s.Unseen)
	case r.atSight() < told:
		r.result_.Abstained = fmt.Sprintf("%s of %s was within what is usual when it was seen: %.1f deviations, %.0f would show it", r.Symptom.Metric, r.Symptom.Entity, r.atSight(), told)
	}
	return r.result_.Abstained != ""
}

// atSight is how far the symptom's own series was from its level about the time
// at which it was seen.
func (r *ranking) atSight() float64 {
	w := r.window
	if until := r.Symptom.At.Add(r.tolerance(nil)); until.Before(w.Until) {
		w.Until = until
	}
	m := r.symptom.metric
	f := r.judge.Look(r.symptom.series, &m, r.gate(r.Symptom.Entity, &m), w)
	return f.Z
}

// weigh says of every series how much it speaks for its entity, and gathers
// the events.
func (r *ranking) weigh() {
	for _, c := range r.candidates {
		for i := range c.shown {
			r.weighSeries(c, &c.shown[i])
		}
		r.cap(c)
		for i := range c.shown {
			if r.isSymptom(c, &c.shown[i]) {
				continue // what is to be explained explains nothing
			}
			if c.shown[i].e > 0 && (c.best < 0 || c.shown[i].e > c.shown[c.best].e) {
				c.best = i
			}
		}
		if c.best >= 0 {
			c.raw, c.cause = c.shown[c.best].e, c.shown[c.best].metric.Mechanism
			c.onset = c.shown[c.best].Onset
		}
		c.e = c.raw
	}
	r.gather()
}

// isSymptom tells whether a series shows the symptom itself: at its entity, by
// a mechanism that only spreads.
func (r *ranking) isSymptom(c *candidate, s *shown) bool {
	return r.Symptom.Metric != "" && c.entity == r.Symptom.Entity && mechanisms[s.metric.Mechanism].spreads && EffectOf(&s.metric) == EffectOf(&r.symptomMetric)
}

func (r *ranking) weighSeries(c *candidate, s *shown) {
	m := s.metric.Mechanism
	if s.Unseen != "" || m == "" || m == metric.Traffic {
		return
	}
	w := explains(m, c.entity, r.effects)
	s.e = evidence(s.Z) * w
	if r.symptom != nil && m == r.symptom.metric.Mechanism && s.metric.Name != r.symptom.metric.Name {
		s.e *= sameStat
	}
	if w == 0 && s.Z >= tau && c.against == "" {
		c.against = fmt.Sprintf("%s changed by %.0f deviations, but %s does not explain %s", s.metric.Name, s.Z, word(m), list(r.effects))
	}
}

// cap holds what spreads to what the symptom's own metric shows at the same
// entity: who is observed not to fail is not to blame for failures because it
// is slow.
func (r *ranking) cap(c *candidate) {
	if c.flow < 0 {
		return
	}
	for i := range c.shown {
		if m := c.shown[i].metric.Mechanism; mechanisms[m].spreads && m != r.symptomMetric.Mechanism {
			c.shown[i].e = min(c.shown[i].e, c.shown[c.flow].e)
		}
	}
}

// gather gives the events of the time to their candidates.
func (r *ranking) gather() {
	var all []anomaly.Event
	all = append(all, r.Events...)
	from, until := r.onset.Add(-lead), r.onset.Add(r.tolerance(nil))
	for _, c := range r.candidates {
		for i := range c.shown {
			if c.shown[i].metric.Kind == metric.Event {
				all = append(all, anomaly.Typed(c.shown[i].series, from, until)...)
			}
		}
	}
	slices.SortFunc(all, compareEvents)
	all = slices.CompactFunc(all, func(a, b anomaly.Event) bool { return compareEvents(a, b) == 0 })
	for _, e := range all {
		c := r.byEntity[e.Entity]
		if c == nil || e.Time.Before(from) || e.Time.After(until) {
			continue
		}
		c.observed = true
		e.Weight *= explains(e.Mechanism, e.Entity, r.effects) * r.recent(&e)
		if e.Weight <= 0 {
			if c.against == "" {
				c.against = fmt.Sprintf("%s, but that does not explain %s", e.Text, list(r.effects))
			}
			continue
		}
		c.events = append(c.events, e)
	}
	for _, c := range r.candidates {
		slices.SortStableFunc(c.events, func(a, b anomaly.Event) int { return -compare(a.Weight, b.Weight) })
	}
}

// recent fades a change with its age: half after an hour. What hardware says
// of itself stays.
func (r *ranking) recent(e *anomaly.Event) float64 {
	age := r.onset.Sub(e.Time)
	if age <= 0 || !e.IsChange {
		return 1
	}
	return math.Exp2(-float64(age) / float64(fades))
}

// tolerance is how much later than the symptom a cause may be seen to begin.
func (r *ranking) tolerance(c *candidate) time.Duration {
	step := time.Duration(0)
	if r.symptom != nil {
		step = r.symptom.Step
	}
	if c != nil && c.best >= 0 {
		step = max(step, c.shown[c.best].Step)
	}
	return steps*step + skew + r.Symptom.Within
}

func compareEvents(a, b anomaly.Event) int {
	if c := a.Time.Compare(b.Time); c != 0 {
		return c
	}
	if c := compare(a.Entity, b.Entity); c != 0 {
		return c
	}
	if c := compare(a.Name, b.Name); c != 0 {
		return c
	}
	return compare(a.Text, b.Text)
}

// reach tells whether the symptom depends on an entity.
func (r *ranking) reaches(e graph.Entity) bool { return r.byEntity[e] != nil }
