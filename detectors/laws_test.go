package detectors

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/driftline/driftline/schemas"
)

// Laws that hold for every registered detector. Each law runs over samples
// that a detector of the kind has trouble with: smooth, discrete, spiked,
// heavy-tailed.

type sample struct {
	name string
	kind schemas.FeatureKind
	nums []float64
	cats []string

	other int // of the missing rows, those of the other kind
}

func (s sample) summary() *schemas.Summary {
	var out schemas.Summary
	if s.kind == schemas.Numeric {
		out = SummarizeNumbers("x", s.nums)
	} else {
		out = SummarizeStrings("x", s.cats)
	}
	out.OtherKind = uint64(s.other)
	return &out
}

func (s sample) rows() int { return max(len(s.nums), len(s.cats)) }

// draw n rows by a function of a uniform and a normal variable.
func draw(name string, n int, f func(u, z float64) float64) sample {
	rng := rand.New(rand.NewPCG(7, uint64(n)))
	s := sample{name: name, kind: schemas.Numeric}
	for range n {
		s.nums = append(s.nums, f(rng.Float64(), rng.NormFloat64()))
	}
	return s
}

func drawCategories(name string, n, kinds int) sample {
	s := draw(name, n, func(u, _ float64) float64 { return math.Floor(float64(kinds) * u * u) })
	s.kind = schemas.Categorical
	for _, v := range s.nums {
		s.cats = append(s.cats, fmt.Sprintf("c%03.0f", v))
	}
	s.nums = nil
	return s
}

func samples() []sample {
	return []sample{
		draw("normal", 2000, func(_, z float64) float64 { return z }),
		draw("lognormal", 2000, func(_, z float64) float64 { return math.Exp(2 * z) }),
		draw("binary", 2000, func(u, _ float64) float64 { return math.Floor(u + 0.1) }),
		draw("zeros", 2000, func(u, z float64) float64 { return math.Max(0, u-0.9) * math.Abs(z) }),
		draw("integers", 2000, func(u, _ float64) float64 { return math.Floor(6 * u) }),
		draw("gaps", 2000, func(u, _ float64) float64 {
			if v := u; v > 0.1 && v < 0.9 {
				return math.NaN()
			}
			return u
		}),
		drawCategories("few", 2000, 5),
		drawCategories("many", 2000, 300),
	}
}

// each runs a law for every detector and every sample that it applies to.
func each(t *testing.T, law func(t *testing.T, d Detector, s sample)) {
	for _, d := range All() {
		for _, s := range samples() {
			if d.Applies(s.kind) {
				t.Run(d.Name+"/"+s.name, func(t *testing.T) { law(t, d, s) })
			}
		}
	}
}

func TestLawFiniteAndInRange(t *testing.T) {
	each(t, func(t *testing.T, d Detector, s sample) {
		for _, other := range samples() {
			if other.kind != s.kind {
				continue
			}
			r := d.Compare(s.summary(), other.summary(), DefaultParams())
			if math.IsNaN(r.Score) || math.IsInf(r.Score, 0) || r.Score < 0 || !(r.PValue >= 0 && r.PValue <= 1) {
				t.Errorf("against %s: %+v", other.name, r)
			}
		}
	})
}

func TestLawSameWindowIsNoAlarm(t *testing.T) {
	each(t, func(t *testing.T, d Detector, s sample) {
		r := d.Compare(s.summary(), s.summary(), DefaultParams())
		if r.NoData || r.Score > 1e-9 || r.PValue < 0.99 {
			t.Errorf("a window equal to its reference: %+v", r)
		}
	})
}

// A growing share of the rows is replaced by a value that the reference does
// not have (numeric: far to the right; then none; then one value for all).
func TestLawMoreShiftNeverScoresLess(t *testing.T) {
	each(t, func(t *testing.T, d Detector, s sample) {
		last := -1.0
		for _, share := range []float64{0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1} {
			r := d.Compare(s.summary(), inject(d, s, share).summary(), DefaultParams())
			if r.NoData {
				t.Fatalf("shift %v: no data", share)
			}
			if r.Score < last-1e-9 {
				t.Errorf("shift %v scores %v, a smaller one scored %v", share, r.Score, last)
			}
			last = r.Score
		}
		if last < d.Threshold {
			t.Errorf("the greatest shift scores %v, below the threshold %v", last, d.Threshold)
		}
	})
}

