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

// checkNull logs the figures and holds them against what the p-values promise:
// never too small too often.
func checkNull(t *testing.T, d Detector, population string, ps []float64) {
	t.Helper()
	t.Logf("%-16s %-24s distance from uniform %.3f, P(p≤0.05)=%.3f, P(p≤0.01)=%.4f", d.Name, population, uniformGap(ps), rate(ps, 0.05), rate(ps, 0.01))
	runs := float64(len(ps))
	if r := rate(ps, 0.01); r > 0.02+3*math.Sqrt(0.01*0.99/runs) {
		t.Errorf("%s on %s: %.4f of p-values ≤ 0.01", d.Name, population, r)
	}
	if r := rate(ps, 0.05); r > 0.06+3*math.Sqrt(0.05*0.95/runs) {
		t.Errorf("%s on %s: %.4f of p-values ≤ 0.05", d.Name, population, r)
	}
}

// exactLevels are the detectors whose p-values should be uniform on continuous
// features; the others are conservative, as their manual says. Those of the
// quadratic statistics are 1 for the least tenth of values: the fitted tail has
// an offset.
var exactLevels = map[string]bool{
	"wasserstein": true, "cramer_von_mises": true, "anderson_darling": true, "energy": true,
	"mean_shift": true, "hellinger": true, "js": true, "psi": true,
}

// Without drift p-values are uniform for the continuous statistics, and never
// too small too often for any. Figures are logged for the manual.
func TestNullDistributions(t *testing.T) {
	runs := 350
	if testing.Short() || testkit.Race {
		runs = 200
	}
	for name, f := range populations {
		for _, size := range []int{200, 1000} {
			rng := rand.New(rand.NewPCG(uint64(size), 5))
			ps := map[string][]float64{}
			for range runs {
				ref, cur := numbers(column(rng, 5000, f)...), numbers(column(rng, size, f)...)
				for _, d := range All() {
					if d.Applies(schemas.Numeric) && !d.AllRows {
						ps[d.Name] = append(ps[d.Name], d.Compare(ref, cur, DefaultParams()).PValue)
					}
				}
			}
			for _, d := range All() {
				if got := ps[d.Name]; got != nil {
					checkNull(t, d, fmt.Sprintf("%s, M=%d", name, size), got)
					if exactLevels[d.Name] && uniformGap(got) > 0.1+1.36/math.Sqrt(float64(runs)) && name != "binary" && name != "integers" {
						t.Errorf("%s on %s, M=%d: p-values are %.3f from uniform", d.Name, name, size, uniformGap(got))
					}
				}
			}
		}
	}
}

// One row in twenty is missing. With 20,000 categories a window of 500 rows has
// hardly one twice: what a statistic of categories must bear.
func TestNullDistributionsOfCategories(t *testing.T) {
	runs := 350
	if testing.Short() || testkit.Race {
		runs = 200
	}
	for _, kinds := range []int{2, 10, 500, 20000} {
		rng := rand.New(rand.NewPCG(uint64(kinds), 6))
		ps := map[string][]float64{}
		pick := func(n int) *schemas.Summary {
			out := make([]string, n)
			for i := range out {
				if u := rng.Float64(); rng.Float64() > 0.05 {
					out[i] = fmt.Sprintf("c%05d", int(float64(kinds)*u*u))
				}
			}
			s := SummarizeStrings("c", out)
			s.OtherKind = s.Missing
			return &s
		}
		for range runs {
			ref, cur := pick(5000), pick(500)
			for _, d := range All() {
				if d.Applies(schemas.Categorical) {
					ps[d.Name] = append(ps[d.Name], d.Compare(ref, cur, DefaultParams()).PValue)
				}
			}
		}
		for _, d := range All() {
			if got := ps[d.Name]; got != nil {
				checkNull(t, d, fmt.Sprintf("%d categories", kinds), got)
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
	every := mustPlan(t, cfg, Model{Name: "m", Detectors: []string{AllSet}})
	rng := rand.New(rand.NewPCG(99, 3))
	ref := MakeReference(bare.Key, "training", "test", mixed(rng, 20000))
	bareAlarms, fullAlarms, everyAlarms, everyWindows := 0, 0, 0, windows/4
	for i := range windows {
		found := []schemas.WindowSummaries{{ModelKey: bare.Key, Features: mixed(rng, 500)}}
		bareAlarms += anyAlarm(EvaluateWindow(bare, &ref, found, schemas.Span{}, time.Time{}))
		fullAlarms += anyAlarm(EvaluateWindow(full, &ref, found, schemas.Span{}, time.Time{}))
		if i < everyWindows {
			everyAlarms += anyAlarm(EvaluateWindow(every, &ref, found, schemas.Span{}, time.Time{}))
		}
	}
	a, b := float64(bareAlarms)/float64(windows), float64(fullAlarms)/float64(windows)
	t.Logf("declared level %.4f; windows with an alarm: %.4f on significance alone, %.4f with default thresholds (of %d windows)", bare.Level, a, b, windows)
	c := float64(everyAlarms) / float64(everyWindows)
	t.Logf("with every detector of the register: %.4f (of %d windows)", c, everyWindows)
	if max(a, b, c) > bare.Level {
		t.Errorf("false alarms in %.4f, %.4f and %.4f of windows, declared %.4f", a, b, c, bare.Level)
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
