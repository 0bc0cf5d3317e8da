package performance

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/driftline/driftline/internal/testkit"
)

// Two models that err equally often, looked at after every request of a long
// run: the share of runs that ever call a winner is at most the level. The
// worst case is tried too, differences of always full size.
func TestSequentialNeverErrsTooOften(t *testing.T) {
	runs, length := 400, 5000
	if testing.Short() || testkit.Race {
		runs, length = 150, 2000
	}
	cases := map[string]func(*rand.Rand) (float64, float64){
		"errors of 5%":      func(r *rand.Rand) (float64, float64) { return one(r.Float64() < 0.05), one(r.Float64() < 0.05) },
		"errors of 40%":     func(r *rand.Rand) (float64, float64) { return one(r.Float64() < 0.4), one(r.Float64() < 0.4) },
		"always opposite":   func(r *rand.Rand) (float64, float64) { x := one(r.Float64() < 0.5); return x, 1 - x },
		"rare large losses": func(r *rand.Rand) (float64, float64) { return one(r.Float64() < 0.001), 0.001 },
	}
	for name, draw := range cases {
		ever, missed := 0.0, 0.0
		for k := range runs {
			rng := rand.New(rand.NewPCG(uint64(k), 31))
			q, err := NewSequential(0.05, 1)
			if err != nil {
				t.Fatal(err)
			}
			for range length {
				q.Add(draw(rng))
			}
			c := q.Compare() // evidence and bounds are the best of all looks
			ever += one(c.Winner != Undecided) / float64(runs)
			missed += one(c.Low > 0 || c.High < 0) / float64(runs)
			if (c.Winner != Undecided) != (c.Low > 0 || c.High < 0) {
				t.Errorf("%s: winner %s by p=%v, interval %v to %v", name, c.Winner, c.PValue, c.Low, c.High)
			}
		}
		t.Logf("%-17s runs of %d that ever call a winner: %.4f at level 0.05", name, length, ever)
		if ever > 0.05+3*math.Sqrt(0.05*0.95/float64(runs)) {
			t.Errorf("%s: %.4f of runs ever call a winner", name, ever)
		}
	}
}

func TestSequentialFindsTheBetterModel(t *testing.T) {
	for _, c := range []struct {
		champion, challenger float64
		want                 Winner
	}{{0.10, 0.05, Challenger}, {0.05, 0.10, Champion}, {0.3, 0.25, Challenger}} {
		right, sum := 0, 0
		const runs, length = 50, 20000
		for k := range runs {
			rng := rand.New(rand.NewPCG(uint64(k), 32))
			q, err := NewSequential(0.05, 1)
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for n < length && q.Compare().Winner == Undecided {
				q.Add(one(rng.Float64() < c.champion), one(rng.Float64() < c.challenger))
				n++
			}
			sum += n
			right += int(one(q.Compare().Winner == c.want))
		}
		t.Logf("error %.2f against %.2f: right in %d of %d runs, after %d requests in the mean", c.champion, c.challenger, right, runs, sum/runs)
		if right < runs*9/10 {
			t.Errorf("%+v: right in %d of %d", c, right, runs)
		}
	}
}

// The same stream through one test and through one that is stored and read
// after every hundredth request.
func TestSequentialRestoresBitForBit(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 33))
	a, err := NewSequential(0.01, 2)
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewSequential(0.01, 2)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3000 {
		x, y := rng.Float64()*3, rng.Float64()
		a.Add(x, y)
		b.Add(x, y)
		if i%100 == 0 {
			data, err := json.Marshal(b.Snapshot())
			if err != nil {
				t.Fatal(err)
			}
			var s SequentialState
			if err := json.Unmarshal(data, &s); err != nil {
				t.Fatal(err)
			}
			if b, err = RestoreSequential(s); err != nil {
				t.Fatal(err)
			}
		}
	}
	if a.Snapshot() != b.Snapshot() || a.Compare() != b.Compare() {
		t.Errorf("%+v and %+v", a.Snapshot(), b.Snapshot())
	}
	if c := a.Compare(); c.Clipped == 0 || c.Winner != Challenger {
		t.Errorf("%+v", c)
	}
	for _, s := range []SequentialState{{}, {Level: 2, Bound: 1}, {Level: 0.1, Bound: math.Inf(1)}} {
		if _, err := RestoreSequential(s); err == nil {
			t.Errorf("%+v is accepted", s)
		}
	}
}
