package graph_test

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/driftline/driftline/correlate/graph"
	"github.com/driftline/driftline/schemas"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func at(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }

func TestEntity(t *testing.T) {
	for e, want := range map[graph.Entity][3]string{
		"gpu/node-7/3": {"gpu", "node-7/3", "GPU node-7/3"},
		"pod/credit-0": {"pod", "credit-0", "pod credit-0"},
		"PetSite":      {"", "PetSite", "PetSite"},
		"a/b":          {"", "a/b", "a/b"},
	} {
		if got := [3]string{string(e.Kind()), e.Name(), e.String()}; got != want {
			t.Errorf("%s is %q, want %q", e, got, want)
		}
	}
	if graph.Of(graph.Pod, "") != "" || graph.VersionOf("m", "") != "" {
		t.Error("nothing has a name")
	}
}

// Whatever order edges come in, and however often, the graph is the same.
func TestOrderDoesNotMatter(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var edges []graph.Edge
	for range 200 {
		edges = append(edges, graph.Edge{
			Source: graph.Entity(rune('a' + rng.IntN(10))), Target: graph.Entity(rune('a' + rng.IntN(10))),
			From: at(rng.IntN(100)), Until: at(100 + rng.IntN(100)), Declared: rng.IntN(2) == 0,
		})
	}
	edges[7].From, edges[11].Until = time.Time{}, time.Time{}
	build := func(edges []graph.Edge) []graph.Edge {
		g := graph.New()
		for _, e := range edges {
			g.Add(e)
		}
		return g.Edges()
	}
	want := build(edges)
	for range 20 {
		rng.Shuffle(len(edges), func(i, k int) { edges[i], edges[k] = edges[k], edges[i] })
		if got := build(append(edges, edges[:50]...)); !reflect.DeepEqual(got, want) {
			t.Fatalf("%v, want %v", got, want)
		}
	}
}

func TestValidity(t *testing.T) {
	g := graph.New()
	g.See("a", "b", at(0))
	g.See("a", "b", at(10))
	g.Add(graph.Edge{Source: "a", Target: "c", From: at(20), Declared: true})
	g.See("a", "a", at(0))
	g.See("", "a", at(0))
	for _, c := range []struct {
		from, until int
		want        []graph.Entity
	}{{-10, -1, nil}, {-10, 0, []graph.Entity{"b"}}, {5, 6, []graph.Entity{"b"}}, {11, 19, nil}, {10, 20, []graph.Entity{"b", "c"}}, {500, 600, []graph.Entity{"c"}}} {
		if got := g.Between(at(c.from), at(c.until)).Targets("a"); !slices.Equal(got, c.want) {
			t.Errorf("between %d and %d: %v, want %v", c.from, c.until, got, c.want)
		}
	}
}

func TestReach(t *testing.T) {
	g := graph.New()
	for _, e := range [][2]graph.Entity{{"a", "c"}, {"a", "b"}, {"b", "d"}, {"c", "d"}, {"d", "b"}, {"x", "a"}} {
		g.See(e[0], e[1], noon)
	}
	v := g.Whole()
	var got []string
	for _, r := range v.Reach("a") {
		path := ""
		for _, e := range r.Path {
			path += string(e)
		}
		got = append(got, path)
	}
	if want := []string{"a", "ba", "ca", "dba"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := v.Dependents("d"); !slices.Equal(got, []graph.Entity{"a", "b", "c", "x"}) {
		t.Error(got)
	}
	of := v.Components()
	if of["b"] != of["d"] || of["a"] == of["b"] || of["c"] == of["b"] || len(of) != 5 {
		t.Errorf("cycles: %v", of)
	}
}

// With every edge reversed, an entity reaches what reached it.
func TestReversal(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for range 50 {
		g, reversed := graph.New(), graph.New()
		for range 30 {
			a, b := graph.Entity(rune('a'+rng.IntN(12))), graph.Entity(rune('a'+rng.IntN(12)))
			g.See(a, b, noon)
			reversed.See(b, a, noon)
		}
		for _, e := range g.Whole().Entities() {
			var back []graph.Entity
			for _, r := range reversed.Whole().Reach(e)[1:] {
				back = append(back, r.Entity)
			}
			slices.Sort(back)
			got := slices.DeleteFunc(g.Whole().Dependents(e), func(x graph.Entity) bool { return x == e })
			if !slices.Equal(back, got) {
				t.Fatalf("%s: %v, want %v", e, got, back)
			}
		}
	}
}

func TestRecords(t *testing.T) {
	g := graph.New()
	g.SeeEvent(&schemas.Event{Model: "m", Version: "2", Deployment: "d", Pod: "p", Node: "n", GPU: "n/0", Time: noon})
	g.SeeSample(&schemas.Sample{Time: noon, Node: "n", GPU: "n/1", Labels: map[string]string{"link": "l3"}})
	g.SeeSample(&schemas.Sample{Time: noon, Model: "m", Labels: map[string]string{"pipeline": "f", "stage": "s", "topic": "t"}})
	g.SeeSample(&schemas.Sample{Time: noon, Model: "m", Labels: map[string]string{"provider": "x"}})
	g.SeeJob(&schemas.JobEvent{Job: "j", Model: "m", Node: "n", GPU: "n/0", Time: noon})
	g.SeeChange(&schemas.Change{Model: "m", Entity: "deployment/d", Time: noon})
	var got []string
	for _, e := range g.Edges() {
		got = append(got, string(e.Source+" > "+e.Target))
	}
	want := []string{
		"deployment/d > pod/p", "deployment/d > version/m@2", "gpu/n/0 > node/n", "gpu/n/1 > link/l3", "gpu/n/1 > node/n", "job/j > gpu/n/0", "job/j > node/n",
		"model/m > deployment/d", "model/m > job/j", "model/m > pipeline/f", "model/m > provider/x", "model/m > version/m@2",
		"pipeline/f > stage/s", "pod/p > gpu/n/0", "pod/p > node/n", "stage/s > topic/t",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

func TestOfSample(t *testing.T) {
	for want, s := range map[graph.Entity]schemas.Sample{
		"gpu/u":       {GPU: "u", Node: "n", Pod: "p"},
		"pod/p":       {Node: "n", Pod: "p", Model: "m"},
		"link/l":      {GPU: "u", Labels: map[string]string{"link": "l"}},
		"topic/t":     {Pod: "exporter", Labels: map[string]string{"topic": "t"}},
		"model/m":     {Model: "m", Node: "n"},
		"node/n":      {Node: "n"},
		"stage/s":     {Labels: map[string]string{"pipeline": "f", "stage": "s"}},
		"version/m@2": {Model: "m", Labels: map[string]string{"version": "2"}},
		"":            {Metric: "x"},
	} {
		if got := graph.OfSample(&s); got != want {
			t.Errorf("%+v is of %q, want %q", s, got, want)
		}
	}
}
