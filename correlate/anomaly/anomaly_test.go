package anomaly

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/driftline/driftline/correlate/metric"
	"github.com/driftline/driftline/schemas"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func minute(m int) time.Time { return noon.Add(time.Duration(m) * time.Minute) }

var (
	latency = metric.Builtin().Lookup("request_latency_seconds")
	celsius = metric.Builtin().Lookup("gpu_temperature_celsius")
)

// series of n minutes.
func series(n int, value func(m int) float64) *Series {
	s := &Series{Entity: "gpu/n/0", Metric: "gpu_temperature_celsius"}
	for m := range n {
		s.Add(minute(m), value(m))
	}
	return s
}

// window with its onset at a minute.
func window(m int) Window { return Window{Onset: minute(m), Until: minute(m + 60)} }

func look(s *Series, m *metric.Metric, gate *Series, w Window) Finding {
	return new(Judge).Look(s, m, gate, w)
}

func TestMedian(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		v := make([]float64, 1+rng.IntN(60))
		for i := range v {
			v[i] = float64(rng.IntN(20))
		}
		sorted := slices.Sorted(slices.Values(v))
		n := len(v)
		want := (sorted[(n-1)/2] + sorted[n/2]) / 2
		if got := median(v); got != want {
			t.Fatalf("median of %v is %g, want %g", sorted, got, want)
		}
	}
	if !math.IsNaN(median(nil)) {
		t.Error("nothing has a median")
	}
}

func TestDeviationOfNormalValues(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	v := make([]float64, 100_000)
	for i := range v {
		v[i] = 7 + 3*rng.NormFloat64()
	}
	if got := deviation(v, 7); math.Abs(got-3) > 0.05 {
		t.Errorf("deviation %g, want 3", got)
	}
}

func TestRates(t *testing.T) {
	s := &Series{T: []int64{0, 10_000, 20_000, 40_000, 50_000}, V: []float64{100, 150, 150, 30, 40}}
	if got, want := Rates(s).V, []float64{5, 0, 1.5, 1}; !slices.Equal(got, want) {
		t.Errorf("rates %v, want %v: a reset begins anew at 0", got, want)
	}
	sum := &Series{T: []int64{0, 10_000, 20_000, 30_000}, V: []float64{0, 4, 4, 10}}
	count := &Series{T: []int64{0, 10_000, 20_000, 30_000}, V: []float64{0, 2, 2, 5}}
	if got := Mean("x", sum, count); !slices.Equal(got.V, []float64{2, 2}) || !slices.Equal(got.T, []int64{10_000, 30_000}) {
		t.Errorf("means %v at %v: without growth there is none", got.V, got.T)
	}
}

// Neither order nor duplicates change a series, and what is no number is no
// sample.
func TestSort(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 3))
	want := series(100, func(m int) float64 { return float64(m * m % 17) })
	got := &Series{Entity: want.Entity, Metric: want.Metric, T: slices.Clone(want.T), V: slices.Clone(want.V)}
	got.T, got.V = append(got.T, want.T[:30]...), append(got.V, want.V[:30]...)
	got.Add(minute(200), math.NaN())
	got.Add(minute(3), math.Inf(1))
	got.Add(minute(5), -1)
	rng.Shuffle(got.Len(), func(i, k int) { (*byTime)(got).Swap(i, k) })
	got.Sort()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// CUSUM is silent on what is usual, finds a shift of a deviation in about 15
// values, and its onset is where the shift began.
func TestCUSUM(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 4))
	false_, n := 0, 200_000
	c := DefaultCUSUM()
	for range n {
		if c.Step(rng.NormFloat64()) != 0 {
			false_++
			c = DefaultCUSUM()
		}
	}
	if false_ < 8 || false_ > 50 {
		t.Errorf("%d false alarms in %d values", false_, n)
	}
	for _, way := range []int{1, -1} {
		var delays, errs []float64
		for range 200 {
			c := DefaultCUSUM()
			for i := range 1000 {
				z := rng.NormFloat64()
				if i >= 100 {
					z += float64(way)
				}
				d := c.Step(z)
				if d != 0 && i < 100 { // a false alarm
					break
				}
				if d != 0 {
					if d != way {
						t.Fatalf("shift %d is seen as %d", way, d)
					}
					delays, errs = append(delays, float64(i-100)), append(errs, float64(c.Onset(d)-100))
					break
				}
			}
		}
		if d, e := median(delays), median(errs); d < 5 || d > 25 || math.Abs(e) > 8 {
			t.Errorf("found after %g values, its beginning off by %g", d, e)
		}
	}
}

