package budget

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/detectors"
	"github.com/driftline/driftline/internal/testkit"
	"github.com/driftline/driftline/schemas"
)

func (s *Stream) rate(t *testing.T, rule string) Rate {
	t.Helper()
	for _, r := range s.Rates {
		if r.Rule == rule {
			return r
		}
	}
	t.Fatalf("no rule %s", rule)
	return Rate{}
}

// Streams that do not change keep the budget that was declared: the same
// simulation as `driftline eval --budget`, with fewer features.
func TestBudgetIsKept(t *testing.T) {
	features := 15
	if testing.Short() || testkit.Race {
		features = 5
	}
	for i := range streams {
		s := &streams[i]
		if s.side {
			continue
		}
		got, err := s.run(t.Context(), 1, features)
		if err != nil {
			t.Fatal(err)
		}
		// So many alarms are expected; their variance is twice a Poisson's, for a
		// feature's alarms share its calibration.
		expected := float64(got.FeatureMonths)
		most := 1.25 + 3*math.Sqrt(2*expected)/expected
		for j := range rules {
			if !rules[j].budgeted {
				continue
			}
			r := got.rate(t, rules[j].name)
			t.Logf("%-9s %-24s %.2f ± %.2f alarms a feature-month", s.name, r.Rule, r.Rate, r.Error)
			if r.Rate > most {
				t.Errorf("%s, %s: %.2f alarms a feature-month, declared 1, at most %.2f by chance", s.name, r.Rule, r.Rate, most)
			}
		}
		if r := got.rate(t, "KS p < 0.05"); r.Rate < 25 {
			t.Errorf("%s: a p-value below 0.05 alarms %.2f times a feature-month", s.name, r.Rate)
		}
		if r := got.rate(t, "uncalibrated ks"); s.name != "iid" && r.Rate < 50 {
			t.Errorf("%s: rows taken for independent alarm %.2f times a feature-month: the stream is too easy", s.name, r.Rate)
		}
	}
}

// The rules decide as the service does.
func TestRulesAgreeWithEvaluateWindow(t *testing.T) {
	plan, err := onePerMonth()
	if err != nil {
		t.Fatal(err)
	}
	shift := 0.0
	step := autoregressive(rand.New(rand.NewPCG(3, 4)), 0.8)
	next := func(time.Time) []float64 { return rows(400, func() float64 { return shift + step() }) }
	ref, l, at, err := learn(next, 14*24)
	if err != nil {
		t.Fatal(err)
	}
	alarms := 0
	for i := range 60 {
		shift = float64(i%3) / 2
		w := hour(next, at)
		l.at(ref, &w)
		want := false
		for _, s := range detectors.EvaluateWindow(plan, ref, []schemas.WindowSummaries{w}, w.Span, at) {
			want = want || s.State == schemas.StateAlarm
		}
		for j := range rules {
			if rules[j].name == "verdict" && rules[j].fire(l) != want {
				t.Errorf("window %d: the rule says %v, the service %v", i, !want, want)
			}
		}
		if want {
			alarms++
		}
		at = at.Add(time.Hour)
	}
	if alarms < 10 || alarms > 50 {
		t.Errorf("%d of 60 windows alarm: nothing to compare", alarms)
	}
}

func TestRunIsDeterministic(t *testing.T) {
	s := &streams[1]
	a, err := s.run(t.Context(), 5, 2)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := s.run(t.Context(), 5, 2); err != nil || !reflect.DeepEqual(a, b) {
		t.Errorf("%v, %+v, %+v", err, a, b)
	}
	if b, err := s.run(t.Context(), 6, 2); err != nil || reflect.DeepEqual(a, b) {
		t.Errorf("another seed, the same run: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.run(ctx, 5, 2); err == nil {
		t.Error("a run that was cancelled ends well")
	}
	if _, err := Run(t.Context(), Options{Features: 9}); err == nil {
		t.Error("9 features are enough")
	}
}

func TestMeanShiftHasItsPSI(t *testing.T) {
	for _, psi := range powerShifts {
		if got := populationPSI(meanShift(psi)); math.Abs(got-psi) > 1e-9 {
			t.Errorf("%v, want %v", got, psi)
		}
	}
}

// More rows and larger shifts are found more often, and signals say what.
func TestPowerGrows(t *testing.T) {
	at := func(rows int) powerPlay {
		p, err := playPower(t.Context(), rand.New(rand.NewPCG(1, 1)), rows, 0)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	small, large := at(200), at(1000)
	if !(small.minimal > large.minimal) || large.minimal < 0.01 || small.minimal > 0.3 {
		t.Errorf("minimal effects %v and %v", small.minimal, large.minimal)
	}
	last := 0.0
	for k := range powerShifts {
		a, b := summed([]powerPlay{small}, k)[0], summed([]powerPlay{large}, k)[0]
		if a.Share > b.Share || a.Share < last || b.Delay > a.Delay {
			t.Errorf("PSI %v: %+v with 200 rows, %+v with 1,000, %v of a smaller shift", powerShifts[k], a, b, last)
		}
		last = a.Share
	}
}

func TestReportReads(t *testing.T) {
	r := Report{
		Declared: 1,
		Streams: []Stream{{Name: "iid", Title: "independent rows", FeatureMonths: 1000, Rates: []Rate{
			{Rule: "calibrated ks", Alarms: 980, Rate: 0.98, Error: 0.03, Budget: "kept"},
			{Rule: "verdict", Alarms: 500, Rate: 0.5, Error: 0.03, Budget: "below", Reason: "of this"},
			{Rule: "PSI > 0.1", Alarms: 12345, Rate: 12.345, Error: 0.1},
		}}},
		Power: []Power{{Stream: "iid", Rows: 200, Minimal: 0.155, Shifts: []Shift{{PSI: 0.05, Found: []Found{{Share: 0.5, Delay: 2, Censored: true}}}}}},
	}
	var text, md bytes.Buffer
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if err := r.WriteMarkdown(&md); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"1000 feature-months", "below, because of this", "12.35", "0.155", "> 2.0", "kept"} {
		if !strings.Contains(text.String(), part) {
			t.Errorf("no %q in\n%s", part, text.String())
		}
	}
	for _, part := range []string{"## Alarm budget", "### iid", "| calibrated ks | 980 | 0.98 | 0.03 | kept |", "## Power", "Below, because of this."} {
		if !strings.Contains(md.String(), part) {
			t.Errorf("no %q in\n%s", part, md.String())
		}
	}
	if b, err := json.Marshal(r); err != nil || !strings.Contains(string(b), `"feature_months":1000`) {
		t.Errorf("%v %s", err, b)
	}
}
