package rank

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/driftline/driftline/correlate/graph"
	"github.com/driftline/driftline/correlate/metric"
	"github.com/driftline/driftline/schemas"
)

// causes are the candidates worth listing. The first has the confidence of the
// model, the others what it leaves, by their scores.
func (r *ranking) causes(f Features) (out []schemas.Cause) {
	first, rest := Fitted.Confidence(f), 0.
	for i, c := range r.candidates {
		if i > 0 && c.score >= relative*r.candidates[0].score && i < maxList {
			rest += c.score
		}
	}
	for i, c := range r.candidates {
		if i == maxList || c.score < relative*r.candidates[0].score || c.score <= 0 {
			break
		}
		confidence := first
		if i > 0 {
			confidence = min(first, (1-first)*c.score/rest)
		}
		out = append(out, schemas.Cause{
			Entity: string(c.entity), Kind: c.kind, Mechanism: string(c.cause), Title: r.title(c), Metric: c.mainMetric(),
			Score: round(c.score), Confidence: round(confidence), Onset: c.onset.UTC(), Path: names(c.path), Evidence: r.evidenceOf(c),
		})
	}
	return out
}

// nobody is the cause that is named when none is found.
func (r *ranking) nobody(why string) schemas.Cause {
	return schemas.Cause{
		Kind: schemas.CauseUnobserved, Mechanism: string(metric.NothingObserved), Title: "nothing that is observed explains it: " + why,
		Score: round(suspicious), Confidence: round(1 - 0.5*r.coverage()), Onset: r.onset, Path: []string{string(r.Symptom.Entity)}, Evidence: []schemas.Evidence{},
	}
}

func (r *ranking) nothingGuilty() string {
	if len(r.candidates) == 0 || r.candidates[0].root() <= 0 {
		return fmt.Sprintf("none of %d entities that %s depends on changed in a way that explains it", len(r.byEntity), r.Symptom.Entity)
	}
	c := r.candidates[0]
	return fmt.Sprintf("%s comes nearest, but shows only %.1f deviations, and %.0f would count", cmp.Or(string(c.entity), string(c.kind)), math.Expm1(c.root()), tau)
}

// title of a cause in one line.
func (r *ranking) title(c *candidate) string {
	if c.text != "" {
		return c.text
	}
	if len(c.events) > 0 && weight(c) >= c.e {
		return c.events[0].Text
	}
	return c.entity.String() + " " + mechanisms[c.cause].is
}

func hypothesisText(kind schemas.CauseKind, signals []*schemas.Signal) string {
	var features []string
	for _, s := range signals {
		if len(features) == 3 {
			features = append(features, fmt.Sprintf("%d more", len(signals)-3))
			break
		}
		features = append(features, name(s.Feature))
	}
	what := strings.Join(features, ", ")
	switch kind {
	case schemas.CauseInput:
		return fmt.Sprintf("%s arrives broken (%s)", what, signals[0].Detector)
	case schemas.CauseConcept:
		return "outcomes follow the features in another way than they did"
	default:
		return "the population moved: " + what
	}
}

func name(feature string) string { return cmp.Or(feature, "the model as a whole") }

// evidenceOf a candidate: its events, its series, its signals, strongest
// first.
func (r *ranking) evidenceOf(c *candidate) []schemas.Evidence {
	rows := slices.Clone(c.rows)
	for i := range c.events {
		rows = append(rows, r.rowOfEvent(&c.events[i]))
	}
	for i := range c.shown {
		if s := &c.shown[i]; s.Unseen == "" && s.Z >= shows && s.metric.Kind != metric.Event {
			rows = append(rows, r.rowOfSeries(c, s))
		}
	}
	slices.SortStableFunc(rows, func(a, b schemas.Evidence) int {
		return cmp.Or(cmp.Compare(math.Abs(b.Z), math.Abs(a.Z)), cmp.Compare(a.Metric, b.Metric))
	})
	if len(rows) > maxRows {
		rows = rows[:maxRows]
	}
	return append([]schemas.Evidence{}, rows...)
}

func (r *ranking) rowOfSeries(c *candidate, s *shown) schemas.Evidence {
	z := s.Z
	if s.After < s.Before {
		z = -z
	}
	e := schemas.Evidence{
		Entity: string(c.entity), Metric: s.metric.Name, Before: round(s.Before), After: round(s.After), Z: round(z), N: s.N,
		Onset: s.Onset.UTC(), LeadS: r.onset.Sub(s.Onset).Seconds(),
	}
	verb := "rose"
	if s.After < s.Before {
		verb = "fell"
	}
	e.Text = fmt.Sprintf("%s %s from %s to %s, %.0f deviations, %s", s.metric.Name, verb, figure(s.Before), figure(s.After), s.Z, led(e.LeadS))
	return e
}

