package detectors

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/schemas"
)

var testKey = schemas.ModelKey{Tenant: "default", Model: "m"}

func reference(features ...schemas.Summary) *schemas.Reference {
	r := MakeReference(testKey, "training", "test", features)
	return &r
}

// find the signal of a version, feature and detector.
func find(t *testing.T, signals []schemas.Signal, version, feature, detector string) schemas.Signal {
	t.Helper()
	for _, s := range signals {
		if s.Version == version && s.Feature == feature && s.Detector == detector {
			return s
		}
	}
	t.Fatalf("no signal of %s %s %s", version, feature, detector)
	return schemas.Signal{}
}

func window(version string, features ...schemas.Summary) schemas.WindowSummaries {
	w := schemas.WindowSummaries{ModelKey: testKey, Version: version, Features: features}
	for _, f := range features {
		w.Rows = max(w.Rows, f.Rows)
	}
	return w
}

func normal(name string, seed uint64, n int, mean float64) schemas.Summary {
	rng := rand.New(rand.NewPCG(seed, 9))
	return SummarizeNumbers(name, column(rng, n, func(r *rand.Rand) float64 { return mean + 10*r.NormFloat64() }))
}

func TestVerdictNeedsEffectSignificanceAndRows(t *testing.T) {
	plan := mustPlan(t, DefaultConfig(), Model{Name: "m"})
	ref := reference(normal("age", 1, 20000, 41))
	for _, c := range []struct {
		name  string
		cur   schemas.Summary
		state schemas.State
	}{
		{"large effect, many rows", normal("age", 2, 5012, 58), schemas.StateAlarm},
		{"small effect, many rows", normal("age", 2, 200000, 41.5), schemas.StateOK},
		{"large effect, few rows", normal("age", 2, 99, 58), schemas.StateInsufficient},
		{"chance effect", normal("age", 5, 100, 41), schemas.StateOK},
		{"no rows", schemas.Summary{Feature: "age", Kind: schemas.Numeric}, schemas.StateNoData},
	} {
		s := find(t, EvaluateWindow(plan, ref, []schemas.WindowSummaries{window("1", c.cur)}, schemas.Span{}, time.Time{}), "1", "age", "ks")
		if s.State != c.state {
			t.Errorf("%s: %s (%s), want %s", c.name, s.State, s.Reason, c.state)
		}
		t.Logf("%s: %s", c.name, s.Reason)
	}
}

func TestReasonReadsAsASentence(t *testing.T) {
	plan := mustPlan(t, DefaultConfig(), Model{Name: "m", Detectors: []string{"ks"}})
	got := EvaluateWindow(plan, reference(normal("age", 1, 20000, 41)), []schemas.WindowSummaries{window("1", normal("age", 2, 5012, 58))}, schemas.Span{}, time.Time{})[0]
	for _, part := range []string{"KS 0.", " ≥ 0.1: 'age' moved from median 4", " to 5", "(n=5,012 vs 20,000), p<1e-300"} {
		if !strings.Contains(got.Reason, part) {
			t.Errorf("reason %q lacks %q", got.Reason, part)
		}
	}
}

func TestFeatureThatNeverCameIsMissing(t *testing.T) {
	plan := mustPlan(t, DefaultConfig(), Model{Name: "m", Features: map[string]FeatureRules{"ignored": {Ignore: true}}})
	ref := reference(normal("age", 1, 5000, 41), normal("income", 2, 5000, 41), normal("ignored", 2, 5000, 41))
	got := EvaluateWindow(plan, ref, []schemas.WindowSummaries{
		window("2", normal("age", 4, 1000, 41), normal("unheard", 4, 1000, 41)), window("1", normal("age", 3, 1000, 41), normal("income", 3, 1000, 41)),
	}, schemas.Span{}, time.Time{})
	if s := find(t, got, "2", "income", "missing"); s.State != schemas.StateAlarm || s.Score != 1 {
		t.Errorf("%+v", s)
	}
	if s := find(t, got, "2", "income", "ks"); s.State != schemas.StateNoData {
		t.Errorf("%+v", s)
	}
	if s := find(t, got, "1", "income", "missing"); s.State != schemas.StateOK {
		t.Errorf("%+v", s)
	}
	for _, s := range got {
		if s.Feature == "ignored" || s.Feature == "unheard" {
			t.Errorf("signal of %s", s.Feature)
		}
	}
	if got[0].Version != "1" {
		t.Error("versions are not in order")
	}
}

// No input, however broken, may put a number into a signal that JSON cannot carry.
func TestSignalsAreFinite(t *testing.T) {
	plan := mustPlan(t, DefaultConfig(), Model{Name: "m", Detectors: []string{AllSet}})
	broken := func(points ...schemas.Point) schemas.Summary {
		return schemas.Summary{Feature: "x", Kind: schemas.Numeric, Rows: 1000, Points: points}
	}
	cases := []schemas.Summary{
		broken(), broken(schemas.Point{Value: 1}), broken(schemas.Point{Value: math.NaN(), Weight: 1000}),
		broken(schemas.Point{Value: math.Inf(1), Weight: 1000}), broken(schemas.Point{Value: 1, Weight: math.NaN()}),
		broken(schemas.Point{Value: -math.MaxFloat64, Weight: 500}, schemas.Point{Value: math.MaxFloat64, Weight: 500}),
		broken(schemas.Point{Value: 1, Weight: 1000}), broken(schemas.Point{Value: 5e-324, Weight: 1000}),
	}
	for i, r := range cases {
		for j, c := range cases {
			for _, s := range EvaluateWindow(plan, &schemas.Reference{Features: []schemas.Summary{r}}, []schemas.WindowSummaries{window("1", c)}, schemas.Span{}, time.Time{}) {
				if math.IsNaN(s.Score) || math.IsInf(s.Score, 0) || math.IsNaN(s.PValue) || s.PValue < 0 || s.PValue > 1 || s.Reason == "" {
					t.Errorf("reference %d, window %d: %+v", i, j, s)
				}
			}
		}
	}
}

