package correlate

import (
	"fmt"
	"strings"

	"github.com/driftline/driftline/schemas"
)

// kind of trouble. Each is judged in windows of its own, so that the windows of
// one say nothing of how long another has been quiet: an incident is of one
// kind, and so are all of its signals.
type kind string

const (
	drift       kind = "drift"       // inputs and answers
	silence     kind = "silent"      // failures that raise no error
	performance kind = "performance" // how well the model does
)

var kinds = []kind{drift, silence, performance}

func kindOf(s *schemas.Signal) kind {
	switch {
	case s.Silent():
		return silence
	case s.Performance():
		return performance
	}
	return drift
}

// kindOfIncident by its signals; one without any, of a damaged record, is drift.
func kindOfIncident(i *schemas.Incident) kind {
	if len(i.Signals) == 0 {
		return drift
	}
	return kindOf(&i.Signals[0])
}

// apart divides signals by kind.
func apart(signals []schemas.Signal) map[kind][]schemas.Signal {
	out := map[kind][]schemas.Signal{}
	for i := range signals {
		k := kindOf(&signals[i])
		out[k] = append(out[k], signals[i])
	}
	return out
}

// performanceTitle says in one line what the labels say and since when.
func performanceTitle(i *schemas.Incident) string {
	what := i.Model + ": performance fell"
	if s := topOf(i); strings.HasPrefix(s.Detector, schemas.GapPrefix) {
		what = i.Model + ": labels contradict the model"
	}
	if i.ResolvedAt != nil {
		return oneLine(fmt.Sprintf("%s, resolved at %s, began at %s", what, stamp(*i.ResolvedAt), stamp(i.Onset)))
	}
	return oneLine(fmt.Sprintf("%s since %s (%s %s)", what, stamp(i.Onset), topOf(i).Detector, number(topOf(i).Score)))
}
