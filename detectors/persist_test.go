package detectors

import (
	"context"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/driftline/driftline/schemas"
)

func persistent(k, of int, hold float64) Config {
	c := DefaultConfig()
	c.AlarmWindows, c.AlarmOf, c.Hold = k, of, hold
	c.Detectors = []string{"ks"}
	return c
}

// states plays windows with the given means to a plan.
func states(plan *Plan, memory *Memory, ref *schemas.Reference, means ...float64) (out string) {
	for i, m := range means {
		w := hourly(1, 400, monday.Add(time.Duration(i)*time.Hour), func(_ time.Time, z float64) float64 { return z + m }, rand.New(rand.NewPCG(uint64(i), 3)).NormFloat64)
		s := EvaluateAfter(plan, memory, ref, w, w[0].Span, monday)
		switch s[len(s)-1].State {
		case schemas.StateAlarm:
			out += "A"
		default:
			out += "."
		}
	}
	return out
}

func TestPersistenceCountsWindows(t *testing.T) {
	ref := whole(hourly(50, 400, monday.Add(-100*time.Hour), plainly, rand.New(rand.NewPCG(1, 2)).NormFloat64))
	means := []float64{0, 1, 0, 0, 1, 1, 0, 1, 0, 0, 0, 1, 1, 1, 0}
	for _, c := range []struct {
		k, of int
		want  string
	}{
		{1, 1, ".A..AA.A...AAA."},
		{2, 2, ".....A......AA."},
		{2, 3, ".....AAA....AAA"},
		{3, 3, ".............A."},
	} {
		plan := mustPlan(t, persistent(c.k, c.of, 1), Model{Name: "m"})
		var memory Memory
		if got := states(plan, &memory, ref, means...); got != c.want {
			t.Errorf("%d of %d: %s, want %s", c.k, c.of, got, c.want)
		}
		for key, ms := range memory.series {
			if len(ms) > max(2, c.of) {
				t.Errorf("%d of %d: remembers %d windows of %v", c.k, c.of, len(ms), key)
			}
		}
	}
}

// An alarm lasts through scores that are a little below the threshold, and does
// not begin with one.
func TestAlarmHolds(t *testing.T) {
	ref := whole(hourly(50, 400, monday.Add(-100*time.Hour), plainly, rand.New(rand.NewPCG(1, 2)).NormFloat64))
	m := Model{Name: "m", Thresholds: map[string]float64{"ks": 0.3}} // a mean of 1 scores about 0.4, one of 0.55 about 0.22
	means := []float64{0.55, 1, 0.55, 0.55, 0, 0.55, 1, 0}
	for hold, want := range map[float64]string{1: ".A....A.", 0.5: ".AAA..A."} {
		var memory Memory
		if got := states(mustPlan(t, persistent(1, 1, hold), m), &memory, ref, means...); got != want {
			t.Errorf("hold %v: %s, want %s", hold, got, want)
		}
	}
}

// Two of three windows keep the budget that one of one keeps, and the history
// tells how windows follow each other.
func TestPersistenceKeepsTheBudget(t *testing.T) {
	const features, history, after = 30, 400, 300
	for _, hours := range []float64{0, 0.8} { // autocorrelation of the hours' means
		c := persistent(2, 3, 1)
		c.FalseAlarmEvery = Every(100 * time.Hour)
		plan := mustPlan(t, c, Model{Name: "m", Thresholds: map[string]float64{"ks": 0}})
		alarms := 0
		for f := range features {
			rng := rand.New(rand.NewPCG(uint64(f), 9))
			mean := dependent(rng, hours)
			draw := func(n int, at time.Time) (out []schemas.WindowSummaries) {
				for i := range n {
					m := 0.1 * mean()
					out = append(out, hourly(1, 60, at.Add(time.Duration(i)*time.Hour), func(_ time.Time, z float64) float64 { return z + m }, rng.NormFloat64)...)
				}
				return out
			}
			ref := calibrated(plan, draw(history, monday))
			var memory Memory
			for _, w := range draw(after, monday.Add(history*time.Hour)) {
				alarms += anyAlarm(EvaluateAfter(plan, &memory, ref, []schemas.WindowSummaries{w}, w.Span, monday))
			}
		}
		rate := float64(alarms) / (features * after)
		t.Logf("autocorrelation %v: %.4f of windows in alarm, declared %.4f", hours, rate, plan.Level)
		// 90 windows are expected in runs of two or more, worth 45 at most: three
		// standard errors are 45 %, and more where features' calibrations differ.
		if rate > 1.6*plan.Level {
			t.Errorf("autocorrelation %v: %.4f of windows in alarm, declared %.4f", hours, rate, plan.Level)
		}
	}
}

