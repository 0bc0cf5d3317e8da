package main

import (
	"slices"
	"testing"
)

func draw(p *plan, n int) (out []fault) {
	for range n {
		out = append(out, p.next())
	}
	return out
}

func TestASeedRepeatsItsFaults(t *testing.T) {
	one, same, other := draw(newPlan(7, onFake), 500), draw(newPlan(7, onFake), 500), draw(newPlan(8, onFake), 500)
	if !slices.Equal(one, same) {
		t.Error("the same seed drew other faults")
	}
	if slices.Equal(one, other) {
		t.Error("another seed drew the same faults")
	}
}

func TestEveryKindComesInItsShare(t *testing.T) {
	for name, kinds := range map[string][]weighted{"kfake": onFake, "Apache Kafka": onApache} {
		round := 0
		for _, w := range kinds {
			round += w.weight
		}
		count := map[kind]int{}
		for _, f := range draw(newPlan(1, kinds), 3*round) {
			count[f.kind]++
		}
		for _, w := range kinds {
			if count[w.kind] != 3*w.weight {
				t.Errorf("%s: %d × %q in three rounds, want %d", name, count[w.kind], w.kind, 3*w.weight)
			}
		}
		if len(count) != len(kinds) {
			t.Errorf("%s: %d kinds drawn of %d", name, len(count), len(kinds))
		}
	}
}

// A run is said to meet all kinds: one round must be shorter than what is
// wanted by default.
func TestARunMeetsAllKinds(t *testing.T) {
	for name, c := range map[string]struct {
		kinds  []weighted
		faults int
	}{"kfake": {onFake, 200}, "Apache Kafka": {onApache, 30}} {
		met := map[kind]bool{}
		for _, f := range draw(newPlan(3, c.kinds), c.faults) {
			met[f.kind] = true
		}
		if len(met) != len(c.kinds) {
			t.Errorf("%s: %d faults meet %d of %d kinds", name, c.faults, len(met), len(c.kinds))
		}
	}
}
