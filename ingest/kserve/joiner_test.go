package kserve

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/driftline/driftline/schemas"
)

// logs runs a law over random logs.
func logs(t *testing.T, n int, law func(t *testing.T, r *rand.Rand, c Config, log []entry)) {
	t.Helper()
	if testing.Short() {
		n /= 10
	}
	for seed := range uint64(n) {
		r := rand.New(rand.NewPCG(seed, 25))
		law(t, r, randomConfig(r), randomLog(r, 20+r.IntN(200)))
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func TestEventsAreThoseOfTheDefinition(t *testing.T) {
	seen := map[string]int{}
	logs(t, 1500, func(t *testing.T, _ *rand.Rand, c Config, log []entry) {
		got, want := run(t, c, log, 0), definition(c, log)
		for i := range log {
			o := log[i].offset
			if !reflect.DeepEqual(got[o], want[o]) && len(got[o])+len(want[o]) > 0 {
				t.Fatalf("%+v, offset %d\ngot  %+v\nwant %+v", c, o, got[o], want[o])
			}
			for _, e := range got[o] {
				seen[e.Features.Categorical[Outcome]]++
			}
		}
	})
	for _, outcome := range []string{OutcomeOK, OutcomeUnmatched, OutcomeOrphan, OutcomeUnpaired} {
		if seen[outcome] < 1000 {
			t.Errorf("only %d events are %s: the logs do not try enough", seen[outcome], outcome)
		}
	}
}

// agree holds a run that begins late against one that saw all, from offset a on.
func agree(tb testing.TB, c Config, log []entry, all map[int64][]schemas.Event, from, a int64) bool {
	tb.Helper()
	late := run(tb, c, log, from)
	for i := range log {
		if o := log[i].offset; o >= a && !same(late[o], all[o]) {
			return false
		}
	}
	return true
}

func same(a, b []schemas.Event) bool { return len(a)+len(b) == 0 || reflect.DeepEqual(a, b) }

func TestTakingOverGivesTheSameEvents(t *testing.T) {
	logs(t, 1500, func(t *testing.T, r *rand.Rand, c Config, log []entry) {
		all := run(t, c, log, 0)
		for range 5 {
			a := log[r.IntN(len(log))].offset + 1
			if !agree(t, c, log, all, c.From(a), a) {
				t.Fatalf("%+v: whoever takes over at offset %d makes other events", c, a)
			}
		}
	})
}

// An owner may begin where no record was, as after a reset of offsets.
func TestTakingOverInAGap(t *testing.T) {
	logs(t, 500, func(t *testing.T, r *rand.Rand, c Config, log []entry) {
		all := run(t, c, log, 0)
		i := 1 + r.IntN(len(log)-1)
		a := log[i].offset
		gap := a - 1 - log[i-1].offset
		if !agree(t, c, log, all, a-gap-c.Lookback(), a) {
			t.Fatalf("%+v: whoever takes over at offset %d makes other events", c, a)
		}
	})
}

// Two windows are read back and not one: whether a half opened depends on what
// came before it.
func TestOneWindowOfLookbackIsTooLittle(t *testing.T) {
	c := Config{Window: 4, MaxAge: -1}
	log := []entry{
		{offset: 0, id: "x", kind: Request, rows: 1},
		{offset: 3, id: "x", kind: Request, rows: 1, serial: 1}, // a repeat
		{offset: 6, id: "x", kind: Response, rows: 1, serial: 2},
	}
	all := run(t, c, log, 0)
	if agree(t, c, log, all, 6-c.Window, 6) {
		t.Error("one window is enough: the example shows nothing")
	}
	if !agree(t, c, log, all, c.From(6), 6) {
		t.Error("two windows are too little")
	}
}

// Nobody reads back for ever: a request repeated for ever is one request.
func TestRepeatsForEverAreOneRequest(t *testing.T) {
	c := Config{Window: 10, MaxAge: -1}
	var log []entry
	for i := range 100 {
		log = append(log, entry{offset: int64(5 * i), id: "x", rows: 1, serial: i})
	}
	j, n := newJoiner(t, c), 0
	for i := range log {
		n += len(feed(t, j, &log[i]))
	}
	if got := j.Counts(); n != 1 || got.Repeats != 99 || got.Unmatched[Passed] != 1 {
		t.Errorf("%d events, %+v", n, got)
	}
}

func TestEveryHalfIsAccountedFor(t *testing.T) {
	logs(t, 300, func(t *testing.T, _ *rand.Rand, c Config, log []entry) {
		j, times := newJoiner(t, c), map[float64]int{}
		for i := range log {
			for _, e := range feed(t, j, &log[i]) {
				account(times, e)
			}
			balanced(t, c, j)
		}
		once(t, j.Counts(), times)
	})
}

// account notes the halves of an event, at their first row.
func account(times map[float64]int, e schemas.Event) {
	if i := len(e.RequestID) - 1; e.RequestID[i] != '0' && slices.Contains([]byte(e.RequestID), '/') {
		return
	}
	for _, serial := range e.Features.Numeric {
		times[serial]++
	}
}

// balanced checks what must hold after every record.
func balanced(tb testing.TB, cfg Config, j *Joiner) {
	tb.Helper()
	c := j.Counts()
	sum := 2*c.Joined + c.Repeats + c.Held
	for _, why := range Causes() {
		sum += c.Unmatched[why] + c.Orphans[why]
	}
	if sum != c.Halves || c.HeldRows > cfg.MaxRows || c.HeldBytes > cfg.MaxBytes || c.Held > c.Visible || int64(c.Visible) > cfg.Window {
		tb.Fatalf("%d halves are accounted for: %+v", sum, c)
	}
	if len(j.ids) > c.Visible || cfg.MaxAge > 0 && len(j.ages) != c.Visible {
		tb.Fatalf("%d ids and %d ages for %d visible halves", len(j.ids), len(j.ages), c.Visible)
	}
}

// once checks that no half is in two groups of events, and none is lost. The
// answers of unpaired events are in none.
func once(tb testing.TB, c Counts, times map[float64]int) {
	tb.Helper()
	for serial, n := range times {
		if n != 1 {
			tb.Fatalf("half %v is in %d groups of events", serial, n)
		}
	}
	want := c.Halves - c.Repeats - c.Held - c.Unpaired
	if len(times) != want {
		tb.Fatalf("%d halves are in events, %d should be: %+v", len(times), want, c)
	}
}

func TestOffsetsMustGrow(t *testing.T) {
	j := newJoiner(t, Config{})
	e := entry{offset: 7, id: "x", rows: 1}
	feed(t, j, &e)
	before := j.Counts()
	if _, err := j.Add(7, e.time(), e.half()); err == nil {
		t.Error("an offset may come twice")
	}
	if _, err := j.Skip(3, e.time()); err == nil || j.Counts() != before {
		t.Error("offsets may run backwards")
	}
}

func TestConfigIsChecked(t *testing.T) {
	for _, c := range []Config{{Window: -1}, {Window: 1 << 40}, {MaxRows: -1}, {MaxBytes: -1}} {
		if _, err := NewJoiner(c); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
	if c := (Config{}); c.From(100_001) != 1 || c.From(5) != 0 {
		t.Error("the lookback is not two windows")
	}
}

// A clock without bounds must not make a half visible for ever, or panic.
func TestTimestampsMayBeAnything(t *testing.T) {
	j := newJoiner(t, Config{Window: 5, MaxAge: time.Second})
	for i, ms := range []int64{0, 1 << 62, -1 << 62, -1, 1<<63 - 1, -1 << 63, 5} {
		feed(t, j, &entry{offset: int64(i), ms: ms, id: "x", kind: Kind(i % 2), rows: 1})
		balanced(t, j.cfg, j)
	}
}

// A clock that jumps lets all go at once, and no more than may wait.
func TestAllGoAtOnce(t *testing.T) {
	c := Config{MaxAge: time.Minute, MaxRows: 6000}
	j := newJoiner(t, c)
	for i := range 7000 {
		feed(t, j, &entry{offset: int64(i), id: strconv.Itoa(i), rows: 1, serial: i})
	}
	out := feed(t, j, &entry{offset: 7000, ms: time.Hour.Milliseconds(), id: "last", rows: 1})
	if len(out) != 6000 || out[0].RequestID != "1000" || out[5999].RequestID != "6999" {
		t.Errorf("%d events", len(out))
	}
	if feed(t, j, &entry{offset: 7001, none: true}); cap(j.out) > maxReused || j.Counts().Visible != 1 {
		t.Errorf("room for %d events is kept: %+v", cap(j.out), j.Counts())
	}
}
