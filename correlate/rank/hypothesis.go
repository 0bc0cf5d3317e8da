package rank

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/driftline/driftline/correlate/anomaly"
	"github.com/driftline/driftline/correlate/graph"
	"github.com/driftline/driftline/correlate/metric"
	"github.com/driftline/driftline/schemas"
)

// brokenBy are the detectors that see values which nobody meant to send.
var brokenBy = []string{
	"missing", "type_change", "constant", "frozen", "unit_change", "vanished", "default_value",
	"silent_stale_feature", "silent_frozen_feature", "silent_null_rate", "silent_unit_shift", "silent_schema_drift",
}

// provedBy are those of them that see it or do not, so that their score says
// nothing of how sure it is.
var provedBy = []string{"type_change", "constant", "frozen", "silent_frozen_feature", "silent_schema_drift"}

// BreaksInputs tells whether a signal sees inputs that nobody meant to send.
func BreaksInputs(s *schemas.Signal) bool {
	return effectOf(s) == Inputs && slices.Contains(brokenBy, s.Detector)
}

// strength is how many times the smallest effect that counts a signal shows.
func strength(s *schemas.Signal) float64 {
	v := math.Abs(s.Score)
	if s.Threshold > 0 {
		v = s.Score / s.Threshold
	}
	if math.IsNaN(v) {
		return 0
	}
	return min(v, math.MaxFloat64/10)
}

// ofSignal is a signal's evidence: one at its threshold is just suspicious.
func ofSignal(s *schemas.Signal) float64 { return evidence(tau * strength(s)) }

// hypothesise lets causes without an entity compete.
func (r *ranking) hypothesise() {
	r.hypothesiseTraffic()
	r.hypothesiseData()
}

// hypothesiseTraffic: other traffic makes slow and fills queues, so that it
// explains what is slow or full anywhere.
func (r *ranking) hypothesiseTraffic() {
	t := r.traffic
	if t == nil || t.Z < tau || math.Abs(t.After-t.Before) < surge*math.Abs(t.Before) || !r.after(t) {
		return
	}
	grows := t.After > t.Before
	if grows != (r.has(Latency) || r.has(Errors)) || !grows && !r.has(Throughput) && !r.has(Silence) {
		return
	}
	c := &candidate{
		kind: schemas.CauseTraffic, cause: metric.Traffic, path: []graph.Entity{r.Symptom.Entity}, shown: []shown{*t}, best: 0, flow: -1, own: math.NaN(), excess: math.NaN(), load: math.NaN(),
		raw: evidence(t.Z), e: evidence(t.Z), onset: t.Onset, observed: true,
		text: fmt.Sprintf("traffic went from %s to %s", figure(t.Before), figure(t.After)),
	}
	c.shown[0].e = c.e
	for _, other := range r.candidates {
		switch {
		case placed[other.entity.Kind()] && other.contrast >= half && other.e > suspicious:
			c.e = max(0, c.e-lambda*(other.e-suspicious)) // traffic does not pick one of many
			c.because(other)
		case len(other.events) == 0 && other.best >= 0 && mechanisms[other.cause].spreads:
			r.explainBy(other, c)
		}
	}
	r.candidates = append(r.candidates, c)
}

// after tells whether a series did not change clearly after the symptom.
func (r *ranking) after(s *shown) bool { return !s.Onset.After(r.onset.Add(r.tolerance(nil))) }

func (r *ranking) has(e Effect) bool { return slices.Contains(r.effects, e) }

// hypothesiseData: what the incident's own signals say of inputs and outcomes.
func (r *ranking) hypothesiseData() {
	broken, moved, worse := map[string]*schemas.Signal{}, map[string]*schemas.Signal{}, map[string]*schemas.Signal{}
	keep := func(in map[string]*schemas.Signal, s *schemas.Signal) {
		if in[s.Feature] == nil || strength(s) > strength(in[s.Feature]) {
			in[s.Feature] = s
		}
	}
	for i := range r.Symptom.Signals {
		s := &r.Symptom.Signals[i]
		switch e := effectOf(s); {
		case e == Inputs && (slices.Contains(brokenBy, s.Detector) || slices.Contains(r.Symptom.Broken, s.Feature)):
			keep(broken, s)
		case e == Inputs:
			keep(moved, s)
		case e == Performance:
			keep(worse, s)
		case s.Silent():
			r.hypothesiseSilence(s)
		}
	}
	for feature := range broken { // what else is seen of a broken feature follows from that
		delete(moved, feature)
	}
	r.hypothesis(broken, schemas.CauseInput, metric.BrokenInput)
	r.hypothesis(moved, schemas.CauseData, metric.PopulationShift)
	if r.has(Performance) {
		r.hypothesis(worse, schemas.CauseConcept, metric.ConceptShift)
		r.estimateStands(worse)
	}
}