// faults of detectors that another fault than a new value concerns: what
// becomes of a value when the fault has a given size.
var faults = map[string]func(v, size float64) float64{
	"variance_shift": func(v, size float64) float64 { return v * (1 + 9*size) },
	"unit_change":    func(v, size float64) float64 { return v * math.Pow(1000, math.Floor(size)) },
}

// unmoved are detectors whose subject is no shift along the axis.
var unmoved = map[string]bool{"missing": true, "type_change": true, "constant": true, "frozen": true, "variance_shift": true, "unit_change": true}

func inject(d Detector, s sample, share float64) sample {
	out := sample{name: s.name, kind: s.kind, nums: slices.Clone(s.nums), cats: slices.Clone(s.cats)}
	n := int(share * float64(s.rows()))
	if d.Name == "type_change" {
		out.other = n
	}
	if fault := faults[d.Name]; fault != nil {
		for i := range out.nums {
			out.nums[i] = fault(out.nums[i], share)
		}
		return out
	}
	order := rand.New(rand.NewPCG(3, 3)).Perm(s.rows()) // a greater share hits the rows of a smaller one too
	for _, at := range order[:n] {
		switch {
		case s.kind == schemas.Numeric && d.AllRows:
			out.nums[at] = math.NaN()
		case s.kind == schemas.Numeric:
			out.nums[at] = 1e4
		case d.AllRows:
			out.cats[at] = ""
		default:
			out.cats[at] = "new"
		}
	}
	return out
}

// A numeric sample moved as a whole, by growing parts of its deviation.
func TestLawFartherShiftNeverScoresLess(t *testing.T) {
	s := samples()[0]
	for _, d := range All() {
		if !d.Applies(schemas.Numeric) || unmoved[d.Name] {
			continue
		}
		last := -1.0
		for delta := 0.0; delta < 6; delta += 0.25 {
			moved := draw(s.name, 2000, func(_, z float64) float64 { return z + delta })
			r := d.Compare(s.summary(), moved.summary(), DefaultParams())
			if r.Score < last-1e-9 {
				t.Errorf("%s: a shift by %v deviations scores %v, a smaller one %v", d.Name, delta, r.Score, last)
			}
			last = r.Score
		}
	}
}

func TestLawOrderOfRowsDoesNotMatter(t *testing.T) {
	each(t, func(t *testing.T, d Detector, s sample) {
		cur := inject(d, s, 0.2)
		want := d.Compare(s.summary(), cur.summary(), DefaultParams())
		rng := rand.New(rand.NewPCG(1, 1))
		rng.Shuffle(len(cur.nums), func(i, j int) { cur.nums[i], cur.nums[j] = cur.nums[j], cur.nums[i] })
		rng.Shuffle(len(cur.cats), func(i, j int) { cur.cats[i], cur.cats[j] = cur.cats[j], cur.cats[i] })
		if got := d.Compare(s.summary(), cur.summary(), DefaultParams()); got != want {
			t.Errorf("shuffled: %+v, want %+v", got, want)
		}
	})
}

func TestLawInputsStayAndRunsAgree(t *testing.T) {
	each(t, func(t *testing.T, d Detector, s sample) {
		ref, cur := s.summary(), inject(d, s, 0.3).summary()
		first := d.Compare(ref, cur, DefaultParams())
		if !reflect.DeepEqual(ref, s.summary()) || !reflect.DeepEqual(cur, inject(d, s, 0.3).summary()) {
			t.Error("the detector changed its input")
		}
		second := d.Compare(ref, cur, DefaultParams())
		if math.Float64bits(first.Score) != math.Float64bits(second.Score) || math.Float64bits(first.PValue) != math.Float64bits(second.PValue) || first != second {
			t.Errorf("two runs differ: %+v, %+v", first, second)
		}
	})
}

