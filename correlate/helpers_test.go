package correlate_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/driftline/driftline/correlate"
	"github.com/driftline/driftline/schemas"
)

var (
	credit = schemas.ModelKey{Tenant: "default", Model: "credit"}
	day    = time.Date(2026, 3, 1, 14, 0, 0, 0, time.UTC)
)

// window is the n-th window of five minutes.
func window(n int) schemas.Span {
	start := day.Add(time.Duration(n) * 5 * time.Minute)
	return schemas.Span{Start: start, End: start.Add(5 * time.Minute)}
}

// evaluation of window n.
func evaluation(n int, signals ...schemas.Signal) schemas.Evaluation {
	ev := schemas.Evaluation{ModelKey: credit, Span: window(n)}
	for _, s := range signals {
		s.Tenant, s.Model = credit.Tenant, credit.Model
		s.WindowStart, s.WindowEnd = ev.Span.Start, ev.Span.End
		ev.Signals = append(ev.Signals, s)
	}
	return ev
}

func signal(feature string, state schemas.State, score float64) schemas.Signal {
	return schemas.Signal{
		Version: "7", Feature: feature, Detector: "ks", Score: score, Unit: "probability", Threshold: 0.1, PValue: 1,
		NReference: 50_000, NWindow: 1000, Reference: "training@ab12cd34ef56", State: state,
	}
}

func alarm(feature string, score float64) schemas.Signal {
	return signal(feature, schemas.StateAlarm, score)
}
func ok(feature string) schemas.Signal     { return signal(feature, schemas.StateOK, 0.02) }
func noData(feature string) schemas.Signal { return signal(feature, schemas.StateNoData, 0) }

// later is the same signal from a later evaluation.
func later(s schemas.Signal, minutes int) schemas.Signal {
	s.EvaluatedAt = day.Add(24*time.Hour + time.Duration(minutes)*time.Minute)
	return s
}

func version(s schemas.Signal, v string) schemas.Signal     { s.Version = v; return s }
func segment(s schemas.Signal, v string) schemas.Signal     { s.Segment = v; return s }
func detector(s schemas.Signal, name string) schemas.Signal { s.Detector = name; return s }

// run feeds evaluations to a new correlator and returns all that it told.
func run(evs ...schemas.Evaluation) []schemas.Incident {
	return feed(correlate.New(correlate.DefaultConfig()), evs...)
}

func feed(c *correlate.Correlator, evs ...schemas.Evaluation) []schemas.Incident {
	var told []schemas.Incident
	for _, ev := range evs {
		told = append(told, c.Observe(ev)...)
	}
	return told
}

// want checks how many revisions were told and returns the last.
func want(t *testing.T, told []schemas.Incident, n int) schemas.Incident {
	t.Helper()
	if len(told) != n {
		t.Fatalf("told %d revisions, want %d:\n%s", len(told), n, dump(told))
	}
	if n == 0 {
		return schemas.Incident{}
	}
	return told[n-1]
}

func dump(v any) string {
	out, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err.Error()
	}
	return string(out)
}
