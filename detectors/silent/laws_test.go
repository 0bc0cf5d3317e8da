package silent

import (
	"encoding/json"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/schemas"
)

var window = schemas.Span{Start: ago(time.Minute), End: noon}

// judged are the signals of a snapshot by the default configuration.
func judged(s *Snapshot) []schemas.Signal {
	c := DefaultConfig()
	return c.Judge(s, window)
}

func asText(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Nothing known is no_data of every rule: never ok, never a score of zero that
// looks like an answer.
func TestNothingKnownIsNoData(t *testing.T) {
	empty := &Snapshot{
		Tenant: "default", Clock: Clock{Now: noon, Wall: noon, Recent: 15 * time.Minute},
		Jobs: []Job{{Name: "j"}}, Models: []Model{{Name: "m"}}, Feeds: []Feed{{Name: "f"}}, Consumers: []Consumer{{Group: "g"}}, Monitor: &Monitor{},
	}
	seen := map[string]bool{}
	for _, s := range judged(empty) {
		seen[strings.TrimPrefix(s.Detector, schemas.SilentPrefix)] = true
		if s.State != schemas.StateNoData || s.Score != 0 || s.PValue != 1 {
			t.Errorf("%s: %s, score %g: %s", s.Detector, s.State, s.Score, s.Reason)
		}
	}
	for _, name := range Names() {
		if !seen[name] {
			t.Errorf("rule %s says nothing of a subject without data", name)
		}
	}
}

// A healthy random fleet, looked at at many random times, does not alarm, and
// every rule has something to say of it.
func TestHealthyFleetIsQuiet(t *testing.T) {
	const fleets = 300
	rng := rand.New(rand.NewPCG(7, 1))
	alarms, states := map[string]int{}, map[string]map[schemas.State]int{}
	signals := 0
	for range fleets {
		for _, s := range judged(healthyFleet(rng)) {
			signals++
			if states[s.Detector] == nil {
				states[s.Detector] = map[schemas.State]int{}
			}
			states[s.Detector][s.State]++
			if s.State == schemas.StateAlarm {
				if alarms[s.Detector]++; alarms[s.Detector] < 4 {
					t.Errorf("%s %s: %s", s.Detector, s.Feature, s.Reason)
				}
			}
		}
	}
	t.Logf("%d fleets, %d signals, alarms %v", fleets, signals, alarms)
	for _, name := range Names() {
		if n := states[schemas.SilentPrefix+name][schemas.StateOK]; n < fleets {
			t.Errorf("rule %s was ok %d times in %d fleets: %v", name, n, fleets, states[schemas.SilentPrefix+name])
		}
	}
}

// Runs, bins and series may come in any order, and twice the same is the same;
// what is judged is not changed.
func TestOrderDoesNotMatter(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 2))
	for range 20 {
		s := healthyFleet(rng)
		before := asText(t, s)
		first := asText(t, judged(s))
		if again := asText(t, judged(s)); again != first {
			t.Fatalf("judged twice: %s\n%s", first, again)
		}
		if asText(t, s) != before {
			t.Fatal("judging changed the snapshot")
		}
		for range 5 {
			if other := asText(t, judged(shuffled(rng, s))); other != first {
				t.Fatalf("another order gives another answer:\n%s\n%s", first, other)
			}
		}
	}
}

// Signals are well formed whatever the numbers are: finite, p-values in [0,1],
// a sentence, and alarms at or above their threshold.
func TestSignalsAreWellFormed(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 3))
	for range 100 {
		s := healthyFleet(rng)
		spoil(rng, s)
		for _, g := range judged(s) {
			switch {
			case math.IsNaN(g.Score) || math.IsInf(g.Score, 0) || math.IsNaN(g.Threshold) || !(g.PValue >= 0 && g.PValue <= 1):
				t.Errorf("%s: score %g, threshold %g, p %g", g.Detector, g.Score, g.Threshold, g.PValue)
			case g.State == schemas.StateAlarm && g.Score < g.Threshold:
				t.Errorf("%s alarms at %g below %g", g.Detector, g.Score, g.Threshold)
			case (g.State == schemas.StateNoData || g.State == schemas.StateInsufficient) && g.Score != 0:
				t.Errorf("%s: %s with a score of %g", g.Detector, g.State, g.Score)
			case g.Reason == "" || strings.Contains(g.Reason, "%!") || strings.Contains(g.Reason, "NaN") || g.Model == "" || g.Unit == "":
				t.Errorf("%s: model %q, unit %q, %q", g.Detector, g.Model, g.Unit, g.Reason)
			}
		}
	}
}

