package rank_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/driftline/driftline/correlate/rank"
	"github.com/driftline/driftline/schemas"
)

// Judgements of a place where confidences are too high bring them down to how
// often they are right; where they are right nothing moves much.
func TestFeedback(t *testing.T) {
	if rank.Offset(nil) != 0 {
		t.Error("nobody judged, and it moved")
	}
	for _, truth := range []float64{-1.5, 0, 1} { // by which the real log-odds differ
		rng := rand.New(rand.NewPCG(1, 2))
		var all []rank.Judged
		for range 400 {
			told := 0.3 + 0.65*rng.Float64()
			all = append(all, rank.Judged{Confidence: told, Right: rng.Float64() < rank.Shift(told, truth)})
		}
		if got := rank.Offset(all); math.Abs(got-truth) > 0.35 {
			t.Errorf("offset %.2f, truth %.2f", got, truth)
		}
		if got := rank.Offset(all[:3]); math.Abs(got) > 1 {
			t.Errorf("three judgements move it by %.2f", got)
		}
	}
	d := schemas.Diagnosis{Causes: []schemas.Cause{{Confidence: 0.9}, {Confidence: 0.05}}}
	rank.Learn(&d, -1)
	if a, b := d.Causes[0].Confidence, d.Causes[1].Confidence; !(a < 0.9 && a > 0.7 && b < 0.05 && b > 0) {
		t.Errorf("%v %v", a, b)
	}
	for _, c := range []float64{0, 1e-12, 0.5, 1} {
		if v := rank.Shift(c, 3); math.IsNaN(v) || v < 0 || v > 1 {
			t.Errorf("shift of %v: %v", c, v)
		}
	}
}
