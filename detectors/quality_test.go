package detectors

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/schemas"
)

func skewed(seed uint64, n int) []float64 {
	return column(rand.New(rand.NewPCG(seed, 4)), n, func(r *rand.Rand) float64 { return math.Exp(0.8 * r.NormFloat64()) })
}

func mapped(values []float64, f func(float64) float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = f(v)
	}
	return out
}

func TestUnitChangeNamesTheFactor(t *testing.T) {
	ref := numbers(skewed(1, 5000)...)
	for _, c := range []struct {
		name string
		f    func(float64) float64
		want float64 // factor, 1 for none
	}{
		{"as before", func(v float64) float64 { return v }, 1},
		{"milliseconds", func(v float64) float64 { return 1000 * v }, 1000},
		{"percent", func(v float64) float64 { return 100 * v }, 100},
		{"KiB", func(v float64) float64 { return v / 1024 }, 1. / 1024},
		{"minutes", func(v float64) float64 { return v / 60 }, 1. / 60},
		{"half", func(v float64) float64 { return v / 2 }, 0.5},
		{"a third more", func(v float64) float64 { return 1.3 * v }, 1},
		{"shifted", func(v float64) float64 { return v + 2 }, 1},
		{"Fahrenheit", func(v float64) float64 { return 32 + 1.8*v }, 1},
		{"wider", func(v float64) float64 { return v * v * v }, 1},
	} {
		cur := numbers(mapped(skewed(2, 1000), c.f)...)
		for what, window := range map[string]*schemas.Summary{"rows": cur, "sketch": coarse(cur, 268)} {
			r := unitChange(ref, window, DefaultParams())
			near(t, c.name+" from "+what, r.Score, math.Abs(math.Log10(c.want)), 1e-12)
			if c.want != 1 && (r.PValue > 1e-6 || !strings.Contains(r.Detail, number(c.want)+" times")) {
				t.Errorf("%s: %+v", c.name, r)
			}
		}
	}
}

func TestOutOfRange(t *testing.T) {
	ref := numbers(skewed(1, 5000)...)
	cur := numbers(append(skewed(2, 990), 1e3, 1e3, 1e3, 1e3, 1e3, -1, -1, -1, -1, -1)...)
	r := outOfRange(ref, cur, DefaultParams())
	near(t, "share outside", r.Score, 0.01, 1e-12)
	if r.PValue > 1e-6 {
		t.Errorf("%+v", r)
	}
	// Of 10+10 rows of one distribution, 3 or more beyond the others' extremes:
	// the first four places from outside hold at most one of the others.
	near(t, "exceedances", exceedanceTail(3, 10, 10), (210+10*120)/4845.0, 1e-9)
	// Limits of one's own, where the reference has rows outside as well.
	limit := quantile(ref.Points, 0.9)
	r = outOfRange(ref, numbers(skewed(3, 1000)...), Params{Upper: &limit})
	if r.Score > 0.03 || r.PValue < 0.01 {
		t.Errorf("as many outside the declared limit as before: %+v", r)
	}
	if r = outOfRange(ref, numbers(mapped(skewed(3, 1000), func(v float64) float64 { return 2 * v })...), Params{Upper: &limit}); r.Score < 0.1 || r.PValue > 1e-9 {
		t.Errorf("more outside the declared limit: %+v", r)
	}
}

