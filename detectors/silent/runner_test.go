package silent

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/schemas"
)

// fake is a store that gives a fixed snapshot and a sink that remembers.
type fake struct {
	marks    []Watermark
	snapshot *Snapshot
	asked    []Question
	told     []schemas.Evaluation
	err      error // of the store
	refuse   error // of the sink
}

func (f *fake) Watermarks(context.Context) ([]Watermark, error) { return f.marks, f.err }

func (f *fake) Snapshot(_ context.Context, q Question) (*Snapshot, error) {
	f.asked = append(f.asked, q)
	if f.snapshot == nil {
		return &Snapshot{}, nil
	}
	s := *f.snapshot
	if !q.Wants(Jobs) {
		s.Jobs = nil
	}
	if !q.Wants(Feeds) {
		s.Feeds, s.Consumers = nil, nil
	}
	if q.Wants(Jobs) || q.Wants(Feeds) {
		s.Models = nil
	}
	s.Monitor = nil
	return &s, nil
}

func (f *fake) Publish(_ context.Context, ev schemas.Evaluation) error {
	if f.refuse != nil {
		return f.refuse
	}
	f.told = append(f.told, ev)
	return nil
}

// take returns what was told since, by state and detector.
func (f *fake) take() (signals []schemas.Signal) {
	for _, ev := range f.told {
		signals = append(signals, ev.Signals...)
	}
	f.told = nil
	return signals
}

func mark(stream string, at time.Time) Watermark { return Watermark{"default", stream, at} }

func round(t *testing.T, r *Runner, wall time.Time) {
	t.Helper()
	if err := r.Round(t.Context(), wall); err != nil {
		t.Fatal(err)
	}
}

// nows are the event times asked about since, by stream's first need.
func (f *fake) nows() map[Input]time.Time {
	out := map[Input]time.Time{}
	for _, q := range f.asked {
		out[q.Needs[0]] = q.Now
	}
	f.asked = nil
	return out
}

// A stream that moves is judged at its own time, one that stands still at the
// time of the others, and none in the future.
func TestClocks(t *testing.T) {
	f := &fake{}
	cfg := DefaultConfig()
	r := NewRunner(cfg, f, f)
	wall := noon.Add(1000 * time.Hour) // a replay
	f.marks = []Watermark{mark(StreamEvents, noon), mark(StreamJobs, noon.Add(-30*time.Minute))}
	round(t, r, wall)
	want := func(what string, got map[Input]time.Time, events, jobs time.Time) {
		t.Helper()
		if !got[Counts].Equal(events) || !got[Jobs].Equal(jobs) {
			t.Errorf("%s: events are judged at %s, jobs at %s; want %s and %s", what, got[Counts], got[Jobs], events, jobs)
		}
	}
	late := cfg.Lateness
	want("each by its own", f.nows(), noon.Add(-late), noon.Add(-30*time.Minute-late))

	round(t, r, wall.Add(time.Minute))
	if n := len(f.asked); n != 0 {
		t.Errorf("%d questions although nothing moved", n)
	}
	f.marks[0].Newest = noon.Add(10 * time.Minute)
	round(t, r, wall.Add(2*time.Minute))
	want("jobs wait", f.nows(), noon.Add(10*time.Minute-late), time.Time{})

	f.marks[0].Newest = noon.Add(20 * time.Minute)
	round(t, r, wall.Add(cfg.Stall))
	want("jobs stood still", f.nows(), noon.Add(20*time.Minute-late), noon.Add(20*time.Minute-late))

	f.marks[0].Newest = wall.Add(24 * time.Hour)
	round(t, r, wall.Add(cfg.Stall+time.Minute))
	at := wall.Add(cfg.Stall + time.Minute - late)
	want("never ahead of the clock", f.nows(), at, at)
}

