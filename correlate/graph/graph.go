package graph

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Edge says that Source calls or depends on Target in a time.
type Edge struct {
	Source   Entity    `json:"source"`
	Target   Entity    `json:"target"`
	From     time.Time `json:"from"`     // first seen; zero: since ever
	Until    time.Time `json:"until"`    // last seen; zero: for ever
	Declared bool      `json:"declared"` // by people rather than seen in records
}

type pair struct{ source, target Entity }

// Graph collects edges. One goroutine owns it.
type Graph struct{ edges map[pair]Edge }

// New makes a graph without edges.
func New() *Graph { return &Graph{edges: map[pair]Edge{}} }

// See notes that an edge was seen in a record of a time.
func (g *Graph) See(source, target Entity, at time.Time) {
	g.Add(Edge{Source: source, Target: target, From: at.UTC(), Until: at.UTC()})
}

// Add an edge. The same edge twice lasts from the earlier beginning to the
// later end; an end that is missing is none. Edges to oneself and to nothing
// are passed over.
func (g *Graph) Add(e Edge) {
	if e.Source == "" || e.Target == "" || e.Source == e.Target {
		return
	}
	k := pair{e.Source, e.Target}
	if old, known := g.edges[k]; known {
		e.Declared = e.Declared || old.Declared
		if old.From.Before(e.From) { // zero is before all
			e.From = old.From
		}
		if old.Until.IsZero() || !e.Until.IsZero() && old.Until.After(e.Until) {
			e.Until = old.Until
		}
	}
	g.edges[k] = e
}

// Edges in the order of their source and target.
func (g *Graph) Edges() []Edge {
	return slices.SortedFunc(maps.Values(g.edges), func(a, b Edge) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Target, b.Target))
	})
}

// Between is what held at any moment from one time to another.
func (g *Graph) Between(from, until time.Time) *View {
	v := &View{out: map[Entity][]Entity{}, in: map[Entity][]Entity{}}
	for _, e := range g.Edges() {
		if e.From.After(until) || !e.Until.IsZero() && e.Until.Before(from) {
			continue
		}
		v.out[e.Source] = append(v.out[e.Source], e.Target)
		v.in[e.Target] = append(v.in[e.Target], e.Source)
	}
	return v
}

// Whole is the graph of all times.
func (g *Graph) Whole() *View {
	v := &View{out: map[Entity][]Entity{}, in: map[Entity][]Entity{}}
	for _, e := range g.Edges() {
		v.out[e.Source] = append(v.out[e.Source], e.Target)
		v.in[e.Target] = append(v.in[e.Target], e.Source)
	}
	return v
}
