package detectors

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/schemas"
)

// row of production.
type row struct {
	at      time.Time
	version string
	segment string
	x       float64
	c       string
}

// tables are a store in memory that the engine reads from and writes to.
type tables struct {
	rows       []row
	references map[string]schemas.Reference
	signals    map[string]schemas.Signal // by series and window: what is stored last
	incidents  []schemas.Span
	put        int // references stored
}

func newTables() *tables {
	return &tables{references: map[string]schemas.Reference{}, signals: map[string]schemas.Signal{}}
}

func (s *tables) Summaries(ctx context.Context, key schemas.ModelKey, of schemas.Span) ([]schemas.WindowSummaries, error) {
	return s.Production(ctx, key, []schemas.Span{of})
}

func (s *tables) Production(_ context.Context, key schemas.ModelKey, spans []schemas.Span) ([]schemas.WindowSummaries, error) {
	return s.merged(key, spans, func(row) string { return "" }), nil
}

func (s *tables) SegmentNames(_ context.Context, _ schemas.ModelKey, of schemas.Span, most int) ([]string, error) {
	names := map[string]bool{}
	for _, r := range s.rows {
		if of.Contains(r.at) {
			names[r.segment] = true
		}
	}
	all := slices.Sorted(maps.Keys(names))
	return all[:min(most, len(all))], nil
}

func (s *tables) Segments(_ context.Context, key schemas.ModelKey, spans []schemas.Span, names []string) ([]schemas.WindowSummaries, error) {
	return s.merged(key, spans, func(r row) string {
		if slices.Contains(names, r.segment) {
			return r.segment
		}
		return schemas.OtherCategories
	}), nil
}

func (s *tables) merged(key schemas.ModelKey, spans []schemas.Span, segment func(row) string) (out []schemas.WindowSummaries) {
	type part struct{ version, segment string }
	x, c := map[part][]float64{}, map[part][]string{}
	for _, r := range s.rows {
		if slices.ContainsFunc(spans, func(s schemas.Span) bool { return s.Contains(r.at) }) {
			p := part{r.version, segment(r)}
			x[p], c[p] = append(x[p], r.x), append(c[p], r.c)
		}
	}
	parts := slices.SortedFunc(maps.Keys(x), func(a, b part) int {
		return cmp.Or(cmp.Compare(a.version, b.version), cmp.Compare(a.segment, b.segment))
	})
	for _, p := range parts {
		out = append(out, schemas.WindowSummaries{
			ModelKey: key, Version: p.version, Segment: p.segment, Span: spans[0], Rows: uint64(len(x[p])),
			Features: []schemas.Summary{SummarizeStrings("c", c[p]), SummarizeNumbers("x", x[p])},
		})
	}
	return out
}

func (s *tables) Reference(_ context.Context, _ schemas.ModelKey, name, version string) (*schemas.Reference, error) {
	if r, ok := s.references[name+"@"+version]; ok {
		return &r, nil
	}
	return nil, nil
}

func (s *tables) PutReference(_ context.Context, r *schemas.Reference) error {
	s.references[r.ID()] = *r
	s.put++
	return nil
}

func (s *tables) IncidentSpans(context.Context, schemas.ModelKey, time.Time) ([]schemas.Span, error) {
	return s.incidents, nil
}

func (s *tables) Publish(_ context.Context, ev schemas.Evaluation) error {
	for _, g := range ev.Signals {
		g.EvaluatedAt = time.Time{}
		s.signals[fmt.Sprintf("%s %s %v", g.WindowStart.Format("2 15:04"), g.WindowEnd.Format("2 15:04"), g.Series())] = g
	}
	return nil
}

// traffic of two versions over some hours, which drifts after two thirds.
func traffic(rng *rand.Rand, from time.Time, hours, perHour int) (out []row) {
	for h := range hours {
		for range perHour {
			at := from.Add(time.Duration(h)*time.Hour + time.Duration(rng.IntN(3600))*time.Second)
			r := row{at: at, version: string(rune('1' + rng.IntN(2))), segment: string(rune('p' + rng.IntN(3))), x: float64(rng.IntN(100)), c: string(rune('a' + rng.IntN(3)))}
			if 3*h > 2*hours {
				r.x += 60
			}
			if r.version == "2" {
				r.x /= 2
			}
			out = append(out, r)
		}
	}
	slices.SortStableFunc(out, func(a, b row) int { return a.at.Compare(b.at) })
	return out
}