// Declared limits reach the detector through a model's entry.
func TestDeclaredLimits(t *testing.T) {
	low, high := 0.0, 100.0
	plan := mustPlan(t, DefaultConfig(), Model{Name: "m", Detectors: []string{"out_of_range"}, Features: map[string]FeatureRules{"age": {Min: &low, Max: &high}}})
	ages := func(seed uint64, mean float64) schemas.Summary { return normal("age", seed, 2000, mean) }
	s := EvaluateWindow(plan, reference(ages(1, 60)), []schemas.WindowSummaries{window("1", ages(2, 90))}, schemas.Span{}, time.Time{})[0]
	if s.State != schemas.StateAlarm || !strings.Contains(s.Reason, "outside 0 to 100") {
		t.Errorf("%+v", s)
	}
	for _, bad := range []FeatureRules{{Min: &high, Max: &low}, {Min: new(math.NaN())}, {Max: new(math.Inf(1))}} {
		if err := (Model{Name: "m", Features: map[string]FeatureRules{"age": bad}}).Validate(); err == nil || !strings.HasPrefix(err.Error(), "features.age.m") {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

// Text where numbers were: the store holds it under the same name, and the
// evaluation tells it from an absence.
func TestTypeChangeIsToldFromAbsence(t *testing.T) {
	plan := mustPlan(t, DefaultConfig(), Model{Name: "m", Detectors: []string{"type_change", "missing"}})
	ref := reference(normal("age", 1, 2000, 40))
	text := make([]string, 1000)
	for i := range 300 {
		text[i] = "forty"
	}
	half := normal("age", 2, 700, 40)
	half.Rows, half.Missing = 1000, 300
	w := window("1", half, SummarizeStrings("age", text))
	got := EvaluateWindow(plan, ref, []schemas.WindowSummaries{w}, schemas.Span{}, time.Time{})
	s := find(t, got, "1", "age", "type_change")
	if near(t, "share", s.Score, 0.3, 1e-12); s.State != schemas.StateAlarm || !strings.Contains(s.Reason, "text in 30%") {
		t.Errorf("%+v", s)
	}
	if w.Features[0].OtherKind != 0 {
		t.Error("the evaluation changed its input")
	}
	got = EvaluateWindow(plan, ref, []schemas.WindowSummaries{window("1", half)}, schemas.Span{}, time.Time{})
	if s := find(t, got, "1", "age", "type_change"); s.State != schemas.StateOK || s.Score != 0 {
		t.Errorf("missing rows are no change of type: %+v", s)
	}
	if s := find(t, got, "1", "age", "missing"); s.State != schemas.StateAlarm {
		t.Errorf("%+v", s)
	}
}

func TestDefaultValueAndFrozen(t *testing.T) {
	ref := numbers(skewed(1, 5000)...)
	rows := skewed(2, 1000)
	for i := range 100 {
		rows[i*7] = 999
	}
	r := defaultValue(ref, numbers(rows...), DefaultParams())
	if near(t, "share", r.Score, 0.1, 1e-9); r.PValue > 1e-9 || !strings.Contains(r.Detail, "is 999 in 10%") {
		t.Errorf("%+v", r)
	}
	for i := range rows {
		rows[i] = float64(i % 5)
	}
	r = frozen(ref, numbers(rows...), DefaultParams())
	if near(t, "five values left of fifty", r.Score, 1-math.Log(5)/math.Log(50), 0.01); r.PValue > 1e-9 {
		t.Errorf("%+v", r)
	}
	reduced := Reduce(*numbers(skewed(1, 20000)...))
	cur := numbers(skewed(2, 5000)...)
	if r := frozen(&reduced, coarse(cur, 268), DefaultParams()); r.Score != 0 {
		t.Errorf("a sketch of unchanged rows: %+v", r)
	}
	if r := defaultValue(&reduced, coarse(cur, 268), DefaultParams()); r.Score != 0 {
		t.Errorf("a sketch of unchanged rows: %+v", r)
	}
}

func TestUnchanged(t *testing.T) {
	a, b := numbers(skewed(1, 500)...), numbers(skewed(2, 500)...)
	if r := Unchanged(a, a); r.Score != 1 || r.PValue > 1e-100 {
		t.Errorf("repeated: %+v", r)
	}
	if r := Unchanged(a, b); r.Score != 0 || r.PValue != 1 {
		t.Errorf("drawn anew: %+v", r)
	}
	five := numbers(5, 5, 5, 5)
	if r := Unchanged(five, five); r.Score != 1 || r.PValue < 0.999 {
		t.Errorf("a constant repeats itself rightly: %+v", r)
	}
	c := SummarizeStrings("c", []string{"x", "x", "y", "z"})
	if r := Unchanged(&c, &c); r.Score != 1 {
		t.Errorf("%+v", r)
	} else {
		near(t, "4!/2!·(½)²(¼)²", r.PValue, 12.0/64, 1e-12)
	}
	if r := Unchanged(a, &schemas.Summary{Kind: schemas.Numeric}); !r.NoData {
		t.Errorf("%+v", r)
	}
}

// The moments behind total variation, against counting: three categories of 2,
// 3 and 1 rows, of which the window has 3.
func TestDeviationMoments(t *testing.T) {
	ts := []tally{{"a", 2, 0}, {"b", 1, 2}, {"c", 0, 1}}
	mean, _ := deviationMoments(ts, 3, 3)
	// Σ over x of hypergeometric probability · ½Σ|(t−x)/3−x/3|
	var want float64
	for a := 0.0; a <= 2; a++ {
		for b := 0.0; b <= 3; b++ {
			if c := 3 - a - b; c == 0 || c == 1 {
				p := math.Exp(logChoose(2, a) + logChoose(3, b) + logChoose(1, c) - logChoose(6, 3))
				want += p * (math.Abs(2-2*a) + math.Abs(3-2*b) + math.Abs(1-2*c)) / 6
			}
		}
	}
	near(t, "mean", mean, want, 0.03*want)
	near(t, "mean deviation of a coin", binomialDeviation(1, 0.5), 0.5, 1e-12)
	near(t, "mean deviation of ten coins", binomialDeviation(10, 0.5), 10*252.0/1024/2, 1e-9)
	near(t, "mean deviation of a rare one", binomialDeviation(3, 1e-3), 2*3e-3*0.999*0.999*0.999, 1e-12)
}
