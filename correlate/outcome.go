package correlate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/driftline/driftline/schemas"
)

// isOutcome tells whether an incident is about what labels, or estimates in
// their place, say of the model. All of its signals are, or none.
func isOutcome(i *schemas.Incident) bool { return len(i.Signals) > 0 && i.Signals[0].Outcome() }

// outcomeTitle says in one line what became of the model's answers and since
// when. Labels that part from the estimate, and errors that rise, are concept
// drift; otherwise performance fell, or is expected to have fallen, with the
// inputs.
func outcomeTitle(i *schemas.Incident) string {
	top, what := outcomeOf(i)
	what = i.Model + ": " + what
	if i.ResolvedAt != nil {
		return oneLine(fmt.Sprintf("%s resolved at %s, began at %s", what, stamp(*i.ResolvedAt), stamp(i.Onset)))
	}
	return oneLine(fmt.Sprintf("%s since %s (%s %s)", what, stamp(i.Onset), top.Detector, number(top.Score)))
}

// outcomeOf is the strongest signal of the gravest kind, and its kind in words.
func outcomeOf(i *schemas.Incident) (*schemas.Signal, string) {
	for _, kind := range []struct {
		what string
		is   func(*schemas.Signal) bool
	}{
		{"concept drift", func(s *schemas.Signal) bool { return strings.HasPrefix(s.Detector, schemas.ConceptGapPrefix) }},
		{"concept drift", (*schemas.Signal).Concept},
		{"performance fell", func(s *schemas.Signal) bool { return strings.HasPrefix(s.Detector, schemas.PerformancePrefix) }},
		{"challenger is worse", func(s *schemas.Signal) bool { return s.Detector == schemas.DetectorChallenger }},
	} {
		for k := range i.Signals {
			if kind.is(&i.Signals[k]) {
				return &i.Signals[k], kind.what
			}
		}
	}
	return topOf(i), "performance is estimated to have fallen"
}

func kindOfOutcome(i *schemas.Incident) string {
	_, what := outcomeOf(i)
	return what
}

// outcomeSummary gives the sentences of the strongest signals and what to do.
func outcomeSummary(i *schemas.Incident, silent int, cfg Config) string {
	var parts []string
	for k := range i.Signals {
		s := &i.Signals[k]
		if k == maxNamed {
			parts = append(parts, fmt.Sprintf("And %d more.", len(i.Signals)-maxNamed))
			break
		}
		version := ""
		if s.Version != "" {
			version = " (version " + s.Version + ")"
		}
		parts = append(parts, fmt.Sprintf("%s%s: %s.", s.Detector, version, strings.TrimSuffix(s.Reason, ".")))
	}
	if i.ResolvedAt != nil {
		return strings.Join(append(parts, end(i, silent, cfg)), " ")
	}
	if slices.ContainsFunc(i.Signals, func(s schemas.Signal) bool { return s.Concept() }) {
		parts = append(parts, fmt.Sprintf("What the inputs mean has changed since %s, or what the labels do: look at how labels are made first, then retrain on newer ones.", stamp(i.Onset)))
	} else {
		parts = append(parts, fmt.Sprintf("Look next at drift of the inputs and at deploys shortly before %s.", stamp(i.Onset)))
	}
	return strings.Join(parts, " ")
}