// estimateStands takes the blame for a fall of performance from a population
// that moved, where labels part from the estimate: that one allows for inputs
// that moved, so what it does not see is not due to them.
func (r *ranking) estimateStands(worse map[string]*schemas.Signal) {
	gap := slices.ContainsFunc(r.Symptom.Signals, func(s schemas.Signal) bool { return strings.HasPrefix(s.Detector, schemas.ConceptGapPrefix) })
	if !gap || len(worse) == 0 {
		return
	}
	for _, c := range r.candidates {
		if c.kind == schemas.CauseData {
			c.e = 0
			c.against = "the estimate, which allows for inputs that moved, did not fall with the labels"
		}
	}
}

// hypothesiseSilence: what has stopped is itself the first suspect.
func (r *ranking) hypothesiseSilence(s *schemas.Signal) {
	e := graph.Entity(s.Feature)
	cause := metric.StoppedJob
	if s.Detector == schemas.SilentPrefix+"stuck_lag" {
		cause = metric.StuckConsumer
	}
	if e.Kind() != graph.Job && cause != metric.StuckConsumer {
		return
	}
	c := r.byEntity[e]
	if c == nil {
		c = &candidate{entity: e, path: []graph.Entity{e}, best: -1, flow: -1, own: math.NaN(), excess: math.NaN(), load: math.NaN(), onset: r.onset}
		if e != r.Symptom.Entity {
			c.path = append(c.path, r.Symptom.Entity)
		}
		r.candidates, r.byEntity[e] = append(r.candidates, c), c
	}
	c.observed = true
	if w := ofSignal(s); w > c.e {
		c.cause, c.e, c.raw, c.onset = cause, w, max(w, c.raw), s.WindowStart.UTC()
	}
	c.rows = append(c.rows, r.rowOfSignal(s))
}

// hypothesis of signals, one a feature, if there are any.
func (r *ranking) hypothesis(of map[string]*schemas.Signal, kind schemas.CauseKind, cause metric.Mechanism) {
	c := &candidate{kind: kind, cause: cause, best: -1, flow: -1, own: math.NaN(), excess: math.NaN(), load: math.NaN(), onset: r.onset, observed: true, path: []graph.Entity{r.Symptom.Entity}}
	var signals []*schemas.Signal
	for _, s := range of {
		signals = append(signals, s)
	}
	if len(signals) == 0 {
		return
	}
	slices.SortFunc(signals, func(a, b *schemas.Signal) int {
		if d := compare(strength(b), strength(a)); d != 0 {
			return d
		}
		return compare(a.Feature, b.Feature)
	})
	c.e = ofSignal(signals[0])
	if kind == schemas.CauseInput && slices.ContainsFunc(signals, func(s *schemas.Signal) bool { return slices.Contains(provedBy, s.Detector) }) {
		c.e = max(c.e, proved)
	}
	c.onset = signals[0].WindowStart.UTC()
	for _, s := range signals {
		c.rows = append(c.rows, r.rowOfSignal(s))
	}
	c.text = hypothesisText(kind, signals)
	if kind == schemas.CauseInput {
		c.entity = graph.Entity("feature/" + signals[0].Feature)
		c.path = append([]graph.Entity{c.entity}, c.path...)
	}
	c.raw = c.e
	for _, other := range r.candidates { // an entity that makes the data explains them; another feature does not
		if other.entity != "" && other.kind == "" && other.root() >= suspicious && other.e+0.5 >= suspicious && r.has(Inputs) {
			if left := max(0, c.e-lambda*(max(other.e, weight(other))-suspicious)); left < c.e {
				c.e = left
				c.because(other)
			}
		}
	}
	r.candidates = append(r.candidates, c)
}

// weight of a candidate's heaviest event.
func weight(c *candidate) float64 {
	if len(c.events) == 0 {
		return 0
	}
	return c.events[0].Weight
}

func (r *ranking) rowOfSignal(s *schemas.Signal) schemas.Evidence {
	return schemas.Evidence{
		Entity: string(r.Symptom.Entity), Metric: s.Feature, After: s.Score, Z: strength(s), N: int(min(s.NWindow, math.MaxInt32)),
		Onset: s.WindowStart.UTC(), LeadS: r.onset.Sub(s.WindowStart).Seconds(),
		Text: fmt.Sprintf("%s: %s is %s, %s times what counts", name(s.Feature), s.Detector, figure(s.Score), figure(strength(s))),
	}
}

// rowsOf a candidate's events.
func (r *ranking) rowOfEvent(e *anomaly.Event) schemas.Evidence {
	return schemas.Evidence{
		Entity: string(e.Entity), Metric: e.Name, Z: math.Expm1(e.Weight), N: 1, Onset: e.Time, LeadS: r.onset.Sub(e.Time).Seconds(), Text: e.Text,
	}
}
