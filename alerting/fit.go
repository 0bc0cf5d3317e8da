package alerting

import (
	"fmt"
	"slices"

	"github.com/driftline/driftline/schemas"
)

// trimmed is an incident without what did not fit, and how much that is.
type trimmed struct {
	schemas.Incident
	SignalsOmitted  int `json:"signals_omitted,omitempty"`
	FeaturesOmitted int `json:"features_omitted,omitempty"`
	VersionsOmitted int `json:"versions_omitted,omitempty"`

	Owner           string   `json:"owner,omitempty"`
	Runbook         string   `json:"runbook,omitempty"`
	URL             string   `json:"url,omitempty"`      // of the incident, for people
	Explains        []string `json:"explains,omitempty"` // titles of incidents that are kept back because this one explains them
	ExplainsOmitted int      `json:"explains_omitted,omitempty"`
}

// fit encodes an incident with at most n signals in at most limit bytes. It
// leaves out the weakest signals first, then features and versions, and cuts
// the texts at last; what is left out is counted.
func fit(told *Told, n, limit int, encode func(trimmed) ([]byte, error)) ([]byte, error) {
	inc := &told.Incident
	// No more than this can fit: a signal takes at least 200 bytes, a name 4.
	n = min(n, len(inc.Signals), limit/200)
	for keep := (lengths{n, min(len(inc.Features), limit/4), min(len(inc.Versions), limit/4), limit, min(100, limit/200)}); ; {
		body, err := encode(keep.of(told))
		if err != nil || len(body) <= limit {
			return body, err
		}
		if !keep.shrink() {
			return nil, fmt.Errorf("incident takes %d bytes; at most %d go out", len(body), limit)
		}
	}
}

// lengths is how much of an incident is kept.
type lengths struct {
	signals, features, versions, text int
	diagnosis                         int // rows of each of its lists
}

func (l lengths) of(told *Told) trimmed {
	inc := &told.Incident
	t := trimmed{Incident: *inc, Owner: told.Owner, Runbook: told.Runbook}
	t.Explains, t.ExplainsOmitted = first(told.Related, l.diagnosis)
	t.Diagnosis = l.shorten(inc.Diagnosis)
	t.Signals, t.SignalsOmitted = first(inc.Signals, l.signals)
	t.Features, t.FeaturesOmitted = first(inc.Features, l.features)
	t.Versions, t.VersionsOmitted = first(inc.Versions, l.versions)
	t.Title, t.Summary = cut(t.Title, l.text), cut(t.Summary, l.text)
	return t
}

// shorten keeps of a diagnosis what is likeliest and weighs most.
func (l lengths) shorten(d *schemas.Diagnosis) *schemas.Diagnosis {
	if d == nil {
		return nil
	}
	out := *d
	out.Advice = cut(d.Advice, l.text)
	out.Causes, _ = first(d.Causes, l.diagnosis)
	out.Causes = slices.Clone(out.Causes)
	for i := range out.Causes {
		c := &out.Causes[i]
		c.Title = cut(c.Title, l.text)
		c.Evidence, _ = first(c.Evidence, l.diagnosis)
		c.Path, _ = first(c.Path, max(l.diagnosis, 8))
	}
	out.RuledOut, _ = first(d.RuledOut, l.diagnosis)
	out.Unobserved, _ = first(d.Unobserved, l.diagnosis)
	return &out
}

// shrink takes a tenth away from what matters least, false when nothing is
// left to take.
func (l *lengths) shrink() bool {
	for _, step := range []struct {
		n     *int
		least int
	}{
		{&l.signals, 10},
		{&l.diagnosis, 10},
		{&l.features, 20},
		{&l.versions, 20},
		{&l.signals, 1},
		{&l.diagnosis, 3},
		{&l.text, 2000},
		{&l.features, 1},
		{&l.versions, 1},
		{&l.text, 100},
		{&l.signals, 0},
		{&l.diagnosis, 1},
	} {
		if *step.n > step.least {
			*step.n = max(step.least, *step.n-max(1, *step.n/10))
			return true
		}
	}
	return false
}

func first[T any](all []T, n int) (kept []T, omitted int) {
	n = min(n, len(all))
	return all[:n:n], len(all) - n
}
