package performance

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/driftline/driftline/schemas"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// In whatever order records come, and however often, the same set ends in the
// same outcomes; the last by label time wins.
func TestJoinConverges(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	span := schemas.Span{Start: noon, End: noon.Add(time.Hour)}
	for round := range 30 {
		var feed []func(*Joiner) bool
		for i := range 60 {
			id, at := fmt.Sprintf("r%d", i), noon.Add(time.Duration(rng.IntN(90))*time.Minute)
			for range 1 + rng.IntN(2) { // a retry may carry another time or score
				p := Prediction{ID: id, At: at.Add(time.Duration(rng.IntN(2)) * time.Second), Class: "1", Score: float64(rng.IntN(3))}
				if p.Score == 0 {
					p.Score = math.NaN()
				}
				feed = append(feed, func(j *Joiner) bool { return j.Predict(p) })
			}
			for range rng.IntN(4) { // corrections, some at the same time
				l := Truth{ID: id, At: at.Add(time.Duration(rng.IntN(3)) * time.Hour), Class: fmt.Sprint(rng.IntN(2)), Value: math.NaN()}
				feed = append(feed, func(j *Joiner) bool { return j.Label(l) })
			}
		}
		var want Revision
		for k := range 6 {
			j := NewJoiner()
			for _, again := range rng.Perm(2 * len(feed)) { // every record twice
				feed[again%len(feed)](j)
			}
			for _, f := range feed {
				if f(j) {
					t.Fatal("a record seen before changed something")
				}
			}
			got := j.Revise(span, span.End, Finality{})
			if k == 0 {
				want = got
			} else if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) { // NaN is not equal to itself
				t.Fatalf("round %d: another order gives %+v, not %+v", round, got.Coverage, want.Coverage)
			}
		}
	}
}

func TestJoinCorrections(t *testing.T) {
	j := NewJoiner()
	span := schemas.Span{Start: noon, End: noon.Add(time.Hour)}
	label := func(class string, after time.Duration) bool {
		return j.Label(Truth{ID: "a", At: noon.Add(after), Class: class, Value: math.NaN()})
	}
	if !label("1", time.Hour) { // the label is first
		t.Error("the first label changed nothing")
	}
	if _, c := j.Window(span); c != (Coverage{}) {
		t.Errorf("a label alone gives %+v", c)
	}
	j.Predict(Prediction{ID: "a", At: noon, Class: "1", Score: 0.9})
	j.Predict(Prediction{ID: "b", At: noon.Add(time.Minute), Class: "0", Score: 0.2})
	if label("0", 30*time.Minute) {
		t.Error("an older label changed something")
	}
	if !label("0", 2*time.Hour) {
		t.Error("a correction changed nothing")
	}
	got, c := j.Window(span)
	if len(got) != 1 || got[0].Truth.Class != "0" || c != (Coverage{2, 1}) || c.Share() != 0.5 {
		t.Errorf("%+v %+v", got, c)
	}
}

func TestFinality(t *testing.T) {
	span := schemas.Span{Start: noon, End: noon.Add(time.Hour)}
	f := Finality{Coverage: 0.9, Delay: 2 * time.Hour}
	for _, c := range []struct {
		coverage Coverage
		after    time.Duration
		want     bool
	}{
		{Coverage{10, 10}, 59 * time.Minute, false}, // not over
		{Coverage{10, 9}, time.Hour, true},
		{Coverage{10, 8}, time.Hour, false},
		{Coverage{10, 8}, 3*time.Hour - 1, false},
		{Coverage{10, 8}, 3 * time.Hour, true}, // waited long enough
		{Coverage{}, time.Hour, false},
		{Coverage{}, 3 * time.Hour, true},
	} {
		if got := f.Final(span, c.coverage, noon.Add(c.after)); got != c.want {
			t.Errorf("%+v after %v: final %v", c.coverage, c.after, got)
		}
	}
}

func TestForget(t *testing.T) {
	j := NewJoiner()
	for i := range 10 {
		id, at := fmt.Sprint(i), noon.Add(time.Duration(i)*time.Minute)
		j.Predict(Prediction{ID: id, At: at})
		j.Label(Truth{ID: id, At: at.Add(24 * time.Hour)})
	}
	j.Label(Truth{ID: "orphan", At: noon})
	j.Forget(noon.Add(5 * time.Minute))
	if p, l := j.Len(); p != 5 || l != 5 {
		t.Errorf("%d predictions and %d labels are left", p, l)
	}
	if out, c := j.Window(schemas.Span{Start: noon, End: noon.Add(time.Hour)}); len(out) != 5 || !reflect.DeepEqual(c, Coverage{5, 5}) {
		t.Errorf("%d outcomes, %+v", len(out), c)
	}
}