// What is well is told once in a while, what is not at every step, and what
// recovers often enough for an incident to be resolved.
func TestQuietSeriesAreToldSeldom(t *testing.T) {
	f := &fake{snapshot: &Snapshot{Jobs: []Job{healthyJob(rand.New(rand.NewPCG(1, 1)), "hourly", time.Hour, 20*time.Minute)}}}
	cfg := DefaultConfig()
	r := NewRunner(cfg, f, f)
	step := func(minute int) (states []schemas.State) {
		at := noon.Add(time.Duration(minute) * time.Minute)
		f.marks = []Watermark{mark(StreamJobs, at.Add(cfg.Lateness))}
		round(t, r, at.Add(cfg.Lateness))
		for _, s := range f.take() {
			if s.Detector == "silent_dead_man" {
				states = append(states, s.State)
			}
		}
		return states
	}
	told := 0
	for minute := range 61 {
		told += len(step(minute))
	}
	if told != 5 { // at once, and every quarter of an hour
		t.Errorf("%d signals in an hour of good health, want 5", told)
	}
	runs := f.snapshot.Jobs[0].Runs
	f.snapshot.Jobs[0].Runs = slices.DeleteFunc(slices.Clone(runs), func(r Run) bool { return r.Started.After(ago(8 * time.Hour)) })
	for minute := 61; minute < 66; minute++ {
		if got := step(minute); !slices.Equal(got, []schemas.State{schemas.StateAlarm}) {
			t.Errorf("minute %d of trouble: %v", minute, got)
		}
	}
	f.snapshot.Jobs[0].Runs = runs
	told = 0
	for minute := 66; minute < 80; minute++ {
		told += len(step(minute))
	}
	if told != okInARow {
		t.Errorf("%d signals after the recovery, want %d", told, okInARow)
	}
}

// A store or a broker that is away costs a round, not a finding: what was not
// published is judged again.
func TestFailuresAreRepeated(t *testing.T) {
	f := &fake{snapshot: healthySeed(), marks: []Watermark{mark(StreamJobs, noon)}}
	r := NewRunner(DefaultConfig(), f, f)
	f.refuse = errors.New("broker is away")
	if err := r.Round(t.Context(), noon); !errors.Is(err, f.refuse) {
		t.Fatal("the sink's failure is hidden: ", err)
	}
	f.refuse, f.err = nil, errors.New("store is away")
	if err := r.Round(t.Context(), noon); !errors.Is(err, f.err) {
		t.Fatal("the store's failure is hidden: ", err)
	}
	f.err = nil
	round(t, r, noon)
	if !slices.ContainsFunc(f.take(), func(s schemas.Signal) bool { return s.Detector == "silent_dead_man" }) {
		t.Error("the failed judgement was not repeated")
	}
	if s := r.Stats(); s.Failed < 2 || s.Rounds != 1 || !s.LastJudged.Equal(noon) {
		t.Errorf("%+v", s)
	}
}

// When nothing moves any more only the monitor speaks, and it does so although
// event time stands still.
func TestBlindMonitorSaysSo(t *testing.T) {
	f := &fake{marks: []Watermark{mark(StreamEvents, noon), mark(StreamTelemetry, noon)}}
	r := NewRunner(DefaultConfig(), f, f)
	round(t, r, noon)
	f.marks[0].Newest = noon.Add(time.Minute)
	round(t, r, noon.Add(time.Minute))
	f.take()
	var alarms []string
	for minute := 2; minute < 30; minute++ {
		round(t, r, noon.Add(time.Duration(minute)*time.Minute))
		for _, s := range f.take() {
			if s.State == schemas.StateAlarm {
				alarms = append(alarms, s.Detector+" "+s.Model+" "+s.WindowEnd.Sub(noon).String())
			}
		}
	}
	if len(alarms) == 0 || alarms[0] != "silent_monitor_blind monitor/driftline 17m0s" || len(alarms) != 13 {
		t.Errorf("alarms %q", alarms)
	}
}

// One evaluation a model, all with the window of the step.
func TestEvaluationsAreByModel(t *testing.T) {
	f := &fake{snapshot: healthySeed(), marks: []Watermark{mark(StreamEvents, noon.Add(2*time.Minute)), mark(StreamJobs, noon.Add(2*time.Minute))}}
	round(t, NewRunner(DefaultConfig(), f, f), noon.Add(2*time.Minute))
	seen := map[string]int{}
	for _, ev := range f.told {
		seen[ev.Model]++
		for _, s := range ev.Signals {
			if s.ModelKey() != ev.ModelKey || s.Span() != ev.Span || ev.Span.End.Sub(ev.Span.Start) != time.Minute {
				t.Errorf("signal %+v in an evaluation of %v %v", s, ev.ModelKey, ev.Span)
			}
		}
	}
	// ranking has its events and, at the same time, two jobs.
	if seen["credit"] != 1 || seen["ranking"] != 2 || seen["job/on-demand"] != 1 || seen[MonitorName] != 1 {
		t.Errorf("evaluations by model: %v", seen)
	}
}

