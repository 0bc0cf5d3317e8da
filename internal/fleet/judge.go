package fleet

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/driftline/driftline/loadtest/scenario"
	"github.com/driftline/driftline/loadtest/world"
	"github.com/driftline/driftline/schemas"
)

// Result of one play.
type Result struct {
	Scenario    string       `json:"scenario"`
	Seed        uint64       `json:"seed"`
	WallSeconds float64      `json:"wall_seconds"`
	Faults      []Verdict    `json:"faults"`
	FalseAlarms []FalseAlarm `json:"false_alarms"`
	Incidents   int          `json:"incidents"`
}

// Verdict is what became of one fault that is no noise.
type Verdict struct {
	Kind         string   `json:"kind"`
	On           string   `json:"on"`
	Found        bool     `json:"found"`
	DelaySeconds float64  `json:"delay_seconds"` // event time from the fault to the end of the window that showed it
	Incidents    []string `json:"incidents"`     // that it explains
	Titles       []string `json:"titles"`        // of them
	Named        string   `json:"named"`         // the first cause of the incident that names it best: entity, or kind
	NamedKind    string   `json:"named_kind"`
	Confidence   float64  `json:"confidence"`
	CauseRight   bool     `json:"cause_right"`
	Advised      bool     `json:"advised"` // training again, by any of the incidents
	AdviceRight  bool     `json:"advice_right"`
}

// FalseAlarm is an incident that nothing explains.
type FalseAlarm struct {
	Incident string    `json:"incident"`
	Model    string    `json:"model"`
	Onset    time.Time `json:"onset"`
	Title    string    `json:"title"`
}

// echo is how long after a fault's end its incidents may begin: hysteresis, and
// late labels.
const echo = 10 * time.Minute

// judge holds incidents against the scenario's faults. An incident belongs to a
// fault that reaches its model and in whose time it began; a fault that is noise
// explains none.
func judge(s *scenario.Scenario, w *world.World, incidents []schemas.Incident) *Result {
	r := &Result{Scenario: s.Name, Faults: []Verdict{}, FalseAlarms: []FalseAlarm{}, Incidents: len(incidents)}
	explained := map[string]bool{}
	start := w.Span().Start
	for _, f := range s.Faults {
		kind := world.KindOf(f.Kind)
		if kind.Harmless {
			continue
		}
		from, until := start.Add(f.From), w.Span().End
		if f.Until > 0 {
			until = start.Add(f.Until + echo)
		}
		reached := w.Reached(f.On)
		v := Verdict{Kind: f.Kind, On: f.On, Incidents: []string{}, Titles: []string{}}
		for i := range incidents {
			inc := &incidents[i]
			if !touches(inc, f.On, reached) || inc.Onset.Before(from.Add(-window)) || inc.Onset.After(until) {
				continue
			}
			explained[inc.ID] = true
			v.take(inc, kind, from)
		}
		v.AdviceRight = v.Advised == kind.Retrain
		r.Faults = append(r.Faults, v)
	}
	for i := range incidents {
		if inc := &incidents[i]; !explained[inc.ID] {
			r.FalseAlarms = append(r.FalseAlarms, FalseAlarm{inc.ID, inc.Model, inc.Onset, inc.Title})
		}
	}
	return r
}

// touches tells whether an incident is about a place or a model that it reaches,
// or the consumer of a topic.
func touches(inc *schemas.Incident, on string, reached []string) bool {
	if topic, is := strings.CutPrefix(on, "topic/"); is && strings.HasPrefix(inc.Model, "consumer/") && strings.Contains(inc.Model, "/"+topic+"/") {
		return true
	}
	return slices.Contains(reached, inc.Model) || inc.Model == on || slices.Contains(inc.Features, on)
}

// take an incident that belongs to the fault.
func (v *Verdict) take(inc *schemas.Incident, kind *world.Kind, from time.Time) {
	delay := max(0, inc.OpenedAt.Sub(from).Seconds())
	if !v.Found || delay < v.DelaySeconds {
		v.Found, v.DelaySeconds = true, delay
	}
	if inc.MergedInto == "" {
		v.Incidents, v.Titles = append(v.Incidents, inc.ID), append(v.Titles, inc.Title)
	}
	d := inc.Diagnosis
	if d == nil || len(d.Causes) == 0 {
		return
	}
	v.Advised = v.Advised || d.Retrain
	c := &d.Causes[0]
	right := c.Kind == kind.Cause && located(c, v.On)
	if v.Named == "" || right && !v.CauseRight || right == v.CauseRight && c.Confidence > v.Confidence {
		v.Named, v.NamedKind, v.Confidence, v.CauseRight = cmp.Or(c.Entity, string(c.Kind)), string(c.Kind), c.Confidence, right
	}
}

// located tells whether a cause of the right kind is at the right place, as far
// as such causes have one. Features stand for who delivers them, a stage for its
// pipeline and a topic for its consumer.
func located(c *schemas.Cause, on string) bool {
	place, name, _ := strings.Cut(on, "/")
	is, at, _ := strings.Cut(c.Entity, "/")
	switch {
	case c.Kind == schemas.CauseData || c.Kind == schemas.CauseConcept || c.Kind == schemas.CauseTraffic:
		return true
	case c.Entity == on || is == "feature":
		return true
	case place == "stage" || place == "topic":
		model, _, _ := strings.Cut(name, "-")
		return (is == "pipeline" || is == "stage" || is == "topic") && strings.HasPrefix(at, model+"-")
	case place == "deployment": // a version is what was deployed
		return is == "version"
	}
	return false
}