// pastSource answers windows by their start.
type pastSource map[int64]schemas.WindowSummaries

func (s pastSource) Summaries(_ context.Context, _ schemas.ModelKey, span schemas.Span) ([]schemas.WindowSummaries, error) {
	if w, ok := s[span.Start.Unix()]; ok {
		return []schemas.WindowSummaries{w}, nil
	}
	return nil, nil
}

type lastSink struct{ ev schemas.Evaluation }

func (s *lastSink) Publish(_ context.Context, ev schemas.Evaluation) error {
	s.ev = ev
	return nil
}

// A new engine, which has seen nothing, judges as one that saw it all.
func TestRestartForgetsNoWindow(t *testing.T) {
	c := persistent(2, 3, 1)
	ref := whole(hourly(50, 400, monday.Add(-100*time.Hour), plainly, rand.New(rand.NewPCG(1, 2)).NormFloat64))
	source := pastSource{}
	means := []float64{0, 1, 0, 1}
	for i, m := range means {
		w := hourly(1, 400, monday.Add(time.Duration(i)*time.Hour), func(_ time.Time, z float64) float64 { return z + m }, rand.New(rand.NewPCG(uint64(i), 3)).NormFloat64)
		source[w[0].Span.Start.Unix()] = w[0]
	}
	run := func(first int) schemas.Evaluation {
		sink := &lastSink{}
		e, err := NewEngine(c, []Model{{Name: "m"}}, source, sink)
		if err != nil {
			t.Fatal(err)
		}
		e.SetReference(*ref)
		for i := first; i < len(means); i++ {
			at := monday.Add(time.Duration(i) * time.Hour)
			e.Touch(schemas.Touch{ModelKey: testKey, Spans: []schemas.Span{{Start: at, End: at.Add(time.Minute)}}, Watermark: at.Add(2 * time.Hour)}, int64(i), monday)
			if _, err := e.Evaluate(t.Context(), monday.Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		return sink.ev
	}
	all, restarted := run(0), run(3)
	if !reflect.DeepEqual(all, restarted) {
		t.Errorf("after a restart\n%+v\nwithout\n%+v", restarted.Signals, all.Signals)
	}
	if s := all.Signals[len(all.Signals)-1]; s.State != schemas.StateAlarm {
		t.Errorf("%+v", s)
	}
}

func TestBudgetOfEachFeature(t *testing.T) {
	c := DefaultConfig()
	ref := reference(normal("a", 1, 5000, 0), normal("b", 2, 5000, 0))
	w := []schemas.WindowSummaries{window("1", normal("a", 3, 500, 3), normal("b", 4, 500, 0))}
	model := find(t, EvaluateWindow(mustPlan(t, c, Model{Name: "m"}), ref, w, schemas.Span{}, monday), "1", "a", "ks")
	c.BudgetPer = PerFeature
	feature := find(t, EvaluateWindow(mustPlan(t, c, Model{Name: "m"}), ref, w, schemas.Span{}, monday), "1", "a", "ks")
	near(t, "half the tests, half the price", feature.PValue*2, model.PValue, 1e-3*model.PValue)
}
