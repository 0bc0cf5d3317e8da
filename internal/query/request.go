package query

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
	"golang.org/x/sync/errgroup"
)

// Request is several questions about one time, in the form that Grafana's
// front end sends them.
type Request struct {
	From    string `json:"from" doc:"start, in milliseconds since 1970"`
	To      string `json:"to" doc:"end, exclusive, in milliseconds since 1970"`
	Queries []Part `json:"queries" minItems:"1" maxItems:"40"`
}

// Part is one question of a request.
type Part struct {
	RefID         string  `json:"refId" minLength:"1" maxLength:"64" doc:"name of its answer"`
	IntervalMS    float64 `json:"intervalMs,omitempty" doc:"least distance of points"`
	MaxDataPoints int     `json:"maxDataPoints,omitempty" doc:"of a series; 1000 when left out"`
	Query
}

// Answer is what became of one question.
type Answer struct {
	Status      int         `json:"status"` // as of HTTP: 200, 400 for mistakes, 504 when it took too long, 502 for errors of the store
	Frames      data.Frames `json:"frames,omitempty"`
	Error       string      `json:"error,omitempty"`
	ErrorSource string      `json:"errorSource,omitempty"` // downstream: not Driftline's own
}

// Results are the answers by name, in the form that Grafana's front end reads.
type Results struct {
	Results map[string]Answer `json:"results"`
}

// together is how many questions of a request are asked of the store at once.
const together = 4

// AskAll answers a request: each question on its own, so that one that fails
// leaves the others alone.
func (a *Asker) AskAll(ctx context.Context, r Request) (Results, error) {
	from, err := milliseconds("from", r.From)
	if err != nil {
		return Results{}, err
	}
	to, err := milliseconds("to", r.To)
	if err != nil {
		return Results{}, err
	}
	answers := make([]Answer, len(r.Queries))
	var g errgroup.Group
	g.SetLimit(together)
	for i, p := range r.Queries {
		g.Go(func() error {
			of := Range{From: from, To: to, MaxPoints: p.MaxDataPoints, Interval: time.Duration(p.IntervalMS * float64(time.Millisecond))}
			frames, err := a.Ask(ctx, p.Query, of)
			answers[i] = Answer{Status: Status(err), Frames: frames}
			if err != nil {
				answers[i].Error, answers[i].ErrorSource = err.Error(), "downstream"
			}
			return nil
		})
	}
	_ = g.Wait()
	out := Results{Results: make(map[string]Answer, len(answers))}
	for i, p := range r.Queries {
		out.Results[p.RefID] = answers[i]
	}
	return out, nil
}

// Status of HTTP that says what became of a question.
func Status(err error) int {
	var m *Mistake
	switch {
	case err == nil:
		return 200
	case errors.As(err, &m):
		return 400
	case errors.Is(err, context.DeadlineExceeded):
		return 504
	case errors.Is(err, context.Canceled):
		return 499
	}
	return 502
}

func milliseconds(name, text string) (time.Time, error) {
	ms, err := strconv.ParseInt(text, 10, 64)
	if err != nil || ms < 0 || ms > 7_258_118_400_000 {
		return time.Time{}, mistake("%s is %q; it is a time in milliseconds since 1970", name, text)
	}
	return time.UnixMilli(ms).UTC(), nil
}
