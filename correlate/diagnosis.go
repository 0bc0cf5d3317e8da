package correlate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/driftline/driftline/correlate/graph"
	"github.com/driftline/driftline/correlate/rank"
	"github.com/driftline/driftline/correlate/tables"
	"github.com/driftline/driftline/schemas"
)

// longest time after an incident's onset that telemetry is read of.
const longest = 24 * time.Hour

// SymptomOf an incident: what its causes are looked for with, and until when.
// What failed silently and is no model is the symptom itself. Beside are other
// incidents of the model in its time: what labels say of a model whose inputs
// arrive broken, or have moved, may follow from that, and so may drift.
func SymptomOf(i *schemas.Incident, beside []schemas.Incident) (s rank.Symptom, until time.Time) {
	s = rank.Symptom{Entity: graph.Of(graph.Model, i.Model), At: i.Onset, Signals: i.Signals, Effects: rank.EffectsOf(i.Signals)}
	if graph.Entity(i.Model).Kind() != "" {
		s.Entity = graph.Entity(i.Model)
	}
	s.Signals = slices.Clone(s.Signals)
	for k := range beside {
		o := &beside[k]
		if o.ID == i.ID || o.ModelKey() != i.ModelKey() || !overlap(i, o) {
			continue
		}
		for _, signal := range o.Signals {
			if bears(i, o, &signal) {
				s.Signals = append(s.Signals, signal)
				if arriveBroken(o) && !slices.Contains(s.Broken, signal.Feature) {
					s.Broken = append(s.Broken, signal.Feature)
				}
			}
		}
	}
	if len(i.Signals) > 0 {
		s.Within = i.OpenedAt.Sub(i.Onset)
	}
	if slices.Contains(s.Effects, rank.Latency) {
		s.Metric = tables.RequestLatency
	}
	until = i.UpdatedAt
	if latest := i.Onset.Add(longest); until.After(latest) {
		until = latest
	}
	return s, until
}

// Follows tells whether what an incident is put down to may be another one of
// its model: what labels say may follow from what inputs show, never the other
// way round.
func Follows(i, other *schemas.Incident) bool { return isOutcome(i) && !isOutcome(other) }

// arriveBroken tells whether the features of an incident are known to arrive
// broken: an input is its likeliest cause.
func arriveBroken(i *schemas.Incident) bool {
	d := i.Diagnosis
	return d != nil && len(d.Causes) > 0 && d.Causes[0].Kind == schemas.CauseInput && d.Causes[0].Confidence >= fair
}

// bears tells whether a signal of another incident has to do with one: drift of
// inputs with what labels say, and rules over silent failures that see inputs
// broken with both.
func bears(i, other *schemas.Incident, s *schemas.Signal) bool {
	switch {
	case isSilent(i) || isOutcome(other):
		return false
	case isSilent(other):
		return rank.BreaksInputs(s)
	default:
		return isOutcome(i)
	}
}

// overlap tells whether two incidents have a time in common. One that is open
// goes on.
func overlap(a, b *schemas.Incident) bool {
	return (b.ResolvedAt == nil || a.Onset.Before(*b.ResolvedAt)) && (a.ResolvedAt == nil || b.Onset.Before(*a.ResolvedAt))
}

// Diagnose attaches a diagnosis to an open incident and returns its next
// revision; false when the incident is over, or when the diagnosis says nothing
// that was not told.
func (c *Correlator) Diagnose(key schemas.ModelKey, id string, d *schemas.Diagnosis) (schemas.Incident, bool) {
	for k, m := range c.models {
		if k.ModelKey != key {
			continue
		}
		for _, inc := range m.open {
			if inc.told.ID == id {
				return inc.diagnose(d, c.cfg)
			}
		}
	}
	return schemas.Incident{}, false
}

func (inc *incident) diagnose(d *schemas.Diagnosis, cfg Config) (schemas.Incident, bool) {
	if old := inc.told.Diagnosis; old != nil && sameCause(old, d) {
		return schemas.Incident{}, false
	}
	inc.told.Diagnosis = d
	inc.told.Revision++
	inc.describe(&inc.told, 0, cfg)
	return inc.published(), true
}

// sameCause tells whether two diagnoses come to the same: the same causes
// worth acting on, likeliest first, and the same advice about training.
func sameCause(a, b *schemas.Diagnosis) bool {
	same := func(a, b schemas.Cause) bool {
		return a.Entity == b.Entity && a.Kind == b.Kind && a.Mechanism == b.Mechanism
	}
	return a.Retrain == b.Retrain && slices.EqualFunc(rank.Rivals(a.Causes), rank.Rivals(b.Causes), same)
}

// clear and fair confidences, from which a title says so.
const (
	clear = 0.8
	fair  = 0.5
)

// causeTitle is what a title says of the cause; empty when none was looked for.
func causeTitle(d *schemas.Diagnosis) string {
	if d == nil || len(d.Causes) == 0 {
		return ""
	}
	c := &d.Causes[0]
	if c.Kind == schemas.CauseUnobserved {
		return "; do not retrain yet: cause not found"
	}
	how := ""
	switch {
	case c.Confidence < fair:
		how = "perhaps "
	case c.Confidence < clear:
		how = "likely "
	}
	if d.Retrain {
		return "; retrain: " + how + c.Title
	}
	return "; do not retrain: " + how + c.Title
}

// causeSummary is what a summary says of it.
func causeSummary(d *schemas.Diagnosis) string {
	if d == nil || len(d.Causes) == 0 {
		return ""
	}
	c := &d.Causes[0]
	parts := []string{fmt.Sprintf("Cause, with a confidence of %.0f %%: %s.", 100*c.Confidence, c.Title)}
	if len(c.Path) > 1 {
		parts = append(parts, "Path: "+strings.Join(c.Path, " → ")+".")
	}
	for i := range c.Evidence {
		if i == 3 {
			break
		}
		parts = append(parts, c.Evidence[i].Text+".")
	}
	for i := range d.RuledOut {
		if i == 3 {
			break
		}
		parts = append(parts, fmt.Sprintf("Not %s: %s.", d.RuledOut[i].Entity, d.RuledOut[i].Reason))
	}
	return strings.Join(append(parts, d.Advice), " ")
}
