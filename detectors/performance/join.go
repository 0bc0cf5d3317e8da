package performance

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/driftline/driftline/schemas"
)

// Prediction is what was served under a request id.
type Prediction struct {
	ID    string
	At    time.Time // event time; decides the window
	Class string    // predicted class; empty when there is none
	Score float64   // probability or predicted value; NaN when missing
}

// Truth is a label; it may come before its prediction, late, twice or corrected.
type Truth struct {
	ID    string
	At    time.Time // when the truth became known; the latest wins
	Class string    // empty for a regression
	Value float64   // of a regression; NaN for a class
}

// Outcome is a prediction with its truth.
type Outcome struct {
	Prediction Prediction
	Truth      Truth
}

// Joiner matches predictions and labels by id, in any order. What it ends up
// with depends on the set of records that it saw, not on their order or on how
// often each came: of two predictions with one id the earlier wins, of two
// labels the later by its own time, ties by content. It is not safe for
// concurrent use.
//
// Memory: every id is held until Forget, about 300 bytes and the length of the
// id and class for a matched pair, half of that for one side alone: 1,000
// predictions a second and labels that may take an hour are about 1 GB. Within
// that the caller decides; nothing is dropped silently.
type Joiner struct {
	predictions map[string]Prediction
	truths      map[string]Truth
}

// NewJoiner holds nothing yet.
func NewJoiner() *Joiner {
	return &Joiner{predictions: map[string]Prediction{}, truths: map[string]Truth{}}
}

// Predict takes a prediction; it tells whether anything changed.
func (j *Joiner) Predict(p Prediction) bool {
	old, known := j.predictions[p.ID]
	if known && cmp.Or(p.At.Compare(old.At), cmp.Compare(p.Class, old.Class), cmp.Compare(p.Score, old.Score)) >= 0 {
		return false
	}
	j.predictions[p.ID] = p
	return true
}

// Label takes a label; it tells whether anything changed.
func (j *Joiner) Label(t Truth) bool {
	old, known := j.truths[t.ID]
	if known && cmp.Or(t.At.Compare(old.At), cmp.Compare(t.Class, old.Class), cmp.Compare(t.Value, old.Value)) <= 0 {
		return false
	}
	j.truths[t.ID] = t
	return true
}

// Coverage is how many predictions of a window have their label.
type Coverage struct {
	Predictions int
	Labelled    int
}

// Share of the predictions that are labelled; 0 without any.
func (c Coverage) Share() float64 {
	if c.Predictions == 0 {
		return 0
	}
	return float64(c.Labelled) / float64(c.Predictions)
}

// Window is the outcomes of the predictions of a span, by time and id.
func (j *Joiner) Window(span schemas.Span) (outcomes []Outcome, c Coverage) {
	for id, p := range j.predictions {
		if !span.Contains(p.At) {
			continue
		}
		c.Predictions++
		if t, ok := j.truths[id]; ok {
			c.Labelled++
			outcomes = append(outcomes, Outcome{p, t})
		}
	}
	slices.SortFunc(outcomes, func(a, b Outcome) int {
		return cmp.Or(a.Prediction.At.Compare(b.Prediction.At), cmp.Compare(a.Prediction.ID, b.Prediction.ID))
	})
	return outcomes, c
}

// Forget drops predictions served before a time, with their labels, and labels
// without a prediction that became known before it. The start of the oldest
// window that is not final is a safe choice. A label of a forgotten prediction
// waits, unmatched, until it is forgotten itself.
func (j *Joiner) Forget(before time.Time) {
	maps.DeleteFunc(j.truths, func(id string, t Truth) bool {
		p, matched := j.predictions[id]
		return matched && p.At.Before(before) || !matched && t.At.Before(before)
	})
	maps.DeleteFunc(j.predictions, func(_ string, p Prediction) bool { return p.At.Before(before) })
}

// Len is how many predictions and labels are held.
func (j *Joiner) Len() (predictions, labels int) { return len(j.predictions), len(j.truths) }

// Finality says when a window's performance is final.
type Finality struct {
	Coverage float64       // share of labelled predictions that is enough. Default 0.99
	Delay    time.Duration // after the window's end, in event time: labels that have not come by then are not waited for. Default 24h
}

// Final tells whether a window's figures will be published as final; until then
// they are provisional. Watermark is the event time up to which all has been
// seen. A window cannot be final before it is over.
func (f Finality) Final(span schemas.Span, c Coverage, watermark time.Time) bool {
	enough, delay := f.Coverage, f.Delay
	if enough == 0 {
		enough = 0.99
	}
	if delay == 0 {
		delay = 24 * time.Hour
	}
	if watermark.Before(span.End) {
		return false
	}
	return c.Predictions > 0 && c.Share() >= enough || !watermark.Before(span.End.Add(delay))
}

// Revision is the state of a window's outcomes at one watermark.
type Revision struct {
	Span     schemas.Span
	Coverage Coverage
	Final    bool
	Outcomes []Outcome
}

// Revise looks at a window. Published once for every change, revisions replace
// each other; those after a final one are corrections.
func (j *Joiner) Revise(span schemas.Span, watermark time.Time, f Finality) Revision {
	outcomes, c := j.Window(span)
	return Revision{span, c, f.Final(span, c, watermark), outcomes}
}