func led(seconds float64) string {
	d := time.Duration(math.Abs(seconds) * float64(time.Second)).Round(time.Second)
	switch {
	case d < time.Second:
		return "with the symptom"
	case seconds > 0:
		return d.String() + " before the symptom"
	default:
		return d.String() + " after the symptom"
	}
}

// ruledOut are candidates that looked guilty and are not named, or named far
// behind the first.
func (r *ranking) ruledOut(causes []schemas.Cause) (out []schemas.RuledOut) {
	named := map[string]bool{}
	for i := range causes {
		if causes[i].Score >= half*causes[0].Score {
			named[causes[i].Entity+string(causes[i].Kind)] = true
		}
	}
	for _, c := range r.candidates {
		if named[string(c.entity)+string(c.kind)] || c.against == "" || len(out) == maxList {
			continue
		}
		what := c.mainMetric()
		out = append(out, schemas.RuledOut{Entity: cmp.Or(string(c.entity), string(c.kind)), Metric: what, Reason: c.against})
	}
	return out
}

// unobserved are the candidates that no telemetry shows. Versions have none of
// their own most often, and a model is shown by what runs it.
func (r *ranking) unobserved() (out []string) {
	for _, c := range r.candidates {
		if k := c.entity.Kind(); c.entity != "" && !c.observed && k != graph.Version && k != graph.Model {
			out = append(out, string(c.entity))
		}
	}
	slices.Sort(out)
	return out
}

// newest is the time of the newest sample that was looked at.
func (r *ranking) newest() time.Time {
	newest := int64(0)
	for _, all := range r.series {
		for _, m := range all {
			for _, t := range slices.Backward(m.series.T) {
				if t <= r.Until.UnixMilli() {
					newest = max(newest, t)
					break
				}
			}
		}
	}
	if newest == 0 {
		return r.Symptom.At
	}
	return time.UnixMilli(newest).UTC()
}

// Rivals are the causes worth acting on: the first and those with at least half
// of its score.
func Rivals(causes []schemas.Cause) []schemas.Cause {
	n := 0
	for n < len(causes) && causes[n].Score >= half*causes[0].Score {
		n++
	}
	return causes[:n]
}

// advice says what to do, and whether training again would mend it. It would
// not as long as something else may be to blame: a model that learns from broken
// input is worse than one that is out of date.
func advice(causes []schemas.Cause) (string, bool) {
	text, retrain := adviceOf(causes)
	for _, c := range Rivals(causes) {
		if retrain && c.Kind != schemas.CauseData && c.Kind != schemas.CauseConcept {
			return fmt.Sprintf("Do not retrain yet: %s; %s. Besides, %s.", c.Title, mechanisms[metric.Mechanism(c.Mechanism)].advice, causes[0].Title), false
		}
	}
	return text, retrain
}

// adviceOf the first cause alone, and whether training again would mend it.
func adviceOf(causes []schemas.Cause) (string, bool) {
	if len(causes) == 0 {
		return "Do not retrain: nothing that is observed has changed.", false
	}
	c := &causes[0]
	switch c.Kind {
	case schemas.CauseData:
		return "Retrain on recent rows once their labels are there: " + c.Title + ".", true
	case schemas.CauseConcept:
		return "Retrain on recent labelled rows: " + c.Title + ".", true
	case schemas.CauseUnobserved:
		return "Do not retrain yet: " + c.Title + ".", false
	case schemas.CauseTraffic:
		return "Do not retrain: " + c.Title + "; add capacity or shed load.", false
	default:
		return fmt.Sprintf("Do not retrain: %s; %s.", c.Title, mechanisms[metric.Mechanism(c.Mechanism)].advice), false
	}
}

func names(path []graph.Entity) []string {
	out := make([]string, len(path))
	for i, e := range path {
		out[i] = string(e)
	}
	return out
}

func word(m metric.Mechanism) string { return strings.ReplaceAll(string(m), "_", " ") }

func list(of []Effect) string {
	var out []string
	for _, e := range of {
		out = append(out, string(e))
	}
	return cmp.Or(strings.Join(out, " and "), "this")
}

func figure(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }

// round keeps nine digits, so that sums in another order give the same text.
func round(v float64) float64 {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	scale := math.Pow(10, 8-math.Floor(math.Log10(math.Abs(v))))
	if math.IsInf(scale, 0) || scale == 0 {
		return v
	}
	return math.Round(v*scale) / scale
}
