package eval

import (
	"math"
	"testing"
)

func value(v *float64) float64 {
	if v == nil {
		return math.NaN()
	}
	return *v
}

func TestScore(t *testing.T) {
	nan := math.NaN()
	two := []Change{{100, 100}, {500, 520}}
	for name, c := range map[string]struct {
		changes                []Change
		alarms                 []int
		found, repeated, false int
		mtd, mtfa, mdr, mtr    float64
		atLeast                bool
	}{
		"both found, one false":             {two, []int{110, 530, 900}, 2, 0, 1, 20, 878, 0, 43.9, false},
		"one missed":                        {two, []int{110}, 1, 0, 0, 10, 878, 0.5, 43.9, true},
		"found twice":                       {two, []int{100, 101, 150}, 1, 2, 0, 0, 878, 0.5, 439, true},
		"just too late":                     {two, []int{151, 571}, 0, 0, 2, nan, 439, 1, nan, false},
		"last row of the tolerance":         {two, []int{150, 570}, 2, 0, 0, 60, 878, 0, 878.0 / 60, true},
		"no alarms":                         {two, nil, 0, 0, 0, nan, 878, 1, nan, true},
		"no changes":                        {nil, []int{10, 20}, 0, 0, 2, nan, 500, nan, nan, false},
		"changes closer than the tolerance": {[]Change{{100, 100}, {120, 120}}, []int{119, 120}, 2, 0, 0, 9.5, 929, 0, 929 / 9.5, true},
		"a change near the end":             {[]Change{{990, 990}}, []int{5, 995}, 1, 0, 1, 5, 990, 0, 198, false},
	} {
		var a tally
		a.add(1000, c.changes, 50, c.alarms)
		got := a.result()
		same := func(a *float64, b float64) bool {
			return math.IsNaN(value(a)) == math.IsNaN(b) && !(math.Abs(value(a)-b) > 1e-9)
		}
		if got.Found != c.found || got.Repeated != c.repeated || got.False != c.false || got.Alarms != len(c.alarms) || got.AtLeast != c.atLeast ||
			!same(got.MTD, c.mtd) || !same(got.MTFA, c.mtfa) || !same(got.MDR, c.mdr) || !same(got.MTR, c.mtr) {
			t.Errorf("%s: %+v, MTD %v MTFA %v MDR %v MTR %v", name, got, value(got.MTD), value(got.MTFA), value(got.MDR), value(got.MTR))
		}
	}
}

func TestScoreOverRuns(t *testing.T) {
	var a tally
	for _, alarms := range [][]int{{110}, {130}, {5}} {
		a.add(1000, []Change{{100, 100}}, 50, alarms)
	}
	got := a.result()
	if value(got.MTD) != 20 || value(got.MTFA) != 3*949 || math.Abs(value(got.MDR)-1.0/3) > 1e-12 || got.Changes != 3 {
		t.Errorf("%+v: MTD %v, MTFA %v, MDR %v", got, value(got.MTD), value(got.MTFA), value(got.MDR))
	}
}