func TestOverrides(t *testing.T) {
	s := healthySeed()
	faults[0].inject(s) // job/hourly stops
	alarms := func(c Config) (n int) {
		for _, g := range c.Judge(s, window) {
			if g.State == schemas.StateAlarm {
				n++
			}
		}
		return n
	}
	off := []string{"dead_man"}
	patient := map[string]Params{"dead_man": {"min_silence": 86400}}
	for name, c := range map[string]struct {
		edit func(*Config)
		want int
	}{
		"as it is":             {func(*Config) {}, 1},
		"disabled":             {func(c *Config) { c.Disable = off }, 0},
		"another limit":        {func(c *Config) { c.Params = patient }, 0},
		"disabled for it":      {func(c *Config) { c.Overrides = []Override{{Subject: "job/hourly", Disable: off}} }, 0},
		"all disabled for it":  {func(c *Config) { c.Overrides = []Override{{Subject: "job/*", Disable: []string{"all"}}} }, 0},
		"disabled for another": {func(c *Config) { c.Overrides = []Override{{Subject: "job/often", Disable: off}} }, 1},
		"in another tenant":    {func(c *Config) { c.Overrides = []Override{{Tenant: "acme", Subject: "*", Disable: off}} }, 1},
		"another limit for it": {func(c *Config) { c.Overrides = []Override{{Subject: "job/h*", Params: patient}} }, 0},
		"a model is watched":   {func(c *Config) { c.Watched([]schemas.ModelKey{{Tenant: "default", Model: "credit"}}) }, 1},
		"the last override won": {func(c *Config) {
			c.Params = patient
			c.Overrides = []Override{{Subject: "job/hourly", Params: map[string]Params{"dead_man": {"min_silence": 60}}}}
		}, 1},
	} {
		cfg := DefaultConfig()
		c.edit(&cfg)
		if got := alarms(cfg); got != c.want {
			t.Errorf("%s: %d alarms, want %d", name, got, c.want)
		}
	}
}

func TestConfigReportsEveryMistake(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
	c := DefaultConfig()
	c.Recent, c.Lateness, c.Disable = 7*time.Minute, -1, []string{"hartbeat"}
	c.Params = map[string]Params{"zombie": {"max_aeg": 1, "factor": -1}, "dedman": nil}
	err := c.Validate()
	for _, part := range []string{"recent: ", "lateness: ", `did you mean "heartbeat"`, "params.zombie.max_aeg: ", `did you mean "max_age"`, "params.zombie.factor: ", `did you mean "dead_man"`} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in %v", part, err)
		}
	}
	if err := (Override{Subject: "hourly", Disable: []string{"none"}}).Validate(); err == nil || !strings.Contains(err.Error(), "kind/name") || !strings.Contains(err.Error(), "disable[0]") {
		t.Error(err)
	}
}

// A rule is left out of a model with a reference where a detector of drift sees
// the same, and only there.
func TestTwinsAreLeftOut(t *testing.T) {
	s := healthySeed()
	for i := range s.Models {
		for k := range s.Models[i].Blocks {
			if b := &s.Models[i].Blocks[k]; b.Feature == "income" && !b.Start.Before(s.Clock.from()) {
				b.Min, b.Max = 7, 7
			}
		}
	}
	c := DefaultConfig()
	c.Watched([]schemas.ModelKey{{Tenant: "default", Model: "credit"}})
	var alarms []string
	for _, g := range c.Judge(s, window) {
		if g.State == schemas.StateAlarm {
			alarms = append(alarms, g.Detector+" "+g.Model)
		}
	}
	if !slices.Equal(alarms, []string{"silent_frozen_feature ranking"}) {
		t.Errorf("alarms %q", alarms)
	}
}
