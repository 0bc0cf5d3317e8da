package kserve

import (
	"strconv"
	"time"

	"github.com/driftline/driftline/schemas"
)

// join appends the events of a request and its response.
func join(out []schemas.Event, request, response *Half) []schemas.Event {
	outcome := OutcomeOK
	if len(request.Rows) != len(response.Rows) {
		outcome = OutcomeUnpaired
	}
	latency := latencyOf(request.Time, response.Time)
	for i := range request.Rows {
		e := event(request, i, outcome)
		if response.Version != "" {
			e.Version = response.Version
		}
		e.LatencyMS = latency
		if outcome == OutcomeOK {
			answer := &response.Rows[i]
			e.Prediction, e.Score = answer.Prediction, answer.Score
			add(&e.Features, &answer.Features)
		}
		out = append(out, e)
	}
	return out
}

// single appends the events of a half without its partner.
func single(out []schemas.Event, h *Half) []schemas.Event {
	outcome := OutcomeUnmatched
	if h.Kind == Response {
		outcome = OutcomeOrphan
	}
	for i := range h.Rows {
		out = append(out, event(h, i, outcome))
	}
	return out
}

// event makes an event of the i-th row, whose features it takes over.
func event(h *Half, i int, outcome string) schemas.Event {
	row := &h.Rows[i]
	e := schemas.Event{
		Model: h.Target.Model(), Version: h.Version, Segment: h.Target.Segment(), Deployment: h.Target.Deployment(),
		RequestID: h.ID, Time: h.Time, Prediction: row.Prediction, Score: row.Score, Features: row.Features,
	}
	if len(h.Rows) > 1 {
		e.RequestID += "/" + strconv.Itoa(i)
	}
	if e.Features.Categorical == nil {
		e.Features.Categorical = make(map[string]string, 1)
	}
	e.Features.Categorical[Outcome] = outcome
	return e
}

// add merges what a response says beside its prediction. A feature of the
// request stays what it is.
func add(f, more *schemas.Features) {
	for name, text := range more.Categorical {
		if !has(f, name) {
			f.Categorical[name] = text
		}
	}
	for name, number := range more.Numeric {
		if has(f, name) {
			continue
		}
		if f.Numeric == nil {
			f.Numeric = map[string]float64{}
		}
		f.Numeric[name] = number
	}
}

// latencyOf is missing if the clocks say that the answer came first.
func latencyOf(request, response time.Time) *float64 {
	d := response.Sub(request)
	if d < 0 {
		return nil
	}
	ms := float64(d) / float64(time.Millisecond)
	return &ms
}
