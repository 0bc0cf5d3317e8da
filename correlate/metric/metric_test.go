package metric

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// No name is listed twice, and every mechanism and gate is known.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	r := Builtin()
	for _, l := range builtin {
		if l.mechanism != "" && !slices.Contains(Mechanisms, l.mechanism) || !slices.Contains(Kinds, l.kind) || !slices.Contains(Directions, l.worse) {
			t.Errorf("%+v", l)
		}
		if l.mechanism != "" && l.worse == Either && l.mechanism != Traffic {
			t.Errorf("%v accuses whichever way it goes", l.names)
		}
		if l.gate != "" {
			if gate := r.Lookup(l.gate); gate.Guessed {
				t.Errorf("gate %s of %v is not listed", l.gate, l.names)
			}
		}
		for _, name := range l.names {
			if seen[name] {
				t.Errorf("%s is listed twice", name)
			}
			seen[name] = true
			if strings.HasSuffix(name, "_total") && l.kind != Counter {
				t.Errorf("%s is a %s", name, l.kind)
			}
		}
	}
	for _, d := range Means {
		if !r.Knows(d.Name) || !r.Knows(d.Sum) || !r.Knows(d.Count) {
			t.Errorf("%+v is not listed", d)
		}
	}
}

func TestFloor(t *testing.T) {
	for _, c := range []struct {
		m     Metric
		level float64
		want  float64
	}{
		{Metric{Kind: Ratio}, 0.9, 0.005},
		{Metric{Kind: Ratio}, 99.9, 0.5},
		{Metric{Name: "x_percent", Kind: Ratio}, 0.1, 0.5},
		{Metric{Kind: Latency}, 0.001, 0.001},
		{Metric{Kind: Latency}, 1, 0.05},
		{Metric{Name: "latency_ms", Kind: Latency}, 10, 1},
		{Metric{Kind: Bytes}, 1e9, 1e7},
		{Metric{Kind: Temperature}, 60, 3},
		{Metric{Kind: Power}, 400, 20},
		{Metric{Kind: Count}, 3, 1},
		{Metric{Kind: Gauge, MinEffect: 7}, 1e6, 7},
	} {
		if got := c.m.Floor(c.level); math.Abs(got-c.want) > 1e-12*c.want {
			t.Errorf("floor of %+v at %g is %g, want %g", c.m, c.level, got, c.want)
		}
	}
}

func TestHarm(t *testing.T) {
	for worse, want := range map[Direction]float64{Up: -2, Down: 2, Either: 2} {
		if got := (&Metric{Worse: worse}).Harm(-2); got != want {
			t.Errorf("a fall by 2 harms %g where %s is worse, want %g", got, worse, want)
		}
	}
}

func TestGuess(t *testing.T) {
	for name, want := range map[string]Metric{
		"latency_Average":    {Kind: Latency, Worse: Up, Mechanism: Slow},
		"availability":       {Kind: Ratio, Worse: Down, Mechanism: Failing},
		"requests_Sum":       {Kind: Gauge, Worse: Either, Mechanism: Traffic},
		"error_rate":         {Kind: Ratio, Worse: Up, Mechanism: Failing},
		"my_errors_total":    {Kind: Counter, Worse: Up, Mechanism: Failing},
		"board_temperature":  {Kind: Temperature, Worse: Up, Mechanism: ThermalThrottle},
		"input_queue_length": {Kind: Count, Worse: Up, Mechanism: Saturation},
		"something_else":     {Kind: Gauge, Worse: Either},
		"feature_age_hours":  {Kind: Latency, Worse: Up, Mechanism: StaleInput},
	} {
		want.Name, want.Guessed = name, true
		if got := Builtin().Lookup(name); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	if got := Builtin().Lookup("gpu_temperature_celsius"); got.Guessed || got.Mechanism != ThermalThrottle {
		t.Errorf("%+v", got)
	}
}

func TestEntries(t *testing.T) {
	r, err := New([]Entry{{Name: "queue_seconds", Kind: Latency, Gate: "jobs", Mechanism: Saturation, Stale: time.Minute}, {Name: "gpu_power_watts", Mechanism: PowerThrottle}})
	if err != nil {
		t.Fatal(err)
	}
	want := Metric{Name: "queue_seconds", Kind: Latency, Worse: Up, Gate: "jobs", Mechanism: Saturation, Stale: time.Minute}
	if got := r.Lookup("queue_seconds"); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := r.Lookup("gpu_power_watts"); got.Mechanism != PowerThrottle || got.Kind != Gauge {
		t.Errorf("an entry goes before the table: %+v", got)
	}
	_, err = New([]Entry{{Name: "x", Kind: "speed", Worse: "left", MinEffect: -1, Mechanism: "magic", Stale: -1}})
	for _, word := range []string{"speed", "left", "min_effect", "magic", "stale", "supported: "} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%q is not in %v", word, err)
		}
	}
}