// run an engine over batches of rows that arrive in some order, with restarts,
// until nothing waits.
func (s *tables) run(t *testing.T, rng *rand.Rand, c Config, m Model, ref *schemas.Reference, batches [][]row, restarts bool) {
	t.Helper()
	var engine *Engine
	start := func() {
		e, err := NewEngine(c, []Model{m}, s, s)
		if err != nil {
			t.Fatal(err)
		}
		e.SetReferences(s)
		e.SetSegments(s)
		if ref != nil {
			e.SetReference(*ref)
		}
		judged := map[schemas.ModelKey]time.Time{}
		for _, g := range s.signals {
			judged[m.Key()] = latest(judged[m.Key()], g.WindowEnd)
		}
		e.Resume(judged)
		engine = e
	}
	start()
	now := day(28)
	var touches []schemas.Touch
	replayFrom := 0
	for _, b := range batches {
		s.rows = append(s.rows, b...)
		touch := schemas.Touch{ModelKey: m.Key(), Rows: uint64(len(b))}
		for _, r := range b {
			minute := r.at.Truncate(time.Minute)
			touch.Spans = append(touch.Spans, span(minute, minute.Add(time.Minute)))
			if r.at.After(touch.Watermark) {
				touch.Watermark = r.at
			}
		}
		touches = append(touches, touch)
		engine.Touch(touch, int64(len(touches)-1), now)
		if restarts && rng.IntN(6) == 0 {
			start()
			for i := replayFrom; i < len(touches); i++ {
				engine.Touch(touches[i], int64(i), now)
			}
		}
		now = now.Add(time.Duration(rng.IntN(4000)) * time.Millisecond)
		if _, err := engine.Evaluate(t.Context(), now); err != nil {
			t.Fatal(err)
		}
		replayFrom = len(touches)
		if oldest, ok := engine.OldestPending(); ok {
			replayFrom = int(oldest)
		}
	}
	for i := 0; engine.Stats().Pending > 0; i++ {
		now = now.Add(time.Hour)
		if _, err := engine.Evaluate(t.Context(), now); err != nil || i > 100 {
			t.Fatalf("%d windows still wait, error %v", engine.Stats().Pending, err)
		}
	}
}

// inBatches deals rows out in random batches: in the order of time, or in any,
// then with some announced twice.
func inBatches(rng *rand.Rand, rows []row, shuffled bool) (out [][]row) {
	rows = slices.Clone(rows)
	if shuffled { // most rows late by little, some by anything
		late := make([]time.Time, len(rows))
		for i := range rows {
			late[i] = rows[i].at.Add(time.Duration(rng.ExpFloat64() * float64(40*time.Minute)))
			if rng.IntN(20) == 0 {
				late[i] = rows[rng.IntN(len(rows))].at
			}
		}
		order := make([]int, len(rows))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int { return late[a].Compare(late[b]) })
		dealt := make([]row, len(rows))
		for i, k := range order {
			dealt[i] = rows[k]
		}
		rows = dealt
	}
	for len(rows) > 0 {
		n := min(len(rows), 1+rng.IntN(60))
		out, rows = append(out, rows[:n]), rows[n:]
	}
	return out
}

