package correlate

import (
	"cmp"
	"slices"
	"time"

	"github.com/driftline/driftline/schemas"
)

// Correlator groups signals into incidents. One goroutine owns it.
//
// What it remembers is bounded by what is open: the series of open incidents
// with their newest windows, and the spans of the last incidents of a model.
// A series that is ok and outside any incident is not remembered at all.
type Correlator struct {
	cfg    Config
	models map[subject]*model
}

// subject is what incidents are kept apart by. Drift and silent failures of a
// model are judged in windows of different lengths, and outcomes when labels
// come, so that the windows of the one say nothing of how long the other has been
// quiet.
type subject struct {
	schemas.ModelKey
	silent  bool
	outcome bool
}

// model is what is known of one model, as far as drift, silent failures or
// outcomes go.
type model struct {
	open   []*incident // ascending by onset
	closed []past      // the last ones, in the order of their resolution
}

// past is an incident that is over. A window inside it that is evaluated again
// belongs to it and changes nothing: what is resolved stays as it was told, until
// one of its features alarms again soon after.
type past struct {
	told schemas.Incident // resolved
}

func (p *past) resolved() time.Time { return *p.told.ResolvedAt }

// maxPast bounds the past incidents remembered for a model.
const maxPast = 32

// New makes a Correlator that knows of no incident. The configuration must be
// valid.
func New(cfg Config) *Correlator {
	return &Correlator{cfg: cfg, models: map[subject]*model{}}
}

// Restore takes over incidents that were handed on before a restart: the open
// ones, and the lately resolved ones when the caller has them (otherwise a
// replay of their windows yields them again, with the same ids and revisions).
// How long a series was ok is not part of an incident: after a restart the row
// begins anew unless the windows are observed again.
func (c *Correlator) Restore(open []schemas.Incident) {
	newest := map[string]schemas.Incident{}
	for _, inc := range open {
		if inc.Revision >= newest[inc.ID].Revision {
			newest[inc.ID] = inc
		}
	}
	for _, inc := range newest {
		m := c.model(subject{inc.ModelKey(), isSilent(&inc), isOutcome(&inc)})
		if inc.State == schemas.IncidentResolved && inc.ResolvedAt != nil {
			m.closed = append(m.closed, past{cloned(inc)})
		} else {
			m.open = append(m.open, restored(inc))
		}
	}
	for _, m := range c.models {
		slices.SortFunc(m.open, byOnset)
		slices.SortFunc(m.closed, func(a, b past) int { return a.resolved().Compare(b.resolved()) })
		m.forget()
	}
}

// Observe takes in one evaluation and returns the incidents that it changed,
// each as its new revision: none, one or more. Observing the same evaluation
// again changes nothing.
func (c *Correlator) Observe(ev schemas.Evaluation) []schemas.Incident {
	var changed []schemas.Incident
	drift, silent, outcomes := apart(clean(ev))
	for _, signals := range [][]schemas.Signal{drift, silent, outcomes} {
		if len(signals) > 0 {
			changed = append(changed, c.observe(subject{ev.ModelKey, signals[0].Silent(), signals[0].Outcome()}, signals)...)
		}
	}
	return changed
}

func (c *Correlator) observe(k subject, signals []schemas.Signal) []schemas.Incident {
	m := c.model(k)
	alarms := m.hear(signals, c.cfg)
	for i := range alarms {
		m.join(&alarms[i], c.cfg)
	}
	changed := m.revise(scopeOf(signals), c.cfg)
	if len(m.open) == 0 && len(m.closed) == 0 {
		delete(c.models, k)
	}
	return changed
}

// Open incidents of a model, as they were last told.
func (c *Correlator) Open(key schemas.ModelKey) (out []schemas.Incident) {
	for k, m := range c.models {
		for _, inc := range m.open {
			if k.ModelKey == key {
				out = append(out, inc.published())
			}
		}
	}
	slices.SortFunc(out, func(a, b schemas.Incident) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

func (c *Correlator) model(k subject) *model {
	if c.models[k] == nil {
		c.models[k] = &model{}
	}
	return c.models[k]
}

// apart divides signals into those of drift, of silent failures and of outcomes.
func apart(signals []schemas.Signal) (drift, silent, outcomes []schemas.Signal) {
	for _, s := range signals {
		switch {
		case s.Silent():
			silent = append(silent, s)
		case s.Outcome():
			outcomes = append(outcomes, s)
		default:
			drift = append(drift, s)
		}
	}
	return drift, silent, outcomes
}

// clean is the evaluation's own signals in an order that does not depend on
// theirs, one of each series and window.
func clean(ev schemas.Evaluation) []schemas.Signal {
	var out []schemas.Signal
	for _, s := range ev.Signals {
		s.Tenant, s.Model = cmp.Or(s.Tenant, ev.Tenant), cmp.Or(s.Model, ev.Model)
		if s.Span() == (schemas.Span{}) {
			s.WindowStart, s.WindowEnd = ev.Span.Start, ev.Span.End
		}
		s.WindowStart, s.WindowEnd = s.WindowStart.UTC(), s.WindowEnd.UTC()
		if s.ModelKey() == ev.ModelKey {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b schemas.Signal) int {
		return cmp.Or(compareSpans(a.Span(), b.Span()), compareSeries(&a, &b), a.EvaluatedAt.Compare(b.EvaluatedAt),
			cmp.Compare(a.State, b.State), cmp.Compare(a.Score, b.Score))
	})
	return newestOnly(out)
}

// newestOnly drops what a later evaluation of the same series and window
// replaces.
func newestOnly(sorted []schemas.Signal) []schemas.Signal {
	var out []schemas.Signal
	for _, s := range sorted {
		if n := len(out); n > 0 && out[n-1].Series() == s.Series() && out[n-1].Span() == s.Span() {
			out[n-1] = s
		} else {
			out = append(out, s)
		}
	}
	return out
}

func compareSeries(a, b *schemas.Signal) int {
	return cmp.Or(cmp.Compare(a.Feature, b.Feature), cmp.Compare(a.Version, b.Version),
		cmp.Compare(a.Segment, b.Segment), cmp.Compare(a.Detector, b.Detector))
}

func compareSpans(a, b schemas.Span) int {
	return cmp.Or(a.End.Compare(b.End), a.Start.Compare(b.Start))
}

func byOnset(a, b *incident) int { return a.told.Onset.Compare(b.told.Onset) }
