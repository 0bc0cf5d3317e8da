package detectors

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/detectors/internal/tail"
	"github.com/driftline/driftline/schemas"
)

var monday = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

// hourly draws windows of one numeric and one categorical feature, hour by
// hour, from a function of the time and of noise of deviation 1.
func hourly(n, rows int, at time.Time, value func(at time.Time, noise float64) float64, noise func() float64) []schemas.WindowSummaries {
	out := make([]schemas.WindowSummaries, n)
	for i := range out {
		numbers, texts := make([]float64, rows), make([]string, rows)
		for j := range numbers {
			numbers[j] = value(at, noise())
			texts[j] = fmt.Sprintf("c%d", min(4, max(0, int(2+numbers[j]))))
		}
		out[i] = schemas.WindowSummaries{
			ModelKey: testKey, Version: "1", Rows: uint64(rows), Span: schemas.Span{Start: at, End: at.Add(time.Hour)},
			Features: []schemas.Summary{SummarizeStrings("c", texts), SummarizeNumbers("x", numbers)},
		}
		at = at.Add(time.Hour)
	}
	return out
}

// whole is the reference made of all rows of some windows.
func whole(windows []schemas.WindowSummaries) *schemas.Reference {
	var numbers []float64
	var texts []string
	for i := range windows {
		for _, c := range windows[i].Features[0].Categories {
			for range c.Count {
				texts = append(texts, c.Value)
			}
		}
		for _, p := range windows[i].Features[1].Points {
			for range int(p.Weight) {
				numbers = append(numbers, p.Value)
			}
		}
	}
	return reference(SummarizeStrings("c", texts), SummarizeNumbers("x", numbers))
}

func dependent(rng *rand.Rand, rho float64) func() float64 {
	x := rng.NormFloat64()
	return func() float64 {
		x = rho*x + math.Sqrt(1-rho*rho)*rng.NormFloat64()
		return x
	}
}

func plainly(_ time.Time, noise float64) float64 { return noise }

func bySeason(at time.Time, noise float64) float64 {
	return noise + 0.5*math.Sin(2*math.Pi*float64(at.Hour())/24)
}

func calibrated(p *Plan, windows []schemas.WindowSummaries) *schemas.Reference {
	ref := whole(windows)
	c := p.Calibrate(ref, p.Score(ref, windows))
	ref.Calibration = &c
	return ref
}

// Under streams that do not change, calibrated p-values are at or below a level
// no more often than the level says, whatever rows depend on; those of
// independent rows are, by far.
func TestLawCalibratedPValuesHoldTheirLevel(t *testing.T) {
	plan := mustPlan(t, DefaultConfig(), Model{Name: "m", Detectors: []string{"psi", "ks", "wasserstein", "chi_square", "linf"}})
	const features, history, after, level = 8, 300, 100, 0.01
	for _, c := range []struct {
		name  string
		rho   float64
		value func(time.Time, float64) float64
		naive float64 // at least so often are the p-values of independent rows, of all detectors
	}{
		{"iid", 0, plainly, 0},
		{"ar1", 0.8, plainly, 0.1},
		{"seasonal", 0, bySeason, 0.2},
		{"seasonal ar1", 0.8, bySeason, 0.2},
	} {
		raw, held := map[string]int{}, map[string]int{}
		for f := range features {
			noise := dependent(rand.New(rand.NewPCG(uint64(f), 77)), c.rho)
			past := hourly(history, 120, monday, c.value, noise)
			ref := calibrated(plan, past)
			for _, w := range hourly(after, 120, monday.Add(history*time.Hour), c.value, noise) {
				for i := range ref.Features {
					r, cur := &ref.Features[i], &w.Features[i]
					for _, d := range plan.detectors {
						if !d.Applies(r.Kind) {
							continue
						}
						got := d.Compare(r, cur, DefaultParams())
						p := CalibratedP(ref.Calibration, r.Feature, r.Kind, d.Name, got.Score, r.Rows, cur.Rows, w.Span.Start, got.PValue)
						if got.PValue <= level {
							raw[d.Name]++
						}
						if p <= level {
							held[d.Name]++
						}
					}
				}
			}
		}
		n := float64(features * after)
		for d, k := range held {
			t.Logf("%-12s %-12s p ≤ %v: %.4f, of independent rows %.4f", c.name, d, level, float64(k)/n, float64(raw[d])/n)
			// Three standard errors; a feature's calibration makes its windows agree, as if a third as many.
			if rate := float64(k) / n; rate > level+3*math.Sqrt(3*level/n) {
				t.Errorf("%s, %s: %.4f of calibrated p-values are ≤ %v", c.name, d, rate, level)
			}
		}
		for d, k := range raw {
			if rate := float64(k) / n; rate < c.naive {
				t.Errorf("%s, %s: %.4f of the p-values of independent rows are ≤ %v: the stream is too easy", c.name, d, rate, level)
			}
		}
	}
}

