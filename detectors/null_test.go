package detectors

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/internal/testkit"
	"github.com/driftline/driftline/schemas"
)

func contains(s, part string) bool { return strings.Contains(s, part) }

// uniformGap is the Kolmogorov–Smirnov distance of p-values from uniform, and
// excess the share of them at or below a level over that level.
func uniformGap(ps []float64) (gap float64) {
	ps = slices.Sorted(slices.Values(ps))
	n := float64(len(ps))
	for i, p := range ps {
		gap = max(gap, math.Abs(p-float64(i)/n), math.Abs(p-float64(i+1)/n))
	}
	return gap
}

func rate(ps []float64, level float64) float64 {
	n := 0
	for _, p := range ps {
		if p <= level {
			n++
		}
	}
	return float64(n) / float64(len(ps))
}

func column(rng *rand.Rand, n int, f func(*rand.Rand) float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = f(rng)
	}
	return out
}

var populations = map[string]func(*rand.Rand) float64{
	"normal":    func(r *rand.Rand) float64 { return r.NormFloat64() },
	"uniform":   func(r *rand.Rand) float64 { return r.Float64() },
	"lognormal": func(r *rand.Rand) float64 { return math.Exp(r.NormFloat64()) },
	"integers":  func(r *rand.Rand) float64 { return math.Floor(8 * r.Float64()) },
	"binary":    func(r *rand.Rand) float64 { return math.Floor(r.Float64() + 0.2) },
}

// Without drift p-values are uniform for the continuous statistics, and never
// too small too often for any. Figures are logged for the manual.
func TestNullDistributions(t *testing.T) {
	runs := 500
	if testing.Short() || testkit.Race {
		runs = 200
	}
	for _, d := range []Detector{psiDetector, jsDetector, ksDetector, wassersteinDetector} {
		for name, f := range populations {
			for _, size := range []int{200, 1000} {
				rng := rand.New(rand.NewPCG(uint64(size), 5))
				ps := make([]float64, runs)
				for i := range ps {
					ref, cur := numbers(column(rng, 5000, f)...), numbers(column(rng, size, f)...)
					ps[i] = d.Compare(ref, cur, DefaultParams()).PValue
				}
				t.Logf("%-12s %-10s M=%-5d distance from uniform %.3f, P(p≤0.05)=%.3f, P(p≤0.01)=%.4f", d.Name, name, size, uniformGap(ps), rate(ps, 0.05), rate(ps, 0.01))
				slack := 3 * math.Sqrt(0.01*0.99/float64(runs))
				if r := rate(ps, 0.01); r > 0.02+slack {
					t.Errorf("%s on %s, M=%d: %.4f of p-values ≤ 0.01", d.Name, name, size, r)
				}
				if d.Name == "wasserstein" && uniformGap(ps) > 0.08+1.36/math.Sqrt(float64(runs)) && name != "binary" {
					t.Errorf("wasserstein on %s, M=%d: p-values are %.3f from uniform", name, size, uniformGap(ps))
				}
			}
		}
	}
}

func TestNullDistributionsOfCategories(t *testing.T) {
	runs := 500
	if testing.Short() || testkit.Race {
		runs = 200
	}
	for _, d := range []Detector{chiSquareDetector, linfDetector, newCategoryDetector, missingDetector} {
		for _, kinds := range []int{2, 10, 500} {
			rng := rand.New(rand.NewPCG(uint64(kinds), 6))
			ps := make([]float64, runs)
			pick := func(n int) *schemas.Summary {
				out := make([]string, n)
				for i := range out {
					if u := rng.Float64(); rng.Float64() > 0.05 {
						out[i] = fmt.Sprintf("c%03d", int(float64(kinds)*u*u))
					}
				}
				s := SummarizeStrings("c", out)
				return &s
			}
			for i := range ps {
				ps[i] = d.Compare(pick(5000), pick(500), DefaultParams()).PValue
			}
			t.Logf("%-12s %3d categories P(p≤0.05)=%.3f, P(p≤0.01)=%.4f", d.Name, kinds, rate(ps, 0.05), rate(ps, 0.01))
			if r := rate(ps, 0.01); r > 0.02+3*math.Sqrt(0.01*0.99/float64(runs)) {
				t.Errorf("%s, %d categories: %.4f of p-values ≤ 0.01", d.Name, kinds, r)
			}
		}
	}
}

// The promise to the user: without drift, the share of windows with any alarm
// stays below the declared level. Effects count for nothing here (thresholds
// are 0), so that significance alone has to hold it.
func TestFalseAlarmsStayWithinBudget(t *testing.T) {
	windows := 2000
	if testing.Short() {
		windows = 300
	}
	cfg := DefaultConfig()
	cfg.FalseAlarmEvery = Every(20 * time.Hour) // level 0.05: 2,000 windows can measure it
	zero := map[string]float64{}
	for _, n := range Names() {
		zero[n] = 0
	}
	bare := mustPlan(t, cfg, Model{Name: "m", Thresholds: zero})
	full := mustPlan(t, cfg, Model{Name: "m"})
	rng := rand.New(rand.NewPCG(99, 3))
	ref := MakeReference(bare.Key, "training", "test", mixed(rng, 20000))
	bareAlarms, fullAlarms := 0, 0
	for range windows {
		found := []schemas.WindowSummaries{{ModelKey: bare.Key, Features: mixed(rng, 500)}}
		bareAlarms += anyAlarm(EvaluateWindow(bare, &ref, found, schemas.Span{}, time.Time{}))
		fullAlarms += anyAlarm(EvaluateWindow(full, &ref, found, schemas.Span{}, time.Time{}))
	}
	a, b := float64(bareAlarms)/float64(windows), float64(fullAlarms)/float64(windows)
	t.Logf("declared level %.4f; windows with an alarm: %.4f on significance alone, %.4f with default thresholds (of %d windows)", bare.Level, a, b, windows)
	if a > bare.Level || b > bare.Level {
		t.Errorf("false alarms in %.4f and %.4f of windows, declared %.4f", a, b, bare.Level)
	}
}

// mixed is a table of eight features of all sorts.
func mixed(rng *rand.Rand, n int) []schemas.Summary {
	var out []schemas.Summary
	for _, name := range []string{"binary", "integers", "lognormal", "normal", "uniform"} {
		out = append(out, SummarizeNumbers(name, column(rng, n, populations[name])))
	}
	for _, kinds := range []int{3, 20, 300} {
		values := make([]string, n)
		for i := range values {
			if u := rng.Float64(); u > 0.03 {
				values[i] = fmt.Sprintf("c%03d", int(float64(kinds)*u*u))
			}
		}
		out = append(out, SummarizeStrings(fmt.Sprintf("cat%d", kinds), values))
	}
	sortFeatures(out)
	return out
}

func anyAlarm(signals []schemas.Signal) int {
	for i := range signals {
		if signals[i].State == schemas.StateAlarm {
			return 1
		}
	}
	return 0
}
