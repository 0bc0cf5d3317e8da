package correlate

import (
	"slices"
	"time"

	"github.com/driftline/driftline/schemas"
)

// series is one series of an open incident: its strongest alarm and its newest
// windows.
type series struct {
	peak    schemas.Signal
	windows []answer // ascending
}

// answer is what a series said of one window.
type answer struct {
	span  schemas.Span
	state schemas.State
	at    time.Time // of the evaluation; the newest wins
}

// hear takes in a signal of the series; one that is older than what is known
// of its window changes nothing.
func (s *series) hear(sig *schemas.Signal, memory int) {
	a := answer{sig.Span(), sig.State, sig.EvaluatedAt}
	i, found := slices.BinarySearchFunc(s.windows, a.span, func(w answer, span schemas.Span) int { return compareSpans(w.span, span) })
	switch {
	case found && a.at.Before(s.windows[i].at):
		return
	case found:
		s.windows[i] = a
	case i == 0 && len(s.windows) >= memory:
		return // older than memory
	default:
		s.windows = slices.Insert(s.windows, i, a)
	}
	if n := len(s.windows) - memory; n > 0 {
		s.windows = slices.Delete(s.windows, 0, n)
	}
	s.climb(sig)
}

// climb keeps the strongest alarm. An evaluation of the same window replaces
// the former one even when it is weaker, as everywhere.
func (s *series) climb(sig *schemas.Signal) {
	if sig.State != schemas.StateAlarm {
		return
	}
	if sig.Span() == s.peak.Span() || strength(sig) > strength(&s.peak) {
		s.peak = *sig
	}
}

// quiet is the number of ok windows since the last alarm. A window without
// enough data says nothing: it neither counts nor begins the row anew.
func (s *series) quiet() int {
	n := 0
	for _, w := range slices.Backward(s.windows) {
		switch w.state {
		case schemas.StateOK:
			n++
		case schemas.StateAlarm:
			return n
		case schemas.StateNoData, schemas.StateInsufficient:
		}
	}
	return n
}

// answered is the newest window in which the series said ok or alarm.
func (s *series) answered() schemas.Span {
	for _, w := range slices.Backward(s.windows) {
		if w.state == schemas.StateOK || w.state == schemas.StateAlarm {
			return w.span
		}
	}
	return s.peak.Span()
}
