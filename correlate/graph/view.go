package graph

import (
	"maps"
	"slices"
)

// View is the graph at a time, read-only. Lists are in ascending order.
type View struct{ out, in map[Entity][]Entity }

// Targets are what an entity depends on directly.
func (v *View) Targets(e Entity) []Entity { return v.out[e] }

// Sources are what depends on an entity directly.
func (v *View) Sources(e Entity) []Entity { return v.in[e] }

// Entities with an edge, ascending.
func (v *View) Entities() []Entity {
	all := map[Entity]bool{}
	for e := range v.out {
		all[e] = true
	}
	for e := range v.in {
		all[e] = true
	}
	return slices.Sorted(maps.Keys(all))
}

// Reached is an entity that another depends on, and the way there.
type Reached struct {
	Entity Entity
	Path   []Entity // from the entity to where the search began, shortest
}

// Reach is everything that an entity depends on, itself first, then by
// distance and name.
func (v *View) Reach(from Entity) []Reached {
	out := []Reached{{from, []Entity{from}}}
	seen := map[Entity]bool{from: true}
	for i := 0; i < len(out); i++ {
		for _, t := range v.out[out[i].Entity] {
			if !seen[t] {
				seen[t] = true
				out = append(out, Reached{t, append([]Entity{t}, out[i].Path...)})
			}
		}
	}
	return out
}

// Dependents are all that depend on an entity, through others too, ascending.
func (v *View) Dependents(of Entity) []Entity {
	seen := map[Entity]bool{of: true}
	queue := []Entity{of}
	for i := 0; i < len(queue); i++ {
		for _, s := range v.in[queue[i]] {
			if !seen[s] {
				seen[s] = true
				queue = append(queue, s)
			}
		}
	}
	out := queue[1:]
	slices.Sort(out)
	return out
}

// Components number the entities so that those in a cycle have the same
// number and all others one of their own: Tarjan's strongly connected
// components.
func (v *View) Components() map[Entity]int {
	t := tarjan{v: v, index: map[Entity]int{}, low: map[Entity]int{}, onStack: map[Entity]bool{}, of: map[Entity]int{}}
	for _, e := range v.Entities() {
		if _, done := t.index[e]; !done {
			t.visit(e)
		}
	}
	return t.of
}

type tarjan struct {
	v          *View
	index, low map[Entity]int
	onStack    map[Entity]bool
	stack      []Entity
	of         map[Entity]int
	components int
}

func (t *tarjan) visit(e Entity) {
	t.index[e], t.low[e] = len(t.index), len(t.index)
	t.stack, t.onStack[e] = append(t.stack, e), true
	for _, next := range t.v.out[e] {
		if _, done := t.index[next]; !done {
			t.visit(next)
			t.low[e] = min(t.low[e], t.low[next])
		} else if t.onStack[next] {
			t.low[e] = min(t.low[e], t.index[next])
		}
	}
	if t.low[e] != t.index[e] {
		return
	}
	for {
		last := t.stack[len(t.stack)-1]
		t.stack, t.onStack[last] = t.stack[:len(t.stack)-1], false
		t.of[last] = t.components
		if last == e {
			break
		}
	}
	t.components++
}
