package sequential

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/driftline/driftline/internal/testkit"
)

// Laws that hold for every registered method.

func each(t *testing.T, law func(t *testing.T, e Entry)) {
	for _, e := range All() {
		t.Run(e.Name, func(t *testing.T) { law(t, e) })
	}
}

// eachVariant runs a law also with parameters that take other paths.
func eachVariant(t *testing.T, law func(t *testing.T, e Entry, set Params)) {
	each(t, func(t *testing.T, e Entry) { law(t, e, nil) })
	for _, v := range []struct {
		name string
		set  Params
	}{
		{"adwin", Params{"clock": 1, "reset": 0}},
		{"adwin", Params{"max_buckets": 2, "min_window_length": 1, "grace_period": 1, "clock": 3}},
		{"hddm_a", Params{"two_sided": 1}},
		{"hddm_w", Params{"two_sided": 1}},
		{"page_hinkley", Params{"two_sided": 1, "threshold": 10}},
		{"cusum", Params{"two_sided": 0}},
		{"ewma", Params{"two_sided": 0}},
		{"stepd", Params{"two_sided": 0, "window": 7}},
		{"kswin", Params{"window_size": 400, "stat_size": 20}}, // draws from a set
	} {
		e, err := Lookup(v.name)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(fmt.Sprint(v.name, v.set), func(t *testing.T) { law(t, e, v.set) })
	}
}

// jump is a stream of n values of the domain whose mean moves at the given
// place: an error rate from 0.1 to 0.6, or a normal variable by two deviations.
func jump(domain Domain, seed uint64, n, at int) []float64 {
	rng := rand.New(rand.NewPCG(seed, 5))
	out := make([]float64, n)
	for i := range out {
		late := i >= at
		switch rate := 0.1; {
		case domain == Real:
			if out[i] = 10 + rng.NormFloat64(); late {
				out[i] += 2
			}
		case late:
			rate = 0.6
			fallthrough
		default:
			if rng.Float64() < rate {
				out[i] = 1
			}
			if domain == Unit { // the mean stays, nearly
				out[i] = 0.02 + 0.96*out[i]
			}
		}
	}
	return out
}

func statuses(d *Detector, values []float64) []Status {
	out := make([]Status, len(values))
	for i, v := range values {
		out[i] = d.Step(v)
	}
	return out
}

func TestLawConstantStreamNeverDrifts(t *testing.T) {
	eachVariant(t, func(t *testing.T, e Entry, set Params) {
		if e.Name == "periodic" {
			return
		}
		for _, v := range []float64{0, 1, 0.3, 1.0 / 3, 0.1, -7.1, 1e6 + 0.1, -1e15, 1e100} {
			if !e.Domain.Holds(v) {
				continue
			}
			d := mustNew(t, e.Name, set)
			for i := range 5000 {
				if s := d.Step(v); s != None {
					t.Fatalf("%v: %v at %d", v, s, i)
				}
			}
		}
	})
}

func TestLawAbruptChangeIsFound(t *testing.T) {
	each(t, func(t *testing.T, e Entry) {
		const at, within = 2000, 400
		for seed := range uint64(5) {
			drifts := positions(mustNew(t, e.Name, nil), jump(e.Domain, seed, at+within, at))
			if !slices.ContainsFunc(drifts, func(i int) bool { return i >= at }) {
				t.Errorf("seed %d: alarms at %v, none within %d values of the change", seed, drifts, within)
			}
		}
	})
}

func TestLawFallIsFoundByTwoSided(t *testing.T) {
	each(t, func(t *testing.T, e Entry) {
		if !slices.Contains(e.paramNames(), "two_sided") {
			return
		}
		const at = 1000
		values := jump(e.Domain, 1, 2*at, at)
		slices.Reverse(values)
		set := Params{"two_sided": 1}
		if e.Name == "page_hinkley" {
			set["threshold"] = 20
		}
		if e.Name == "cusum" { // its start must know the deviation
			set["min_instances"], set["threshold"] = 200, 10
		}
		found := positions(mustNew(t, e.Name, set), values)
		if !slices.ContainsFunc(found, func(i int) bool { return i >= at && i < at+400 }) {
			t.Errorf("two-sided: alarms at %v, none within 400 values of %d", found, at)
		}
	})
}