// spoil puts zeros, huge and negative numbers and strange times anywhere.
func spoil(rng *rand.Rand, s *Snapshot) {
	odd := func() float64 { return []float64{0, -1, 1, 1e300, -1e300, 1e-300}[rng.IntN(6)] }
	when := func() time.Time {
		return []time.Time{{}, noon, noon.Add(time.Hour), ago(1000 * time.Hour), time.Unix(0, 0)}[rng.IntN(5)]
	}
	count := func() uint64 { return []uint64{0, 1, 100, 1 << 40}[rng.IntN(4)] }
	for i := range s.Jobs {
		for k := range s.Jobs[i].Runs {
			if r := &s.Jobs[i].Runs[k]; rng.IntN(3) == 0 {
				r.Started, r.Last, r.Ended, r.ItemsIn, r.ItemsOut, r.HasStart = when(), when(), when(), count(), count(), rng.IntN(2) == 0
				r.Beats, r.Gap, r.MaxGap = count(), time.Duration(rng.IntN(1e9)), 0
			}
		}
	}
	for i := range s.Models {
		m := &s.Models[i]
		for k := range m.Blocks {
			if b := &m.Blocks[k]; rng.IntN(3) == 0 {
				b.Rows, b.Present, b.Min, b.Max, b.Mean = count(), count(), odd(), odd(), odd()
			}
		}
		for k := range m.Counts {
			m.Counts[k].Rows = count()
		}
		m.Joins = [2]Join{{count(), 0}, {count(), 0}}
		m.IDs = RequestIDs{count(), count()}
		for k := range m.GPUs {
			m.GPUs[k] = GPUStats{m.GPUs[k].GPU, Moments{count(), odd(), 0}, Moments{count(), odd(), 0}}
		}
		for k := range m.Classes {
			m.Classes[k].Before, m.Classes[k].Recent = count(), count()
		}
		for k := range m.Replicas {
			m.Replicas[k].First, m.Replicas[k].Rows = when(), count()
		}
	}
	for i := range s.Feeds[0].Series {
		s.Feeds[0].Series[i].Last = when()
	}
	for i := range s.Monitor.Streams {
		s.Monitor.Streams[i].Newest, s.Monitor.Streams[i].Advanced = when(), when()
	}
}

// Every rule has a manual: what it sees, when to use it, what it is blind to,
// where it comes from, and parameters whose defaults are allowed.
func TestEveryRuleHasAManual(t *testing.T) {
	names := map[string]bool{}
	for _, r := range All() {
		if names[r.Name] {
			t.Errorf("rule %s is registered twice", r.Name)
		}
		names[r.Name] = true
		if r.Title == "" || r.Doc == "" || r.Use == "" || r.Blind == "" || r.Source == "" || r.Unit == "" || len(r.Needs) == 0 || len(r.Params) == 0 {
			t.Errorf("the manual of %s has gaps", r.Name)
		}
		for _, p := range r.Params {
			if p.Doc == "" || p.Unit == "" || !(p.Default >= p.Min && p.Default <= p.Max) {
				t.Errorf("%s.%s: %+v", r.Name, p.Name, p)
			}
			if err := r.check(p.Name, p.Max+1); err == nil {
				t.Errorf("%s.%s takes more than its maximum", r.Name, p.Name)
			}
		}
		n := 0
		for _, set := range []bool{r.Job != nil, r.Model != nil, r.Feed != nil, r.Consumer != nil, r.Monitor != nil} {
			if set {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s has %d functions", r.Name, n)
		}
	}
	if !slices.Contains(slices.Collect(maps.Keys(names)), "monitor_blind") {
		t.Error("who watches the watchman?")
	}
}
