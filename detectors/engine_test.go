package detectors

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/driftline/driftline/schemas"
)

// store is a source and a sink with switches for faults.
type store struct {
	sourceErr, sinkErr error
	failModel          string
	asked              []string // model and start of each window read
	published          []schemas.Evaluation
}

func (s *store) Summaries(_ context.Context, key schemas.ModelKey, span schemas.Span) ([]schemas.WindowSummaries, error) {
	s.asked = append(s.asked, fmt.Sprint(key.Model, " ", span.Start.Format("15:04")))
	if s.sourceErr != nil && (s.failModel == "" || s.failModel == key.Model) {
		return nil, s.sourceErr
	}
	f := mixed(rand.New(rand.NewPCG(uint64(span.Start.Unix()), 1)), 200)
	return []schemas.WindowSummaries{{ModelKey: key, Version: "1", Span: span, Rows: 200, Features: f}}, nil
}

func (s *store) Publish(_ context.Context, ev schemas.Evaluation) error {
	if s.sinkErr != nil {
		return s.sinkErr
	}
	s.published = append(s.published, ev)
	return nil
}

// clock reads "15:04:05" on the day of the tests.
func clock(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse("2006-01-02 15:04:05", "2026-03-01 "+text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

type bench struct {
	*testing.T
	*Engine
	store *store
}

// newBench is an engine with five-minute windows for the models a and b, a
// minute of lateness and the default idle (5s) and settle (1s).
func newBench(t *testing.T) bench {
	t.Helper()
	s := &store{}
	e, err := NewEngine(DefaultConfig(), []Model{
		{Name: "a", Window: Every(5 * time.Minute)}, {Name: "b", Window: Every(5 * time.Minute)}, {Name: "bare"},
	}, s, s)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b"} {
		e.SetReference(MakeReference(schemas.ModelKey{Tenant: "default", Model: name}, "training", "test", mixed(rand.New(rand.NewPCG(1, 1)), 1000)))
	}
	return bench{t, e, s}
}

// touch the minute that begins at event time from, with the given watermark.
func (b bench) touch(model, from, watermark string, seq int64, now string) {
	b.Helper()
	at := clock(b.T, from)
	b.Touch(schemas.Touch{
		ModelKey: schemas.ModelKey{Tenant: "default", Model: model}, Spans: []schemas.Span{{Start: at, End: at.Add(time.Minute)}},
		Rows: 10, Watermark: clock(b.T, watermark),
	}, seq, clock(b.T, now))
}

func (b bench) evaluates(now string, want int) {
	b.Helper()
	got, err := b.Evaluate(context.Background(), clock(b.T, now))
	if err != nil || got != want {
		b.Errorf("at %s: %d windows evaluated, error %v; want %d", now, got, err, want)
	}
}

func (b bench) oldest(want int64) {
	b.Helper()
	got, ok := b.OldestPending()
	if ok != (want >= 0) || ok && got != want {
		b.Errorf("oldest pending %d, %v; want %d", got, ok, want)
	}
}

func TestEngineWaitsForWatermarkAndLateness(t *testing.T) {
	b := newBench(t)
	b.touch("a", "10:01:00", "10:01:30", 1, "10:01:31")
	b.touch("a", "10:04:00", "10:04:30", 2, "10:04:31")
	b.evaluates("10:04:32", 0)
	b.touch("a", "10:05:00", "10:05:59", 3, "10:05:50") // 10:05 is the end, lateness runs to 10:06
	b.evaluates("10:05:50", 0)
	b.oldest(1)
	b.touch("a", "10:06:00", "10:06:00", 4, "10:05:55") // by the clock it were too early still
	b.evaluates("10:05:55", 1)
	b.oldest(3)
	if ev := b.store.published[0]; !ev.Span.Start.Equal(clock(t, "10:00:00")) || len(ev.Signals) == 0 || ev.Signals[0].Version != "1" {
		t.Errorf("published %v with %d signals", ev.Span, len(ev.Signals))
	}
}

func TestEngineClosesQuietModelsByTheClock(t *testing.T) {
	b := newBench(t)
	b.touch("a", "10:01:00", "10:01:30", 1, "10:05:59")
	b.evaluates("10:05:59", 0)
	b.evaluates("10:06:03", 0) // over, but touched 4s ago
	b.evaluates("10:06:04", 1)
	b.oldest(-1)
}

func TestEngineReplaysHistoryAtOnce(t *testing.T) {
	b := newBench(t)
	for i, from := range []string{"01:00:00", "01:05:00", "01:10:00", "01:20:00"} {
		b.touch("a", from, from, int64(i), "10:00:00")
	}
	b.evaluates("10:00:00", 3)
	b.oldest(3)
	b.evaluates("10:00:05", 1)
	if want := []string{"a 01:00", "a 01:05", "a 01:10", "a 01:20"}; !slices.Equal(b.store.asked, want) {
		t.Errorf("windows in the order %v, want %v", b.store.asked, want)
	}
}

func TestEngineReEvaluatesLateDataOncePerSettle(t *testing.T) {
	b := newBench(t)
	b.touch("a", "10:01:00", "10:10:00", 1, "10:10:00")
	b.evaluates("10:10:00", 1)
	b.touch("a", "10:02:00", "10:02:10", 2, "10:10:01")
	b.evaluates("10:10:01", 0)
	b.touch("a", "10:03:00", "10:03:10", 3, "10:10:02")
	b.oldest(2)
	b.evaluates("10:10:02", 1) // both touches in one
	b.oldest(-1)
	first, second := b.store.published[0], b.store.published[1]
	if first.Span != second.Span || first.Signals[0].Series() != second.Signals[0].Series() || !second.Signals[0].EvaluatedAt.After(first.Signals[0].EvaluatedAt) {
		t.Errorf("the second evaluation does not replace the first: %v, %v", first.Span, second.Span)
	}
	if s := b.Stats(); s.Late != 1 || s.Evaluated != 2 || s.Pending != 0 || s.Touches != 3 {
		t.Errorf("stats %+v", s)
	}
}

func TestEngineKeepsWindowsThatFail(t *testing.T) {
	b := newBench(t)
	for i, model := range []string{"a", "b"} {
		b.touch(model, "10:01:00", "10:01:00", int64(10*i), "10:01:00")
		b.touch(model, "10:06:00", "10:20:00", int64(10*i+1), "10:20:00")
	}
	down := errors.New("store is down")
	b.store.sourceErr, b.store.failModel = down, "a"
	n, err := b.Evaluate(context.Background(), clock(t, "10:20:01"))
	if n != 2 || !errors.Is(err, down) {
		t.Errorf("%d evaluated, error %v; want the 2 of b and the fault of a", n, err)
	}
	b.oldest(0)
	if want := []string{"a 10:00", "b 10:00", "b 10:05"}; !slices.Equal(b.store.asked, want) {
		t.Errorf("asked %v, want %v: a model's later windows wait for its oldest", b.store.asked, want)
	}
	b.store.sourceErr, b.store.sinkErr = nil, down
	if n, err := b.Evaluate(context.Background(), clock(t, "10:20:02")); n != 0 || !errors.Is(err, down) {
		t.Errorf("%d evaluated, error %v", n, err)
	}
	b.oldest(0)
	b.store.sinkErr = nil
	b.evaluates("10:20:03", 2)
	b.oldest(-1)
	if s := b.Stats(); s.Failed != 2 || s.Evaluated != 4 {
		t.Errorf("stats %+v", s)
	}
}

func TestEngineStopsWhenCancelled(t *testing.T) {
	b := newBench(t)
	b.touch("a", "10:01:00", "10:20:00", 1, "10:20:00")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if n, err := b.Evaluate(ctx, clock(t, "10:20:00")); n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("%d evaluated, error %v", n, err)
	}
	b.oldest(1)
}