// Interrupted anywhere, and restored, a stream goes on to the same end.
func TestLawSnapshotsGoOnBitForBit(t *testing.T) {
	eachVariant(t, func(t *testing.T, e Entry, set Params) {
		values := jump(e.Domain, 3, 3000, 1500)
		whole := mustNew(t, e.Name, set)
		want := statuses(whole, values)
		end, err := whole.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(9, 9))
		for range 40 {
			at := rng.IntN(len(values) + 1)
			first := mustNew(t, e.Name, set)
			statuses(first, values[:at])
			snapshot, err := first.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			second, err := Restore(snapshot)
			if err != nil {
				t.Fatalf("at %d: %v", at, err)
			}
			again, _ := second.MarshalBinary()
			if !slices.Equal(again, snapshot) {
				t.Fatalf("at %d: a restored snapshot is another one", at)
			}
			if got := statuses(second, values[at:]); !slices.Equal(got, want[at:]) {
				t.Errorf("restored at %d it differs", at)
			}
			if last, _ := second.MarshalBinary(); !slices.Equal(last, end) {
				t.Errorf("restored at %d it ends in another state", at)
			}
		}
	})
}

func TestLawTwoRunsAgree(t *testing.T) {
	eachVariant(t, func(t *testing.T, e Entry, set Params) {
		values := jump(e.Domain, 4, 4000, 2000)
		if !slices.Equal(statuses(mustNew(t, e.Name, set), values), statuses(mustNew(t, e.Name, set), values)) {
			t.Error("two runs differ")
		}
	})
}

func TestLawResetIsNew(t *testing.T) {
	eachVariant(t, func(t *testing.T, e Entry, set Params) {
		values := jump(e.Domain, 5, 4000, 2000)
		used, fresh := mustNew(t, e.Name, set), mustNew(t, e.Name, set)
		blank, _ := fresh.MarshalBinary()
		statuses(used, values[:2345])
		used.Step(math.NaN())
		used.Reset()
		if got, _ := used.MarshalBinary(); !slices.Equal(got, blank) {
			t.Error("the state after Reset is not that of New")
		}
		if !slices.Equal(statuses(used, values), statuses(fresh, values)) {
			t.Error("after Reset it differs from New")
		}
	})
}

// After an alarm the rest of the stream is judged as if it were the whole.
func TestLawAlarmBeginsAnew(t *testing.T) {
	eachVariant(t, func(t *testing.T, e Entry, set Params) {
		if reset, ok := set["reset"]; ok && reset == 0 {
			return // it keeps the newest part of its window
		}
		values := jump(e.Domain, 6, 4000, 2000)
		all := statuses(mustNew(t, e.Name, set), values)
		at := slices.Index(all, Drift)
		if at < 0 {
			t.Fatal("no alarm")
		}
		if !slices.Equal(statuses(mustNew(t, e.Name, set), values[at+1:]), all[at+1:]) {
			t.Errorf("after the alarm at %d it remembers values before", at)
		}
	})
}

func TestLawForeignValuesAreRefusedAndCounted(t *testing.T) {
	eachVariant(t, func(t *testing.T, e Entry, set Params) {
		values := jump(e.Domain, 7, 3000, 1500)
		clean, dirty := mustNew(t, e.Name, set), mustNew(t, e.Name, set)
		want := statuses(clean, values)
		foreign := []float64{math.NaN(), math.Inf(1), math.Inf(-1), 2e100}
		if e.Domain != Real {
			foreign = append(foreign, -0.1, 1.1)
		}
		if e.Domain == Bits {
			foreign = append(foreign, 0.5)
		}
		for i, v := range values {
			if s := dirty.Step(foreign[i%len(foreign)]); s != None {
				t.Fatalf("%v: %v", foreign[i%len(foreign)], s)
			}
			if got := dirty.Step(v); got != want[i] {
				t.Fatalf("value %d: %v, without the foreign ones %v", i, got, want[i])
			}
		}
		if n := uint64(len(values)); dirty.Refused() != n || dirty.Steps() != n || clean.Refused() != 0 {
			t.Errorf("%d refused and %d taken of %d each", dirty.Refused(), dirty.Steps(), n)
		}
	})
}