// A shift is found, with its size, its onset and its direction.
func TestShiftIsFound(t *testing.T) {
	s := series(120, func(m int) float64 {
		v := 60 + float64(m%3)
		if m >= 90 {
			v += 20
		}
		return v
	})
	f := look(s, &celsius, nil, window(92))
	if f.Unseen != "" || math.Abs(f.Before-61) > 0.5 || f.After != 81 || f.Z < 5 || f.Change < 5 || !f.Onset.Equal(minute(90)) {
		t.Errorf("%+v", f)
	}
	cold := look(series(120, func(m int) float64 { return 60 - float64(20*(m/90)) }), &celsius, nil, window(92))
	if cold.Z != 0 || cold.Change >= 0 {
		t.Errorf("colder is no harm: %+v", cold)
	}
}

// The unit does not matter where the registry knows it: everything times a
// factor gives the same deviations.
func TestUnitDoesNotMatter(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 5))
	for range 50 {
		seed := rng.Uint64()
		draw := func(factor float64) *Series {
			d := rand.New(rand.NewPCG(seed, 1))
			return series(150, func(m int) float64 { return factor * (0.2 + 0.01*d.NormFloat64() + 0.1*float64(m/120)) })
		}
		milli := metric.Metric{Name: "latency_ms", Kind: metric.Latency, Worse: metric.Up}
		a, b := look(draw(1), &latency, nil, window(121)), look(draw(1000), &milli, nil, window(121))
		if math.Abs(a.Z-b.Z) > 1e-6*a.Z || !a.Onset.Equal(b.Onset) {
			t.Fatalf("in seconds %+v, in milliseconds %+v", a, b)
		}
	}
}

// Where two fifths of what should be usual are trouble already, the level of
// the past still holds.
func TestContaminatedPast(t *testing.T) {
	s := series(120, func(m int) float64 { return 60 + float64(m%2) + 20*float64(m/65) })
	if f := look(s, &celsius, nil, window(105)); f.Before > 62 || f.Z < 2 {
		t.Errorf("%+v", f)
	}
}

// A single leap among many samples proves nothing; two in a row do.
func TestLeap(t *testing.T) {
	leap := func(n int) Finding {
		return look(series(150, func(m int) float64 { return 60 + float64(m%2) + 50*step(m >= 100 && m < 100+n) }), &celsius, nil, window(95))
	}
	if one, two := leap(1), leap(2); one.Z > 1 || two.Z < 10 {
		t.Errorf("one leap gives %g deviations, two give %g", one.Z, two.Z)
	}
}

func step(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

func TestSeasonIsTakenOut(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 6))
	s := &Series{}
	for m := 0; m < 3*24*60; m += 10 {
		hour := float64(m) / 60
		s.Add(minute(m), 100+40*math.Sin(hour*2*math.Pi/24)+rng.NormFloat64())
	}
	requests := metric.Metric{Name: "x", Kind: metric.Gauge, Worse: metric.Up, MinEffect: 0.5}
	if f := look(s, &requests, nil, window(3*24*60-60)); f.Z > 5 {
		t.Errorf("the time of day alarms: %+v", f)
	}
}

func TestWhatSaysNothing(t *testing.T) {
	flat := func(from, until int) *Series {
		s := &Series{}
		for m := from; m < until; m++ {
			s.Add(minute(m), 20)
		}
		return s
	}
	none := &Series{Metric: "request_rate"}
	zero := flat(0, 120)
	for i := range zero.V {
		zero.V[i] = 0
	}
	for _, c := range []struct {
		s, gate *Series
		want    string
	}{
		{&Series{}, nil, "no sample"},
		{flat(0, 80), nil, "no sample since the onset"},
		{flat(100, 120), nil, "no sample before the onset"},
		{flat(0, 120), zero, "no requests"},
		{flat(0, 120), none, "no requests"},
		{flat(0, 120), flat(0, 120), ""},
		{flat(0, 120), nil, ""},
	} {
		if f := look(c.s, &latency, c.gate, window(100)); f.Unseen != c.want {
			t.Errorf("%q, want %q", f.Unseen, c.want)
		}
	}
}

// Nothing that a series may hold makes a finding that is not finite.
func TestFindingsAreFinite(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 7))
	kinds := []string{"gpu_temperature_celsius", "availability", "request_latency_seconds", "kafka_consumergroup_lag", "gpu_sm_clock_hertz", "whatever"}
	for range 3000 {
		m := metric.Builtin().Lookup(kinds[rng.IntN(len(kinds))])
		draw := func() *Series {
			s := &Series{Metric: m.Name}
			for range rng.IntN(200) {
				s.Add(noon.Add(time.Duration(rng.IntN(7200))*time.Second), math.Exp(20*rng.NormFloat64())*float64(rng.IntN(3)-1))
			}
			s.Sort()
			return s
		}
		gate := draw()
		if rng.IntN(2) == 0 {
			gate = nil
		}
		s := draw()
		f := look(s, &m, gate, window(rng.IntN(120)))
		if f.Unseen != "" {
			continue
		}
		for _, v := range []float64{f.Before, f.After, f.Scale, f.Z, f.Change} {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				t.Fatalf("%+v", f)
			}
		}
		if f.Scale <= 0 || f.Z < 0 {
			t.Fatalf("%+v", f)
		}
	}
}