func TestEngineSkipsWhatItDoesNotKnow(t *testing.T) {
	b := newBench(t)
	b.touch("stranger", "10:01:00", "10:20:00", 1, "10:20:00")
	b.touch("bare", "08:01:00", "10:20:00", 2, "10:20:00")
	b.evaluates("10:20:00", 0)
	b.oldest(-1)
	if s := b.Stats(); s.Unknown != 1 || s.NoReference != 1 || len(b.store.asked) != 0 {
		t.Errorf("stats %+v, asked %v", s, b.store.asked)
	}
}

func TestEngineTakesATouchTwice(t *testing.T) {
	b := newBench(t)
	b.touch("a", "10:04:00", "10:04:00", 1, "10:04:00")
	b.touch("a", "10:04:00", "10:04:00", 2, "10:04:00")
	b.oldest(1)
	if n := b.Stats().Pending; n != 1 {
		t.Errorf("%d windows pending, want 1", n)
	}
}

func TestNewEngineRefusesTwoEntriesForOneModel(t *testing.T) {
	if _, err := NewEngine(DefaultConfig(), []Model{{Name: "a"}, {Tenant: "default", Name: "a"}}, nil, nil); err == nil {
		t.Error("no error")
	}
}

// Models do not share windows, and a touch over a border marks both.
func TestEngineTouchOverABorder(t *testing.T) {
	b := newBench(t)
	at := clock(t, "10:04:00")
	b.Touch(schemas.Touch{ModelKey: schemas.ModelKey{Tenant: "default", Model: "a"}, Spans: []schemas.Span{{Start: at, End: at.Add(2 * time.Minute)}}}, 1, at)
	if n := b.Stats().Pending; n != 2 {
		t.Errorf("%d windows pending, want 2", n)
	}
}