func TestLawStepsDoNotAllocate(t *testing.T) {
	eachVariant(t, func(t *testing.T, e Entry, set Params) {
		values := jump(e.Domain, 8, 4000, 2000)
		d := mustNew(t, e.Name, set)
		statuses(d, values) // grows what must grow
		i := 0
		if n := testing.AllocsPerRun(20000, func() { d.Step(values[i%len(values)]); i++ }); n != 0 {
			t.Errorf("%v allocations a value", n)
		}
	})
}

// Without change alarms are rare: the figures of the manual, on 200,000 errors
// at a rate of 0.2 (or normal values), are bounded from above.
func TestFalseAlarmsWithoutChange(t *testing.T) {
	most := map[string]int{ // in 200,000 values
		"adwin": 2, "ddm": 30, "eddm": 700, "hddm_a": 10, "hddm_w": 40, "page_hinkley": 20,
		"page_hinkley_scaled": 10, "cusum": 1000, "ewma": 200, "ecdd": 700, "stepd": 1200, "kswin": 1200, "periodic": 2061,
	}
	each(t, func(t *testing.T, e Entry) {
		n := 200_000
		if testkit.Race {
			n = 20_000
		}
		rng := rand.New(rand.NewPCG(11, 0))
		d, alarms := mustNew(t, e.Name, nil), 0
		for range n {
			x := rng.NormFloat64()
			if e.Domain != Real || e.Name == "adwin" || e.Name == "page_hinkley" {
				x = 0
				if rng.Float64() < 0.2 {
					x = 1
				}
			}
			if d.Step(x) == Drift {
				alarms++
			}
		}
		t.Logf("%d alarms in %d values", alarms, n)
		if limit, ok := most[e.Name]; !ok || alarms > limit {
			t.Errorf("%d alarms, want at most %d", alarms, limit)
		}
	})
}

// What the plain formula gives, with all values kept, is the statistic of the
// histogram: every bucket boundary, exactly.
func TestADWINHistogramIsExact(t *testing.T) {
	a := mustNew(t, "adwin", Params{"clock": 1e6}).machine.(*adwin)
	rng := rand.New(rand.NewPCG(2, 2))
	var values []float64
	for range 3000 {
		values = append(values, rng.NormFloat64())
		a.step(values[len(values)-1])
		if len(values)%37 == 0 && a.width > 40 {
			n := int(size(len(a.rows) - 1))
			a.dropOldest()
			values = values[n:]
		}
		var m moments
		for _, v := range values {
			m.add(v)
		}
		if a.width != float64(len(values)) || math.Abs(a.total/a.width-m.mean) > 1e-12 || math.Abs(a.squares-m.squares) > 1e-8 {
			t.Fatalf("width %v mean %v squares %v, want %d %v %v", a.width, a.total/a.width, a.squares, len(values), m.mean, m.squares)
		}
		at := 0
		for i, row := range slices.Backward(a.rows) {
			for _, sum := range row.sum[:row.n] {
				var want float64
				for range int(size(i)) {
					want += values[at]
					at++
				}
				if math.Abs(sum-want) > 1e-9 {
					t.Fatalf("a bucket of row %d holds %v, want %v", i, sum, want)
				}
			}
		}
	}
}

// One error among many values is no change; the absolute value of a statistic
// that the correction made negative would be.
func TestSTEPDWithRareErrors(t *testing.T) {
	d := mustNew(t, "stepd", nil)
	for i := range 5000 {
		x := 0.0
		if i == 500 {
			x = 1
		}
		if s := d.Step(x); s == Drift {
			t.Fatalf("drift at %d", i)
		}
	}
}