func oneCalibration(t *testing.T) (*Plan, *schemas.Reference) {
	t.Helper()
	plan := mustPlan(t, DefaultConfig(), Model{Name: "m"})
	return plan, calibrated(plan, hourly(24*14, 150, monday, bySeason, dependent(rand.New(rand.NewPCG(1, 1)), 0.5)))
}

func TestLawCalibratedPValueNeverRisesWithTheScore(t *testing.T) {
	_, ref := oneCalibration(t)
	for i := range ref.Calibration.Nulls {
		n := &ref.Calibration.Nulls[i]
		if n.Windows == 0 {
			continue
		}
		last := 1.0
		for score := 1e-6; score < 1e6; score *= 1.02 {
			p := tailOf(n, surpriseOf(n, score, 150, monday.Add(5*time.Hour)))
			if !(p > 0) || p > last {
				t.Fatalf("%s of %s: p %v at score %v, %v at a smaller one", n.Detector, n.Feature, p, score, last)
			}
			last = p
		}
	}
}

// Fewer rows than the history's windows never make a score more significant.
func TestLawFewerRowsNeverMakeMoreOfAScore(t *testing.T) {
	_, ref := oneCalibration(t)
	for i := range ref.Calibration.Nulls {
		n := &ref.Calibration.Nulls[i]
		if n.Windows == 0 {
			continue
		}
		last := 0.0
		for rows := 10_000.0; rows > 10; rows *= 0.9 {
			p := tailOf(n, surpriseOf(n, 0.3, rows, monday))
			if p < last {
				t.Fatalf("%s of %s: p %v with %v rows, %v with more", n.Detector, n.Feature, p, rows, last)
			}
			last = p
		}
	}
}

func TestLawWithoutACalibrationNothingChanges(t *testing.T) {
	on, off := DefaultConfig(), DefaultConfig()
	off.Calibrate = false
	past := hourly(50, 150, monday, plainly, dependent(rand.New(rand.NewPCG(2, 1)), 0.5))
	ref := whole(past)
	bare := EvaluateWindow(mustPlan(t, on, Model{Name: "m"}), ref, past[:1], past[0].Span, monday)
	for _, s := range bare {
		if s.State == schemas.StateNoData {
			continue
		}
		k := 0
		for ref.Features[k].Feature != s.Feature {
			k++
		}
		d, err := Lookup(s.Detector)
		if err != nil || s.Score != d.Compare(&ref.Features[k], &past[0].Features[k], DefaultParams()).Score || s.MinimalEffect != 0 {
			t.Errorf("%+v, %v", s, err)
		}
	}
	c := mustPlan(t, on, Model{Name: "m"})
	with := calibrated(c, past)
	for name, got := range map[string][]schemas.Signal{
		"switched off":  EvaluateWindow(mustPlan(t, off, Model{Name: "m"}), with, past[:1], past[0].Span, monday),
		"other windows": EvaluateWindow(mustPlan(t, on, Model{Name: "m", Window: Every(2 * time.Hour)}), with, past[:1], past[0].Span, monday),
	} {
		// The level follows the window and is named in some reasons only.
		for i := range got {
			if math.Float64bits(got[i].PValue) != math.Float64bits(bare[i].PValue) || got[i].Score != bare[i].Score || got[i].MinimalEffect != 0 {
				t.Errorf("%s: %+v, want %+v", name, got[i], bare[i])
			}
		}
	}
	if got := EvaluateWindow(c, with, past[:1], past[0].Span, monday); reflect.DeepEqual(got, bare) {
		t.Error("a calibration changes nothing")
	}
}