// Late data, in any order and through restarts, end in the signals that the same
// data give in order: what came late replaces and never doubles, also where it
// changes the reference of windows that were judged, or a window that a later
// verdict counts.
func TestLawArrivalOrderDoesNotMatter(t *testing.T) {
	hours := func(n int) Window { return Every(time.Duration(n) * time.Hour) }
	base := DefaultConfig()
	base.MinRows, base.Detectors, base.Calibrate = 20, []string{"ks", "linf"}, false
	twoOfThree := base
	twoOfThree.AlarmWindows, twoOfThree.AlarmOf = 2, 3
	calibrated := base
	calibrated.Calibrate, calibrated.FalseAlarmEvery = true, hours(12) // two days tell no smaller chances
	for _, c := range []struct {
		name   string
		config Config
		model  Model
		days   int
	}{
		{"profile, sliding", base, Model{Window: hours(2), Every: Every(30 * time.Minute)}, 2},
		{"profile, two of three", twoOfThree, Model{Window: hours(1)}, 2},
		{"profile, two of three, sliding", twoOfThree, Model{Window: hours(1), Every: Every(20 * time.Minute)}, 1},
		{"trailing", base, Model{Window: hours(1), Reference: ReferenceFile{Kind: "trailing", Length: hours(8), Guard: hours(2), Refresh: hours(4)}}, 2},
		{"trailing without a guard, sliding", base, Model{Window: hours(1), Every: Every(15 * time.Minute), Reference: ReferenceFile{Kind: "trailing", Length: hours(6), Guard: Every(time.Minute), Refresh: hours(1)}}, 1},
		{"trailing, calibrated", calibrated, Model{Window: Every(30 * time.Minute), Reference: ReferenceFile{Kind: "trailing", Length: hours(24), Guard: hours(1), Refresh: hours(6)}}, 2},
		{"trailing, two of three", twoOfThree, Model{Window: hours(1), Reference: ReferenceFile{Kind: "trailing", Length: hours(8), Guard: hours(2), Refresh: hours(4)}}, 2},
		{"range", base, Model{Window: hours(1), Reference: ReferenceFile{Kind: "range", From: new(day(2)), To: new(day(2, 7))}}, 1},
		{"same hour of week", base, Model{Window: hours(4), Reference: ReferenceFile{Kind: "same_hour_of_week", Weeks: 1}}, 9},
		{"version", base, Model{Window: hours(1), Reference: ReferenceFile{Kind: "version", Version: "1"}}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.model.Name = "m"
			rng := rand.New(rand.NewPCG(uint64(len(c.name)), 4))
			perHour := 60
			if c.days > 3 {
				perHour = 12
			}
			rows := traffic(rng, day(2), 24*c.days, perHour)
			var ref *schemas.Reference
			if c.model.Reference.Kind == "" {
				features, _ := mergeVersions(must(newTablesOf(rows[:len(rows)/3]).Summaries(t.Context(), c.model.Key(), span(day(1), day(28)))))
				made := MakeReference(c.model.Key(), "training", "test", features)
				ref = &made
			}
			sorted := newTables()
			sorted.run(t, rng, c.config, c.model, ref, inBatches(rng, rows, false), false)
			alarms := 0
			for _, g := range sorted.signals {
				if g.State == schemas.StateAlarm {
					alarms++
				}
			}
			if len(sorted.signals) == 0 || alarms == 0 {
				t.Fatalf("%d signals, %d alarms: there is nothing to compare", len(sorted.signals), alarms)
			}
			for i := range 3 {
				other := newTables()
				batches := inBatches(rng, rows, true)
				other.run(t, rng, c.config, c.model, ref, batches, i > 0)
				compareTables(t, sorted, other)
			}
			t.Logf("%d signals, %d alarms, %d references", len(sorted.signals), alarms, len(sorted.references))
		})
	}
}

func newTablesOf(rows []row) *tables {
	s := newTables()
	s.rows = rows
	return s
}

func must(found []schemas.WindowSummaries, err error) []schemas.WindowSummaries {
	if err != nil {
		panic(err)
	}
	return found
}

// compareTables of signals; sums of floats may differ in their last digits.
func compareTables(t *testing.T, want, got *tables) {
	t.Helper()
	differ := 0
	for _, key := range slices.Sorted(maps.Keys(want.signals)) {
		w := want.signals[key]
		g, ok := got.signals[key]
		if !ok || g.Reference != w.Reference || g.State != w.State || g.NWindow != w.NWindow || g.NReference != w.NReference || !alike(g.Score, w.Score) || !alike(g.PValue, w.PValue) || g.StrongestSegment != w.StrongestSegment || !alike(g.SegmentShare, w.SegmentShare) {
			if differ++; differ < 5 {
				t.Errorf("%s: in order %s %s %.12g p=%.12g of %d, now %s %s %.12g p=%.12g of %d (there: %t)", key, w.State, w.Reference, w.Score, w.PValue, w.NWindow, g.State, g.Reference, g.Score, g.PValue, g.NWindow, ok)
			}
		}
	}
	for key := range got.signals {
		if _, ok := want.signals[key]; !ok {
			if differ++; differ < 5 {
				t.Errorf("%s: in no table of the data in order", key)
			}
		}
	}
	if differ > 0 {
		t.Errorf("%d of %d signals differ", differ, len(want.signals))
	}
}