func TestOnsetOf(t *testing.T) {
	s := series(240, func(m int) float64 { return 0.02 + 0.001*float64(m%3) + 0.05*step(m == 170) + 0.03*step(m >= 200) })
	if got := new(Judge).OnsetOf(s, &latency, nil, minute(215), time.Hour); !got.Equal(minute(200)) {
		t.Errorf("began at %s, want %s", got, minute(200))
	}
	calm := series(240, func(m int) float64 { return 0.02 + 0.001*float64(m%3) })
	if got := new(Judge).OnsetOf(calm, &latency, nil, minute(215), time.Hour); !got.Equal(minute(215)) {
		t.Errorf("what does not show began at %s", got)
	}
}

// The newest XID stays in the gauge: only a change of it is an event.
func TestXIDs(t *testing.T) {
	s := series(60, func(m int) float64 { return 31 + 48*step(m >= 40) })
	s.Metric = "gpu_xid_last"
	events := Typed(s, minute(0), minute(60))
	if len(events) != 1 || events[0].Name != "xid_79" || events[0].Mechanism != metric.GPULost || !events[0].Time.Equal(minute(40)) || events[0].Action == "" {
		t.Errorf("%+v", events)
	}
	counted := &Series{Entity: "gpu/u", Metric: "gpu_xid_errors", Label: "94"}
	counted.Add(minute(0), 0)
	counted.Add(minute(1), 2)
	counted.Add(minute(2), 1)
	if events := Typed(counted, minute(0), minute(60)); len(events) != 1 || events[0].Name != "xid_94" {
		t.Errorf("%+v", events)
	}
	reasons := &Series{Entity: "gpu/u", Metric: "gpu_clock_event_reasons"}
	for m, v := range []float64{1, 1 | 64, 64, 64 | 4, 0} {
		reasons.Add(minute(m), v)
	}
	if events := Typed(reasons, minute(0), minute(60)); len(events) != 2 || events[0].Name != "thermal_throttle" || events[1].Name != "power_throttle" {
		t.Errorf("%+v", events)
	}
	for code, x := range XIDs {
		if x.Code != code || x.Meaning == "" || x.Action == "" || x.Weight <= 0 || x.Mechanism == "" {
			t.Errorf("%+v", x)
		}
	}
}

func TestOfChange(t *testing.T) {
	for kind, want := range map[schemas.ChangeKind]metric.Mechanism{
		schemas.ChangeDeploy: metric.Deploy, schemas.ChangeConfig: metric.ConfigChange, schemas.ChangeDriver: metric.DriverChange,
		schemas.ChangeData: metric.DataChange, schemas.ChangeRetrain: metric.Retrained, "flag": metric.ConfigChange,
	} {
		e := OfChange(&schemas.Change{Kind: kind, Entity: "deployment/d", From: "1", To: "2", Time: noon})
		if e.Mechanism != want || !e.IsChange || e.Text == "" || e.Weight <= 0 {
			t.Errorf("%+v", e)
		}
	}
	if _, is := OfJob(&schemas.JobEvent{State: schemas.JobSucceeded}); is {
		t.Error("success is no event")
	}
	if e, is := OfJob(&schemas.JobEvent{Job: "j", RunID: "1", State: schemas.JobFailed}); !is || e.Entity != "job/j" {
		t.Errorf("%+v", e)
	}
}

// Users' units: 5,000 series of an hour at ten seconds, judged by one core.
func BenchmarkJudge(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 8))
	const n = 5000
	var all []*Series
	for k := range n {
		s := &Series{Entity: "gpu/u", Metric: "gpu_temperature_celsius", Label: fmt.Sprint(k)}
		for i := range 360 {
			s.Add(noon.Add(time.Duration(i)*10*time.Second), 60+3*rng.NormFloat64())
		}
		all = append(all, s)
	}
	w := Window{Onset: noon.Add(50 * time.Minute), Until: noon.Add(time.Hour)}
	var j Judge
	b.ReportAllocs()
	before := processor(b)
	for b.Loop() {
		for _, s := range all {
			j.Look(s, &celsius, nil, w)
		}
	}
	b.ReportMetric(float64((processor(b)-before).Milliseconds())/float64(b.N), "cpu-ms/5000_series_of_360")
}

// processor time of the process so far: what a core takes, however many others
// want it.
func processor(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
