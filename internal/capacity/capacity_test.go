package capacity

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/detectors"
	"github.com/driftline/driftline/schemas"
)

func compute(t *testing.T, in Inputs) *Plan {
	t.Helper()
	p, err := Compute(in)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// anything is an installation that somebody could ask for.
func anything(rng *rand.Rand) Inputs {
	in := Defaults()
	in.Events = math.Exp(rng.Float64()*math.Log(1e5)) * 100 // 100 to 10 M
	in.Peak, in.Headroom = 1+rng.Float64()*3, rng.Float64()*.7
	in.Format = []string{"json", "protobuf"}[rng.IntN(2)]
	in.Numeric, in.Categorical, in.Categories = rng.IntN(200), rng.IntN(50), rng.IntN(1000)
	in.Models, in.Segments = 1+rng.IntN(300), 1+rng.IntN(20)
	in.Cores, in.StoreCores = float64(1+rng.IntN(32)), float64(4+rng.IntN(60))
	in.Flush = Duration(time.Duration(1+rng.IntN(5000)) * time.Millisecond)
	in.Replicas = 1 + rng.IntN(3)
	return in
}

// More events never need less of anything, and less than twice as much serves
// no more than twice as many.
func TestMoreEventsNeedMore(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 1000 {
		in := anything(rng)
		more := in
		more.Events *= 1 + rng.Float64()*3
		a, b := compute(t, in), compute(t, more)
		if b.Ingest.Instances < a.Ingest.Instances || b.Ingest.Partitions < a.Ingest.Partitions || b.Store.Servers < a.Store.Servers ||
			b.Ingest.Cores < a.Ingest.Cores || b.Store.Cores < a.Store.Cores {
			t.Errorf("%.0f events/s need %+v %+v, %.0f need %+v %+v of %+v", in.Events, a.Ingest, a.Store, more.Events, b.Ingest, b.Store, in)
		}
		for i := range a.Storage {
			if b.Storage[i].Bytes < a.Storage[i].Bytes {
				t.Errorf("%.0f events/s keep %v, %.0f keep %v", in.Events, a.Storage[i], more.Events, b.Storage[i])
			}
		}
	}
}

func TestTwiceTheEventsNeedTwiceTheCores(t *testing.T) {
	in := Defaults()
	in.Events = 5e6
	twice := in
	twice.Events *= 2
	a, b := compute(t, in), compute(t, twice)
	for what, ratio := range map[string]float64{
		"cores":      b.Ingest.Cores / a.Ingest.Cores,
		"partitions": float64(b.Ingest.Partitions) / float64(a.Ingest.Partitions),
		"store":      b.Store.Cores / a.Store.Cores,
		"rows":       b.Storage[0].Bytes / a.Storage[0].Bytes,
	} {
		if ratio < 1.9 || ratio > 2.1 {
			t.Errorf("twice the events need %.2f times the %s", ratio, what)
		}
	}
}

func TestSmallerMachinesNeverNeedFewer(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for range 1000 {
		in := anything(rng)
		half := in
		half.Cores, half.StoreCores = in.Cores/2, in.StoreCores/2
		a, b := compute(t, in), compute(t, half)
		if b.Ingest.Instances < a.Ingest.Instances || b.Store.Shards < a.Store.Shards {
			t.Errorf("%v cores need %d instances and %d shards, half as many %d and %d", in.Cores, a.Ingest.Instances, a.Store.Shards, b.Ingest.Instances, b.Store.Shards)
		}
	}
}

// What is chosen can do the work, and fits together.
func TestPlansAreConsistent(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for range 1000 {
		in := anything(rng)
		in.Keyed = rng.IntN(2) == 0
		p := compute(t, in)
		if g := p.Ingest; g.Partitions < g.MinPartitions || float64(g.Instances)*in.Cores < g.Cores || float64(g.Partitions) < g.Cores {
			t.Errorf("%+v", g)
		}
		if s := p.Store; float64(s.Shards)*in.StoreCores < s.Cores || s.SumCores > s.Cores || s.Servers != s.Shards*in.Replicas {
			t.Errorf("%+v", s)
		}
		if g := p.Ingest; g.BatchRows > float64(in.BatchRows)*1.001 || g.BatchInterval > max(in.Flush.seconds(), .09, 2/p.Load.Needed*float64(g.Partitions)) || g.StateRows < 1-1e-9 {
			t.Errorf("batches of %+v", g)
		}
		if told := slices.ContainsFunc(p.Advice, func(a string) bool { return strings.Contains(a, "forgets a block") }); told == p.Window.Enough {
			t.Errorf("%+v, and the advice is %q", p.Window, p.Advice)
		}
	}
}

// What the advice on the window says, works: the interval that it names is
// enough, and so are the partitions.
func TestAdviceOnTheWindowHelps(t *testing.T) {
	in := Defaults()
	in.Events, in.Partitions, in.Flush = 200e3, 256, Duration(100*time.Millisecond)
	p := compute(t, in)
	if p.Window.Enough {
		t.Fatalf("%+v is enough already", p.Window)
	}
	longer := in
	longer.Flush = Duration(p.Window.MinInterval * 1.001 * float64(time.Second))
	if w := compute(t, longer).Window; !w.Enough {
		t.Errorf("with batches of %s the window is %+v", longer.Flush, w)
	}
	fewer := in
	fewer.Partitions = p.Window.MaxPartitions // of one shard
	if w := compute(t, fewer).Window; !w.Enough {
		t.Errorf("with %d partitions the window is %+v", fewer.Partitions, w)
	}
}

// The window is what docs/delivery.md says: 64 partitions, a block a second and
// rows of two days in each remember for 13 minutes.
func TestWindowAsInTheManualOfDelivery(t *testing.T) {
	in := Defaults()
	in.Events, in.Partitions = 100e3, 64
	if w := compute(t, in).Window; math.Round(w.Seconds/60) != 13 {
		t.Errorf("%+v", w)
	}
}

// Costs agree with what they were taken from: 20 numeric and 5 categorical
// features at 12 series took 3.0 and 4.1 µs, 100 and 5 took 8.9 and 12.9.
func TestCostsAgreeWithMeasurements(t *testing.T) {
	for _, tc := range []struct {
		format               string
		numeric, categorical int
		own, insert, merge   float64
		raw                  float64
	}{
		{"protobuf", 20, 5, 3.02, .94, 1.49, 83.8},
		{"protobuf", 2, 5, 1.46, .49, .92, 20.1},
		{"protobuf", 100, 5, 8.94, 2.71, 5.15, 367.2},
		{"protobuf", 20, 30, 4.78, 1.22, 1.94, 103},
		{"json", 20, 5, 4.09, .94, 1.49, 83.8},
		{"json", 2, 5, 2.43, .49, .92, 20.1},
		{"json", 100, 5, 12.86, 2.71, 5.15, 367.2},
		{"json", 20, 30, 6.13, 1.22, 1.94, 103},
	} {
		in := Inputs{Format: tc.format, Numeric: tc.numeric, Categorical: tc.categorical}
		for what, v := range map[string][2]float64{
			"own":    {ownCost[tc.format].of(&in) + in.sketched()*ownValue.at(4200), tc.own},
			"insert": {insertRow.of(&in), tc.insert}, "merge": {mergeRow.of(&in), tc.merge}, "bytes": {rawBytes.of(&in), tc.raw},
		} {
			if off := v[0]/v[1] - 1; math.Abs(off) > .15 {
				t.Errorf("%s of %d and %d features in %s: the model says %.2f, measured %.2f", what, tc.numeric, tc.categorical, tc.format, v[0], v[1])
			}
		}
	}
}

func TestDetectorsAreCounted(t *testing.T) {
	n := map[schemas.FeatureKind]int{}
	for _, d := range detectors.All() {
		if !d.Default {
			continue
		}
		for _, k := range d.Kinds {
			n[k]++
		}
	}
	if n[schemas.Numeric] != numericDetectors || n[schemas.Categorical] != categoricalDetectors {
		t.Errorf("%v detectors, the model has %d and %d", n, numericDetectors, categoricalDetectors)
	}
}

func TestEventBytesChooseFeatures(t *testing.T) {
	for _, format := range []string{"json", "protobuf"} {
		for _, n := range []int{0, 3, 40} {
			in := Defaults()
			in.Format, in.Numeric = format, n
			size := int(recordBytes[format].of(&in) + .5)
			in.Numeric = -1
			if in.SetEventBytes(size); in.Numeric != n {
				t.Errorf("%d bytes of %s give %d features, want %d", size, format, in.Numeric, n)
			}
		}
	}
}

func TestMistakesAreNamed(t *testing.T) {
	for want, edit := range map[string]func(*Inputs){
		"events per second are 0":       func(in *Inputs) { in.Events = 0 },
		"the peak factor is 0.5":        func(in *Inputs) { in.Peak = .5 },
		`unsupported format "xml"`:      func(in *Inputs) { in.Format = "xml" },
		"headroom is 1":                 func(in *Inputs) { in.Headroom = 1 },
		"replicas are 0":                func(in *Inputs) { in.Replicas = 0 },
		"must not be negative":          func(in *Inputs) { in.Numeric = -1 },
		"versions and segments are 0":   func(in *Inputs) { in.Models = 0 },
		"cores are 0":                   func(in *Inputs) { in.Cores = 0 },
		"outage and catch-up are 1h":    func(in *Inputs) { in.CatchUp = 0 },
		"flush interval, batch rows":    func(in *Inputs) { in.Flush = 0 },
		"the window must be more":       func(in *Inputs) { in.Window = 0 },
		"partitions are -1":             func(in *Inputs) { in.Partitions = -1 },
		"events per second are NaN":     func(in *Inputs) { in.Events = math.NaN() },
		"events per second are +Inf":    func(in *Inputs) { in.Events = math.Inf(1) },
		"headroom is NaN; give a share": func(in *Inputs) { in.Headroom = math.NaN() },
	} {
		in := Defaults()
		edit(&in)
		if strings.HasPrefix(want, "versions") {
			want = "models, versions and segments are 0"
		}
		if _, err := Compute(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// Programs read the JSON: a key that is gone or renamed breaks them.
func TestJSONKeysAreStable(t *testing.T) {
	text, err := json.Marshal(compute(t, Defaults()))
	if err != nil {
		t.Fatal(err)
	}
	var plan map[string]json.RawMessage
	if err := json.Unmarshal(text, &plan); err != nil {
		t.Fatal(err)
	}
	for section, keys := range map[string]string{
		"load":          "average_events_per_second bytes_per_second catch_up_events_per_second needed_events_per_second peak_events_per_second record_bytes series",
		"ingest":        "batch_interval_seconds batch_rows batches_per_second cores counts_per_second events_per_state instances microseconds_per_event min_partitions partitions states_per_second",
		"store":         "cores insert_cores merge_cores merge_levels microseconds_per_event servers shards sum_cores",
		"deduplication": "blocks_per_second_per_shard enough max_partitions_per_shard min_batch_interval_seconds needed_seconds remembered_blocks seconds",
		"inputs":        "batch_bytes batch_rows catch_up categorical_features categories cores_per_instance cores_per_server days_per_batch detect_window events_per_second flush_interval format headroom keyed models numeric_features outage partitions peak_factor replay_within replicas retention_findings retention_raw retention_summaries segments versions",
	} {
		var fields map[string]any
		if err := json.Unmarshal(plan[section], &fields); err != nil {
			t.Fatal(err)
		}
		var names []string
		for k := range fields {
			names = append(names, k)
		}
		slices.Sort(names)
		if got := strings.Join(names, " "); got != keys {
			t.Errorf("%s has\n%s\nwant\n%s", section, got, keys)
		}
	}
}

func TestAmounts(t *testing.T) {
	for x, want := range map[float64]string{0: "0", 1: "1", 1.5: "1.50", 12.34: "12.3", 999.4: "999", 999.6: "1.00 k", 1e6: "1 M", 2.5e6: "2.50 M", 7.24e12: "7.24 T"} {
		if got := amount(x); got != want {
			t.Errorf("%v is written %q, want %q", x, got, want)
		}
	}
}
