package metricnames

import (
	"math"
	"regexp"
	"strings"
	"testing"
)

func TestNoRawNameHasTwoMeanings(t *testing.T) {
	if len(conflicts) > 0 {
		t.Errorf("in more than one entry: %q", conflicts)
	}
}

// expand must find what the test above relies on.
func TestExpandFindsConflicts(t *testing.T) {
	a := &source{name: "a", entries: map[string]entry{"x": {"gpu_power_watts", watts, histogram}}}
	b := &source{name: "b", entries: map[string]entry{"x_sum": {"gpu_power_watts", watts, gauge}}}
	if _, twice := expand([]*source{a, b}); len(twice) != 1 || twice[0] != "x_sum" {
		t.Errorf("conflicts %q, want x_sum", twice)
	}
}

var base = regexp.MustCompile(`_(ratio|seconds|bytes|per_second|celsius|watts|joules|hertz)$`)

// A canonical name has one unit, one kind of reading and a meaning; its last
// word is its base unit.
func TestEveryCanonicalNameHasOneUnit(t *testing.T) {
	seen := map[string]entry{}
	for _, src := range sources {
		for raw, e := range src.entries {
			u, ok := units[e.unit]
			if !ok {
				t.Fatalf("%s: no unit %q", raw, e.unit)
			}
			if e.unit = u.base; canonical[e.name] == "" {
				t.Errorf("%s: %s has no meaning in canonical.go", raw, e.name)
			}
			if was, ok := seen[e.name]; ok && was != e {
				t.Errorf("%s: %s is %v here and %v elsewhere", raw, e.name, e, was)
			}
			seen[e.name] = e
			word := base.FindStringSubmatch(strings.TrimSuffix(e.name, "_total"))
			if word == nil != (u.base == number || u.base == code || u.base == bitmask || u.base == zeroOrOne) ||
				word != nil && !strings.HasSuffix(u.base, word[1]) {
				t.Errorf("%s: %s is in %s", raw, e.name, u.base)
			}
			if strings.HasSuffix(e.name, "_total") != (e.kind == counter) {
				t.Errorf("%s: %s is a %s", raw, e.name, kindNames[e.kind])
			}
		}
	}
	for name := range canonical {
		if _, ok := seen[name]; !ok {
			t.Errorf("%s is described and nothing comes to it", name)
		}
	}
}

// So that twice is once, and that a canonical name is never touched.
func TestNoCanonicalNameIsRaw(t *testing.T) {
	for raw, r := range table {
		if _, ok := table[r.name]; ok {
			t.Errorf("%s: its canonical name %s is raw too", raw, r.name)
		}
	}
}

func TestEveryFactorIsFiniteAndPositive(t *testing.T) {
	for name, u := range units {
		f := u.factor()
		if !(f > 0) || math.IsInf(f, 0) || u.num != 1 && u.den != 1 || u.name != name {
			t.Errorf("unit %s: %+v", name, u)
		}
		if b := units[u.base]; !b.isBase() || b.factor() != 1 {
			t.Errorf("unit %s: base %s is none", name, u.base)
		}
	}
	for written, name := range spellings {
		if _, ok := units[name]; !ok {
			t.Errorf("spelling %s: no unit %s", written, name)
		}
	}
}

func TestSourcesHaveNamesAndWords(t *testing.T) {
	for _, src := range sources {
		if src.name == "" || src.about == "" || len(src.entries) == 0 {
			t.Errorf("source %q is not described", src.name)
		}
	}
}