func TestLawShortHistoryIsConservative(t *testing.T) {
	plan := mustPlan(t, DefaultConfig(), Model{Name: "m"})
	all := hourly(700, 150, monday, plainly, dependent(rand.New(rand.NewPCG(3, 1)), 0.5))
	critical := func(n int) map[string]float64 {
		ref := calibrated(plan, all[:n])
		out := map[string]float64{}
		for i := range ref.Calibration.Nulls {
			v := &ref.Calibration.Nulls[i]
			if v.Windows > 0 {
				// In units of the history's own mean, so that only its length tells.
				out[v.Feature+" "+v.Detector] = (surpriseAt(v, 1e-3) - v.Tail.From) / v.Tail.Mean
			}
		}
		return out
	}
	short, long := critical(40), critical(700)
	for name, at := range long {
		if s, ok := short[name]; ok && s <= at {
			t.Errorf("%s: with 40 windows the critical value is %v, with 700 %v", name, s, at)
		}
	}
	if len(short) == 0 {
		t.Error("40 windows calibrate nothing")
	}
	if got := critical(leastHistory - 1); len(got) != 0 {
		t.Errorf("%d windows calibrate %v", leastHistory-1, got)
	}
}

func TestLawCalibrationIsDeterministicAndSurvivesJSON(t *testing.T) {
	plan, a := oneCalibration(t)
	_, b := oneCalibration(t)
	text, err := json.Marshal(a.Calibration)
	if err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(b.Calibration)
	if err != nil || string(again) != string(text) {
		t.Errorf("two runs differ: %v", err)
	}
	var back schemas.Calibration
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	b.Calibration = &back
	w := hourly(1, 150, monday.Add(24*15*time.Hour), bySeason, dependent(rand.New(rand.NewPCG(9, 1)), 0.5))
	x, y := EvaluateWindow(plan, a, w, w[0].Span, monday), EvaluateWindow(plan, b, w, w[0].Span, monday)
	if !reflect.DeepEqual(x, y) {
		t.Error("a calibration that went through JSON judges differently")
	}
	t.Logf("%d null distributions of %d windows: %d bytes of JSON", len(back.Nulls), back.Windows, len(text))
}

func TestLawHistoriesMerge(t *testing.T) {
	plan := mustPlan(t, DefaultConfig(), Model{Name: "m"})
	all := hourly(60, 150, monday, plainly, dependent(rand.New(rand.NewPCG(4, 1)), 0.5))
	ref := whole(all)
	want := plan.Score(ref, all)
	first, second := plan.Score(ref, all[:40]), plan.Score(ref, all[30:])
	if got := first.Merge(second); !reflect.DeepEqual(got, want) {
		t.Error("two halves are not the whole")
	}
	if got := second.Merge(first); !reflect.DeepEqual(got, want) {
		t.Error("the order counts")
	}
	if got := want.Merge(want); !reflect.DeepEqual(got, want) {
		t.Error("a history merged with itself is another one")
	}
	var back History
	text, err := json.Marshal(want)
	if err == nil {
		err = json.Unmarshal(text, &back)
	}
	if err != nil || !reflect.DeepEqual(back, want) {
		t.Errorf("through JSON: %v", err)
	}
}

