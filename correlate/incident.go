package correlate

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"github.com/driftline/driftline/schemas"
)

// incident is an open one: as it was last told, and what is known since.
// Whether there is something new to tell is decided against told alone, so it
// does not depend on what was quietly noted before a restart.
type incident struct {
	told   schemas.Incident
	series map[schemas.SeriesKey]*series
	newest time.Time      // onset of the series that joined with the latest onset
	heard  []schemas.Span // newest windows in which the model gave any answer, ascending
	again  bool           // it was over, and is to be told as open again
	inputs int            // features that the model is evaluated on; 0 when not known yet
}

// scope is what one evaluation says beyond its single signals.
type scope struct {
	end    time.Time // of its newest window
	inputs int       // features of the model that it covers
}

func scopeOf(signals []schemas.Signal) scope {
	features := map[string]bool{}
	var c scope
	for i := range signals {
		if isInput(signals[i].Feature) {
			features[signals[i].Feature] = true
		}
		if signals[i].WindowEnd.After(c.end) {
			c.end = signals[i].WindowEnd
		}
	}
	c.inputs = len(features)
	return c
}

// incidentID is the same for the same onset, on every run and every instance.
func incidentID(s *schemas.Signal) string {
	text := fmt.Appendf(nil, "%q %q %s", s.Tenant, s.Model, s.WindowStart.UTC().Format(time.RFC3339Nano))
	if s.Silent() {
		text = append(text, " silent"...)
	}
	if s.Outcome() {
		text = append(text, " outcome"...)
	}
	sum := sha256.Sum256(text)
	return fmt.Sprintf("inc-%x", sum[:8])
}

// opened is a new incident, untold so far, for the first alarm s.
func opened(s *schemas.Signal) *incident {
	return &incident{
		told: schemas.Incident{
			ID: incidentID(s), Tenant: s.Tenant, Model: s.Model,
			State: schemas.IncidentOpen, Onset: s.WindowStart, OpenedAt: s.WindowEnd,
		},
		series: map[schemas.SeriesKey]*series{},
		newest: s.WindowStart,
	}
}

// restored is an incident as it was told before a restart. The onset of each
// series is not in the record; its strongest window stands in for it.
func restored(told schemas.Incident) *incident {
	inc := &incident{told: cloned(told), series: map[schemas.SeriesKey]*series{}, newest: told.Onset}
	for i := range inc.told.Signals {
		s := &inc.told.Signals[i]
		inc.join(s, 1)
		inc.heard = append(inc.heard, s.Span())
	}
	slices.SortFunc(inc.heard, compareSpans)
	inc.heard = slices.Compact(inc.heard)
	return inc
}

func (inc *incident) join(s *schemas.Signal, memory int) {
	member := &series{peak: *s}
	member.hear(s, memory)
	inc.series[s.Series()] = member
	if s.WindowStart.After(inc.newest) {
		inc.newest = s.WindowStart
	}
}

// alive notes that the model answered in a window, whatever the series.
func (inc *incident) alive(s *schemas.Signal, memory int) {
	if s.State != schemas.StateOK && s.State != schemas.StateAlarm {
		return
	}
	i, found := slices.BinarySearchFunc(inc.heard, s.Span(), compareSpans)
	if !found {
		inc.heard = slices.Insert(inc.heard, i, s.Span())
	}
	if n := len(inc.heard) - memory; n > 0 {
		inc.heard = slices.Delete(inc.heard, 0, n)
	}
}

// gone tells whether a series has been silent for n windows in which its
// model was not.
func (inc *incident) gone(s *series, n int) bool {
	i, found := slices.BinarySearchFunc(inc.heard, s.answered(), compareSpans)
	if found {
		i++
	}
	return len(inc.heard)-i >= n
}

// over tells whether nothing holds the incident open, and how many of its
// series went silent rather than ok.
func (inc *incident) over(cfg Config) (over bool, silent int) {
	for _, s := range inc.series {
		switch {
		case s.quiet() >= cfg.ResolveAfter:
		case inc.gone(s, cfg.GoneAfter):
			silent++
		default:
			return false, 0
		}
	}
	return true, silent
}

// published is the incident as last told, shared with nobody.
func (inc *incident) published() schemas.Incident { return cloned(inc.told) }

func cloned(i schemas.Incident) schemas.Incident {
	i.Versions, i.Features, i.Signals, i.Actions = slices.Clone(i.Versions), slices.Clone(i.Features), slices.Clone(i.Signals), slices.Clone(i.Actions)
	if i.ResolvedAt != nil {
		at := *i.ResolvedAt
		i.ResolvedAt = &at
	}
	return i
}