// A step of the traffic stays an alarm until the incident that it opened is
// over: its windows do not become the reference. With them, it is absorbed.
func TestTrailingReferenceDoesNotAbsorbDrift(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 9))
	var rows []row
	for h := range 24 * 9 {
		for range 40 {
			r := row{at: day(2).Add(time.Duration(h)*time.Hour + time.Duration(rng.IntN(3600))*time.Second), version: "1", x: rng.NormFloat64(), c: "a"}
			if h >= 24*5 {
				r.x += 2
			}
			rows = append(rows, r)
		}
	}
	slices.SortFunc(rows, func(a, b row) int { return a.at.Compare(b.at) })
	c := DefaultConfig()
	c.MinRows, c.Detectors, c.Calibrate = 20, []string{"ks"}, false
	for _, include := range []bool{false, true} {
		s := newTables()
		s.incidents = []schemas.Span{span(day(7), farFuture)}
		m := Model{Name: "m", Window: Every(time.Hour), Reference: ReferenceFile{Kind: "trailing", Length: lengthOf(t, "2d"), Guard: lengthOf(t, "6h"), Refresh: lengthOf(t, "6h"), IncludeIncidents: include}}
		s.run(t, rng, c, m, nil, inBatches(rng, rows, false), false)
		last := s.signals[fmt.Sprintf("10 23:00 11 00:00 %v", schemas.SeriesKey{Tenant: "default", Model: "m", Version: "1", Feature: "x", Detector: "ks"})]
		if want := map[bool]schemas.State{false: schemas.StateAlarm, true: schemas.StateOK}[include]; last.State != want {
			t.Errorf("include_incidents %t: four days after the step %s, want %s (%s)", include, last.State, want, last.Reason)
		}
	}
}

// A reference is made once and read back: by windows that share it, and by the
// next start, calibration included.
func TestReferencesOfProductionAreMadeOnce(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 10))
	rows := traffic(rng, day(2), 60, 60)
	c := DefaultConfig()
	c.MinRows, c.Detectors = 20, []string{"ks", "linf"}
	m := Model{Name: "m", Window: Every(time.Hour), Reference: ReferenceFile{Kind: "trailing", Length: lengthOf(t, "1d"), Guard: lengthOf(t, "1h"), Refresh: lengthOf(t, "12h")}}
	s := newTables()
	s.run(t, rng, c, m, nil, inBatches(rng, rows, false), false)
	references := map[string]bool{}
	for _, g := range s.signals {
		references[g.Reference] = true
		r, ok := s.references[g.Reference]
		if !ok || !strings.HasPrefix(g.Reference, "trailing@") || r.Kind != ReferenceTrailing || len(r.Spans) == 0 {
			t.Fatalf("a signal names %s, which is stored as %+v", g.Reference, r)
		}
		if r.Calibration == nil || !r.Spans[0].Start.Before(day(2)) && r.Calibration.Windows < 20 {
			t.Fatalf("reference %s over %v is calibrated on %+v", g.Reference, r.Spans, r.Calibration)
		}
	}
	if s.put != len(references) {
		t.Errorf("%d references stored, %d named by signals", s.put, len(references))
	}
	before, put := maps.Clone(s.signals), s.put
	again := &tables{references: s.references, signals: map[string]schemas.Signal{}}
	again.run(t, rng, c, m, nil, inBatches(rng, rows, false), true)
	if again.put != 0 {
		t.Errorf("a second start stores %d references more than the first, %d", again.put, put)
	}
	compareTables(t, &tables{signals: before}, again)
}

// A version is compared with another one, never with itself.
func TestReferenceOfAnotherVersion(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 11))
	rows := traffic(rng, day(2), 6, 400)
	c := DefaultConfig()
	c.Detectors = []string{"ks"}
	s := newTables()
	s.run(t, rng, c, Model{Name: "m", Window: Every(time.Hour), Reference: ReferenceFile{Kind: "version", Version: "1"}}, nil, inBatches(rng, rows, false), false)
	n := 0
	for _, g := range s.signals {
		if g.Version != "2" || !strings.HasPrefix(g.Reference, "version@") {
			t.Fatalf("version %q is compared with %s", g.Version, g.Reference)
		}
		if g.Feature == "x" && g.State != schemas.StateAlarm || g.Feature == "c" && g.State == schemas.StateAlarm {
			t.Errorf("%s: %s", g.State, g.Reason)
		}
		n++
	}
	if n != 6 {
		t.Errorf("%d signals, want one of x in 6 windows", n)
	}
	for _, r := range s.references {
		if len(r.Features) > 0 || r.ModelVersion != "1" || r.Rows == 0 {
			t.Errorf("stored with %d features, of version %q, %d rows", len(r.Features), r.ModelVersion, r.Rows)
		}
	}
}