// Resampling blocks of windows and fitting anew gives, averaged, the tail that
// the closed form gives at once.
func TestClosedTailAgreesWithBlockResampling(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	ys := make([]float64, 400)
	for i := range ys {
		ys[i] = rng.ExpFloat64()
	}
	var n schemas.Null
	n.Windows, n.Memory = len(ys), 1
	if !fitTail(&n, ys) {
		t.Fatal("no tail")
	}
	const runs, block = 2000, 5
	for _, p := range []float64{1e-2, 1e-3} {
		y, mean := surpriseAt(&n, p), 0.0
		for range runs {
			again := make([]float64, 0, len(ys))
			for len(again) < len(ys) {
				i := rng.IntN(len(ys) - block)
				again = append(again, ys[i:i+block]...)
			}
			var m schemas.Null
			m.Windows, m.Memory = len(ys), 1
			fitTail(&m, again)
			mean += tailOf(&m, y) / runs
		}
		t.Logf("p %v: resampled %v", p, mean)
		if mean < p/1.5 || mean > p*1.5 {
			t.Errorf("at the surprise of p = %v resampled blocks say %v", p, mean)
		}
	}
}

// The predictive tail is exact: over many histories of exponential surprises a
// new one is beyond the critical value as often as declared, however short they
// are.
func TestTailIsExactOnAverage(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	for _, windows := range []int{20, 60, 500} {
		const runs, p = 4000, 1e-3
		mean := 0.0
		for range runs {
			ys := make([]float64, windows)
			for i := range ys {
				ys[i] = rng.ExpFloat64()
			}
			n := schemas.Null{Windows: windows, Memory: 1}
			if fitTail(&n, ys) {
				mean += math.Exp(-surpriseAt(&n, p)) / runs
			}
		}
		t.Logf("%d windows: %.5f of new ones beyond p = %v", windows, mean, p)
		if math.Abs(mean/p-1) > 0.2 {
			t.Errorf("%d windows: %v, want %v", windows, mean, p)
		}
	}
}

func TestLogGammaTail(t *testing.T) {
	for _, shape := range []float64{0.3, 1, 4.5, 120} {
		for _, x := range []float64{0.1, 1, 5, 100, 300} {
			if p := tail.Gamma(shape, x); p > 1e-290 {
				near(t, fmt.Sprintf("shape %v at %v", shape, x), logGammaTail(shape, x), math.Log(p), 1e-9*max(1, -math.Log(p)))
			}
		}
		near(t, "inverse", -logGammaTail(shape, gammaQuantile(shape, 7)), 7, 1e-9)
	}
	near(t, "far out", logGammaTail(1, 5000), -5000, 1e-6)
}

func TestSeasonIsChosenByWhatItPredicts(t *testing.T) {
	plan := mustPlan(t, DefaultConfig(), Model{Name: "m", Detectors: []string{"ks"}})
	weekly := func(at time.Time, noise float64) float64 {
		if at.Weekday() == time.Sunday {
			noise++
		}
		return noise
	}
	for _, c := range []struct {
		name  string
		hours int
		value func(time.Time, float64) float64
		want  string
	}{
		{"none", 24 * 28, plainly, ""},
		{"by day", 24 * 14, bySeason, periodDay},
		{"by week", 24 * 28, weekly, periodWeek},
		{"by week, but two weeks of history", 24 * 14, weekly, ""},
		{"by day, but two days of history", 48, bySeason, ""},
	} {
		rng := rand.New(rand.NewPCG(7, 1))
		ref := calibrated(plan, hourly(c.hours, 150, monday, c.value, rng.NormFloat64))
		n := nullOf(ref.Calibration, "x", schemas.Numeric, "ks")
		if n == nil || n.Season.Period != c.want {
			t.Errorf("%s: %+v", c.name, n)
		}
	}
}

