package correlate_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/driftline/driftline/correlate"
	"github.com/driftline/driftline/schemas"
)

// randomRun is a sequence of evaluations of one model: drifts that come and
// go, windows without data, windows evaluated again and late.
func randomRun(rng *rand.Rand) []schemas.Evaluation {
	features := []string{"age", "income", "term", "", schemas.FeatureScore}
	drifting := map[string]bool{}
	var evs []schemas.Evaluation
	for n := range 20 + rng.IntN(120) {
		var signals []schemas.Signal
		for _, f := range features {
			if rng.IntN(12) == 0 {
				drifting[f] = !drifting[f]
			}
			signals = append(signals, randomSignal(rng, f, drifting[f], n))
		}
		evs = append(evs, evaluation(n, signals...))
		if rng.IntN(5) == 0 { // late data: an earlier window again
			k := max(0, n-rng.IntN(6))
			evs = append(evs, evaluation(k, later(randomSignal(rng, features[rng.IntN(5)], rng.IntN(2) == 0, n), n+1)))
		}
		if rng.IntN(10) == 0 { // delivered twice
			evs = append(evs, evs[rng.IntN(len(evs))])
		}
	}
	return evs
}

func randomSignal(rng *rand.Rand, feature string, drifting bool, n int) schemas.Signal {
	s := ok(feature)
	switch {
	case rng.IntN(10) == 0:
		s = noData(feature)
	case drifting:
		s = alarm(feature, 0.1+rng.Float64())
	}
	return later(s, n)
}

// laws of what is told, whatever the order of evaluations.
func laws(t *testing.T, told []schemas.Incident) {
	t.Helper()
	last := map[string]schemas.Incident{}
	for _, inc := range told {
		former, known := last[inc.ID]
		switch {
		case inc.Revision != former.Revision+1:
			t.Fatalf("%s: revision %d after %d", inc.ID, inc.Revision, former.Revision)
		case former.State == schemas.IncidentResolved && (inc.State != schemas.IncidentOpen || !slices.ContainsFunc(inc.Features, func(f string) bool { return slices.Contains(former.Features, f) })):
			t.Fatalf("%s changed after it was resolved, and was not opened again for a feature of its own", inc.ID)
		case known && !inc.Onset.Equal(former.Onset):
			t.Fatalf("%s moved its onset", inc.ID)
		case (inc.State == schemas.IncidentResolved) != (inc.ResolvedAt != nil):
			t.Fatalf("%s: %s at %v", inc.ID, inc.State, inc.ResolvedAt)
		case inc.UpdatedAt.Before(former.UpdatedAt) || inc.Title == "" || len(inc.Signals) == 0 || len(inc.Versions) == 0:
			t.Fatalf("%s is incomplete: %s", inc.ID, dump(inc))
		}
		last[inc.ID] = inc
		openGroups(t, last)
	}
}

// openGroups checks that open incidents of the model lie further apart than
// the reach within which series join.
func openGroups(t *testing.T, last map[string]schemas.Incident) {
	t.Helper()
	var onsets []time.Time
	for _, inc := range last {
		if inc.State == schemas.IncidentOpen {
			onsets = append(onsets, inc.Onset)
		}
	}
	slices.SortFunc(onsets, time.Time.Compare)
	for i := 1; i < len(onsets); i++ {
		if onsets[i].Sub(onsets[i-1]) <= 3*5*time.Minute {
			t.Fatalf("two open incidents began at %s and %s", onsets[i-1], onsets[i])
		}
	}
}

func TestLawsHoldOnRandomRuns(t *testing.T) {
	incidents := 0
	for seed := range uint64(150) {
		rng := rand.New(rand.NewPCG(seed, 1))
		evs := randomRun(rng)
		told := run(evs...)
		laws(t, told)
		if again := run(shuffled(rng, evs)...); dump(again) != dump(told) {
			t.Fatalf("seed %d: a replay with signals in another order gives\n%s, want\n%s", seed, dump(again), dump(told))
		}
		incidents += len(told)
	}
	t.Logf("%d revisions", incidents)
}

// shuffled is the same run with the signals of each evaluation in another order.
func shuffled(rng *rand.Rand, evs []schemas.Evaluation) []schemas.Evaluation {
	out := slices.Clone(evs)
	for i := range out {
		out[i].Signals = slices.Clone(out[i].Signals)
		rng.Shuffle(len(out[i].Signals), func(a, b int) {
			s := out[i].Signals
			s[a], s[b] = s[b], s[a]
		})
	}
	return out
}

// A crash loses the memory, not what was told: the evaluations since the last
// commit come again to a correlator that has the incidents of the store. What
// it tells goes on with the next revisions and keeps the laws.
func TestLawsHoldThroughCrashes(t *testing.T) {
	for seed := range uint64(150) {
		rng := rand.New(rand.NewPCG(seed, 2))
		evs := randomRun(rng)
		crash := rng.IntN(len(evs))
		again := max(0, crash-rng.IntN(4))
		told := run(evs[:crash]...)
		c := correlate.New(correlate.DefaultConfig())
		c.Restore(told)
		laws(t, append(told, feed(c, evs[again:]...)...))
	}
}

// Whatever happened, a model that is well for long has no open incident.
func TestEverythingResolvesInTheEnd(t *testing.T) {
	for seed := range uint64(150) {
		evs := randomRun(rand.New(rand.NewPCG(seed, 3)))
		for n := range 3 {
			evs = append(evs, evaluation(1000+n, ok("age"), ok("income"), ok("term"), ok(""), ok(schemas.FeatureScore)))
		}
		open := map[string]bool{}
		for _, inc := range run(evs...) {
			open[inc.ID] = inc.State == schemas.IncidentOpen
		}
		for id, still := range open {
			if still {
				t.Fatalf("seed %d: %s is still open", seed, id)
			}
		}
	}
}