// A value that went through the store as float32 ties with its float64 twin.
func TestStoredValuesTieWithFileValues(t *testing.T) {
	exact, stored := make([]float64, 1000), make([]float64, 1000)
	for i := range exact {
		exact[i] = float64(i%7) / 10
		stored[i] = float64(float32(exact[i]))
	}
	for _, d := range All() {
		if d.Applies(schemas.Numeric) {
			if r := d.Compare(numbers(exact...), numbers(stored...), DefaultParams()); r.Score > 1e-6 {
				t.Errorf("%s: %v", d.Name, r.Score)
			}
		}
	}
}

func TestJensenShannonBases(t *testing.T) {
	a, b := normal("x", 1, 1000, 0), normal("x", 2, 1000, 500)
	near(t, "disjoint, base 2", jensenShannon(&a, &b, Params{}).Score, 1, 1e-12)
	near(t, "disjoint, base e", jensenShannon(&a, &b, Params{NaturalLogs: true}).Score, math.Sqrt(math.Ln2), 1e-12)
}

func TestConstantReferenceThatChangesIsSeen(t *testing.T) {
	five, three := make([]float64, 500), make([]float64, 500)
	for i := range five {
		five[i], three[i] = 5, 3
	}
	for _, d := range []Detector{psiDetector, jsDetector, ksDetector} {
		if r := d.Compare(numbers(five...), numbers(three...), DefaultParams()); r.Score < d.Threshold || r.PValue > 1e-9 {
			t.Errorf("%s: %+v", d.Name, r)
		}
	}
	if r := wasserstein(numbers(five...), numbers(three...), DefaultParams()); !r.NoData {
		t.Errorf("wasserstein has no scale here: %+v", r)
	}
}

func TestAdjust(t *testing.T) {
	got := Adjust([]float64{0.01, 0.04, 0.03, 0.005}, false)
	for i, want := range []float64{0.02, 0.04, 0.04, 0.02} {
		near(t, "BH", got[i], want, 1e-12)
	}
	got = Adjust([]float64{0.01, 0.04}, true)
	near(t, "BY", got[0], 0.01*2*1.5, 1e-12)
	if len(Adjust(nil, false)) != 0 {
		t.Error("of none")
	}
}

func TestSummarizeNumbers(t *testing.T) {
	s := SummarizeNumbers("x", []float64{3, math.NaN(), 1, 1, math.Inf(1), math.Copysign(0, -1), 0})
	if s.Rows != 7 || s.Missing != 2 || s.Present() != 5 || s.Min != 0 || s.Max != 3 || len(s.Points) != 3 || s.Points[0].Weight != 2 || math.Signbit(s.Points[0].Value) {
		t.Errorf("%+v", s)
	}
	near(t, "mean", s.Mean, 1, 1e-15)
	near(t, "variance", s.Variance, 6.0/5, 1e-15)
}

func TestReduceKeepsMassAndExtremes(t *testing.T) {
	s := normal("x", 1, 30000, 0)
	r := Reduce(s)
	near(t, "mass", mass(r.Points), 30000, 1e-6)
	if len(r.Points) > reducedPoints || r.Rows != s.Rows || r.Max != s.Max || len(s.Points) < maxPoints {
		t.Errorf("%d points of %d", len(r.Points), len(s.Points))
	}
	near(t, "KS to the exact one", kolmogorovSmirnov(&s, &r, Params{}).Score, 0, 1.0/4096+1e-9)
}

func TestReferenceVersionFollowsContentOnly(t *testing.T) {
	a, b := normal("a", 1, 100, 0), normal("b", 2, 100, 0)
	first := MakeReference(testKey, "x", "one", []schemas.Summary{a, b})
	if again := MakeReference(testKey, "y", "two", []schemas.Summary{b, a}); again.Version != first.Version {
		t.Error("name, source or order changed the version")
	}
	if other := MakeReference(testKey, "x", "one", []schemas.Summary{a}); other.Version == first.Version {
		t.Error("other content has the same version")
	}
}

func TestTails(t *testing.T) {
	near(t, "Kolmogorov 95 %", kolmogorovTail(1.3580986), 0.05, 1e-7)
	near(t, "Kolmogorov 99 %", kolmogorovTail(1.6276236), 0.01, 1e-7)
	near(t, "Kolmogorov at the seam", kolmogorovTail(1.18-1e-9), kolmogorovTail(1.18), 1e-8)
	near(t, "χ²₅ at 3.1746", chiSquareTail(3.1746, 5), 0.67309, 1e-4)
	near(t, "equal proportions", proportionTail(10, 100, 10, 100), 1, 1e-12)
	near(t, "binomial(10, ½) ≥ 8", binomialTail(8, 10, 0.5), 56.0/1024, 1e-12)
	for _, x := range []float64{math.NaN(), math.Inf(1), -1, 0} {
		if p := chiSquareTail(x, 3); !(p >= 0 && p <= 1) {
			t.Errorf("χ² tail at %v: %v", x, p)
		}
	}
}