// A window that can just see an effect finds it in about 4 of 5 cases.
func TestMinimalEffectIsFoundInFourOfFive(t *testing.T) {
	plan := mustPlan(t, DefaultConfig(), Model{Name: "m", Detectors: []string{"ks"}, Thresholds: map[string]float64{"ks": 0}})
	for _, rho := range []float64{0, 0.8} {
		noise := dependent(rand.New(rand.NewPCG(8, 1)), rho)
		ref := calibrated(plan, hourly(400, 200, monday, plainly, noise))
		probe := hourly(1, 200, monday, plainly, noise)
		effect := find(t, EvaluateWindow(plan, ref, probe, probe[0].Span, monday), "1", "x", "ks").MinimalEffect
		// KS of two normals whose means differ by δ is 2Φ(δ/2)−1.
		shift := 2 * math.Sqrt2 * math.Erfinv(effect)
		found, runs := 0, 400
		for _, w := range hourly(runs, 200, monday, func(_ time.Time, z float64) float64 { return z + shift }, noise) {
			if find(t, EvaluateWindow(plan, ref, []schemas.WindowSummaries{w}, w.Span, monday), "1", "x", "ks").State == schemas.StateAlarm {
				found++
			}
		}
		t.Logf("ρ = %v: KS %.3f, a shift by %.3f deviations, found in %d of %d", rho, effect, shift, found, runs)
		if share := float64(found) / float64(runs); share < 0.7 || share > 0.97 {
			t.Errorf("ρ = %v: found in %.2f of windows", rho, share)
		}
	}
}

// A reference file with times is calibrated as it is loaded, one without only
// knows what independent rows would tell, and none at all without permission.
func TestLoadReferenceCalibrates(t *testing.T) {
	file := filepath.Join(t.TempDir(), "reference.csv")
	rng := rand.New(rand.NewPCG(1, 1))
	var b strings.Builder
	b.WriteString("at,age,city\n")
	for i := range 48 * 120 {
		fmt.Fprintf(&b, "%s,%.3f,%c\n", monday.Add(time.Duration(i)*30*time.Second).Format(time.RFC3339), rng.NormFloat64(), 'a'+rune(rng.IntN(3)))
	}
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	load := func(c Config, at, exclude string) schemas.Reference {
		m := Model{Name: "m", Reference: ReferenceFile{File: file, Timestamp: at}}
		if exclude != "" {
			m.Reference.Exclude = []string{exclude}
		}
		ref, err := LoadReference(mustPlan(t, c, m), &m, nil)
		if err != nil {
			t.Fatal(err)
		}
		return ref
	}
	c := DefaultConfig()
	timed, plain := load(c, "at", ""), load(c, "", "at")
	if timed.Version != plain.Version {
		t.Error("the calibration changed the reference's version")
	}
	if got := timed.Calibration; got == nil || got.Windows != 48 || got.Window != "1h" || !got.From.Equal(monday) || !got.To.Equal(monday.Add(47*time.Hour)) {
		t.Errorf("%+v", got)
	}
	n := nullOf(timed.Calibration, "age", schemas.Numeric, "ks")
	if n == nil || n.Windows != 48 || n.Sizes.Typical < 115 || len(n.Iid) != 3 {
		t.Errorf("%+v", n)
	}
	if n := nullOf(plain.Calibration, "age", schemas.Numeric, "ks"); n == nil || n.Windows != 0 || len(n.Iid) != 3 {
		t.Errorf("%+v", n)
	}
	w := []schemas.WindowSummaries{window("1", SummarizeNumbers("age", column(rng, 120, populations["normal"])))}
	for name, ref := range map[string]schemas.Reference{"timed": timed, "plain": plain} {
		s := find(t, EvaluateWindow(mustPlan(t, c, Model{Name: "m"}), &ref, w, schemas.Span{Start: monday, End: monday.Add(time.Hour)}, monday), "1", "age", "ks")
		if s.MinimalEffect < 0.1 || s.MinimalEffect > 0.5 {
			t.Errorf("%s: %+v", name, s)
		}
		if contains(s.Reason, "chance as in 48 windows of the reference") != (name == "timed") || !contains(s.Reason, "so few rows tell 0.") {
			t.Errorf("%s: %s", name, s.Reason)
		}
		t.Log(s.Reason)
	}
	c.Calibrate = false
	if ref := load(c, "at", ""); ref.Calibration != nil {
		t.Error("calibrated against the configuration")
	}
}