// Weights that a sketch gives, fractional and few, must score as the rows do.
func TestLawSketchScoresLikeRows(t *testing.T) {
	each(t, func(t *testing.T, d Detector, s sample) {
		if s.kind != schemas.Numeric {
			return
		}
		ref, cur := s.summary(), inject(d, s, 0.2).summary()
		exact := d.Compare(ref, cur, DefaultParams())
		got := d.Compare(ref, coarse(cur, 400), DefaultParams())
		if math.Abs(got.Score-exact.Score) > 0.02*(1+exact.Score) {
			t.Errorf("from 400 weighted points %v, from rows %v", got.Score, exact.Score)
		}
	})
}

// coarse keeps n mid-quantiles, as merged sketches do.
func coarse(s *schemas.Summary, n int) *schemas.Summary {
	out := *s
	out.Points = nil
	w := mass(s.Points) / float64(n)
	for k := range n {
		v := quantile(s.Points, (float64(k)+0.5)/float64(n))
		if last := len(out.Points) - 1; last >= 0 && out.Points[last].Value == v {
			out.Points[last].Weight += w
		} else {
			out.Points = append(out.Points, schemas.Point{Value: v, Weight: w})
		}
	}
	return &out
}

func TestLawEmptyWindowIsNoData(t *testing.T) {
	plan := mustPlan(t, DefaultConfig(), Model{Name: "m", Detectors: []string{AllSet}})
	for _, s := range samples() {
		ref := MakeReference(plan.Key, "training", "test", []schemas.Summary{*s.summary()})
		for name, found := range map[string][]schemas.WindowSummaries{
			"no version": nil,
			"no rows":    {{ModelKey: plan.Key, Version: "1"}},
			"empty summary": {{ModelKey: plan.Key, Version: "1", Features: []schemas.Summary{
				{Feature: "x", Kind: s.kind},
			}}},
		} {
			got := EvaluateWindow(plan, &ref, found, schemas.Span{}, time.Time{})
			if len(got) == 0 {
				t.Errorf("%s, %s: no signals", s.name, name)
			}
			for _, g := range got {
				if g.State != schemas.StateNoData || g.Score != 0 || g.PValue != 1 || g.Reason == "" {
					t.Errorf("%s, %s: %+v, want no_data", s.name, name, g)
				}
			}
		}
		for _, d := range All() {
			if d.Applies(s.kind) && !d.Compare(s.summary(), &schemas.Summary{Kind: s.kind}, DefaultParams()).NoData {
				t.Errorf("%s on an empty window of %s: not NoData", d.Name, s.name)
			}
		}
	}
}

func mustPlan(t testing.TB, c Config, m Model) *Plan {
	t.Helper()
	p, err := NewPlan(c, m)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestRegisterIsComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range All() {
		if seen[d.Name] {
			t.Errorf("%s is registered twice", d.Name)
		}
		seen[d.Name] = true
		if d.Title == "" || len(d.Kinds) == 0 || d.Unit == "" || d.Range == "" || d.Doc == "" || d.Use == "" || d.Blind == "" || d.Null == "" || d.Cost == "" || d.Source == "" || d.Compare == nil || !(d.Threshold > 0) {
			t.Errorf("%s: the entry is incomplete: %+v", d.Name, d)
		}
	}
	if _, err := Lookup("waserstein"); err == nil || !contains(err.Error(), `did you mean "wasserstein"`) {
		t.Errorf("suggestion: %v", err)
	}
}

// The default set is a promise: a longer one would make each of its tests less
// sensitive for everybody.
func TestDefaultSet(t *testing.T) {
	names := func(list ...string) (out []string) {
		for _, d := range selected(list) {
			out = append(out, d.Name)
		}
		return out
	}
	nine := []string{"psi", "js", "ks", "wasserstein", "chi_square", "linf", "new_category", "missing", "constant"}
	if got := names(); !slices.Equal(got, nine) {
		t.Errorf("an empty list runs %v", got)
	}
	if got := names("default", "energy"); len(got) != 10 || !slices.Contains(got, "energy") {
		t.Errorf("default and energy run %v", got)
	}
	if got := names("all"); !slices.Equal(got, Names()) {
		t.Errorf("all runs %v", got)
	}
	if got := names("ks"); !slices.Equal(got, []string{"ks"}) {
		t.Errorf("ks runs %v", got)
	}
	c := DefaultConfig()
	c.Detectors = []string{"all", "default", "ks"}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
}