// No window, however broken, gives a signal of a calibrated reference a number
// that JSON cannot carry; nor does a history with broken windows.
func TestCalibratedSignalsAreFinite(t *testing.T) {
	plan := mustPlan(t, DefaultConfig(), Model{Name: "m"})
	broken := func(points ...schemas.Point) schemas.Summary {
		return schemas.Summary{Feature: "x", Kind: schemas.Numeric, Rows: 1000, Points: points}
	}
	cases := []schemas.Summary{
		broken(), broken(schemas.Point{Value: 1}), broken(schemas.Point{Value: math.NaN(), Weight: 1000}),
		broken(schemas.Point{Value: math.Inf(1), Weight: 1000}),
		broken(schemas.Point{Value: -math.MaxFloat64, Weight: 500}, schemas.Point{Value: math.MaxFloat64, Weight: 500}),
		broken(schemas.Point{Value: 1, Weight: 1000}), broken(schemas.Point{Value: 5e-324, Weight: 1000}),
		{Feature: "x", Kind: schemas.Numeric, Rows: 1e18, Points: []schemas.Point{{Value: 3, Weight: 1e18}}},
	}
	for _, rows := range []int{150, 1} {
		past := hourly(60, 150, monday, bySeason, dependent(rand.New(rand.NewPCG(4, 1)), 0.5))
		for i := range cases {
			past[20+i].Features[1] = cases[i]
		}
		ref := whole(hourly(60, rows, monday, bySeason, dependent(rand.New(rand.NewPCG(4, 1)), 0.5)))
		c := plan.Calibrate(ref, plan.Score(ref, past))
		ref.Calibration = &c
		if _, err := json.Marshal(c); err != nil {
			t.Errorf("the calibration: %v", err)
		}
		for j := range cases {
			for _, s := range EvaluateWindow(plan, ref, []schemas.WindowSummaries{window("1", cases[j])}, schemas.Span{Start: monday, End: monday.Add(time.Hour)}, monday) {
				if _, err := json.Marshal(s); err != nil || s.PValue < 0 || s.PValue > 1 || s.MinimalEffect < 0 || s.Reason == "" {
					t.Errorf("window %d: %v, %+v", j, err, s)
				}
			}
		}
	}
}

// A window is part of the reference that it is compared with. With that share
// divided out, the history scores as new windows do.
func TestShareOfTheReferenceIsDividedOut(t *testing.T) {
	plan := mustPlan(t, DefaultConfig(), Model{Name: "m"})
	const windows, runs = 25, 60
	noise := dependent(rand.New(rand.NewPCG(11, 1)), 0)
	for _, d := range []Detector{psiDetector, wassersteinDetector} {
		var own, fresh float64
		for range runs {
			all := hourly(2*windows, 200, monday, plainly, noise)
			ref := whole(all[:windows])
			factor := (1 + 1.0/windows) / (1 - 1.0/windows)
			for _, s := range plan.Score(ref, all[:windows]).Series {
				for _, v := range s.Scores {
					if s.Detector == d.Name {
						own += factor * math.Pow(v, exponent(d.Name))
					}
				}
			}
			for _, w := range all[windows:] {
				fresh += math.Pow(d.Compare(&ref.Features[1], &w.Features[1], DefaultParams()).Score, exponent(d.Name))
			}
		}
		t.Logf("%s: history %.5f, new windows %.5f", d.Name, own/(windows*runs), fresh/(windows*runs))
		if ratio := own / fresh; math.Abs(ratio-1) > 0.05 {
			t.Errorf("%s: the history's squares are %.3f of new windows'", d.Name, ratio)
		}
	}
}
