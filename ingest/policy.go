package ingest

import (
	"bytes"
	"slices"
	"strings"
)

// pattern is a name in which an asterisk stands for any text.
type pattern string

// match goes back to the last asterisk only, which is enough: what an earlier
// one could take more, the last one can take as well.
func (p pattern) match(s string) bool {
	i, star, from := 0, -1, 0
	for at := 0; at < len(s); {
		switch {
		case i < len(p) && p[i] == '*':
			star, from = i, at
			i++
		case i < len(p) && p[i] == s[at]:
			i, at = i+1, at+1
		case star >= 0:
			from++
			i, at = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(string(p[i:]), "*") == ""
}

// mayMatchIn tells whether a name that begins with prefix can match.
func (p pattern) mayMatchIn(prefix string) bool {
	head, _, glob := strings.Cut(string(p), "*")
	return strings.HasPrefix(head, prefix) || glob && strings.HasPrefix(prefix, head)
}

func anyMatch(patterns []string, s string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return pattern(p).match(s) })
}

// covers is anyMatch for selectors: none given chooses all.
func covers(patterns []string, s string) bool { return len(patterns) == 0 || anyMatch(patterns, s) }

// treatment is what becomes of one field. The zero value leaves it alone.
type treatment struct {
	drop  bool
	steps []step
}

func (t *treatment) none() bool { return !t.drop && len(t.steps) == 0 }

// step is one action on a text.
type step struct {
	action string
	bytes  int
	values map[string]struct{}
}

// treat adds what a policy does to a field.
func (p *Policy) treat(name string, t *treatment) {
	named := anyMatch(p.Fields, name)
	switch {
	case p.Action == ActionAllowFields:
		t.drop = t.drop || !named
	case !named:
	case p.Action == ActionDrop:
		t.drop = true
	default:
		s := step{action: p.Action, bytes: int(p.Bytes), values: map[string]struct{}{}}
		for _, v := range p.Values {
			s.values[v] = struct{}{}
		}
		t.steps = append(t.steps, s)
	}
}

// treatmentOf is what the policies together do to a field.
func treatmentOf(policies []*Policy, name string) *treatment {
	var t treatment
	for _, p := range policies {
		p.treat(name, &t)
	}
	return &t
}

// maxNames bounds the names of features or labels that are remembered.
const maxNames = 1 << 16

// names finds the treatment of what producers name: features and labels.
type names struct {
	policies []*Policy
	group    string
	by       map[string]*treatment
	num, cat []treated // of the i-th feature of the newest event: the next one mostly has the same
}

type treated struct {
	name []byte
	t    *treatment
}

func (n *names) of(name string) *treatment {
	t := n.by[name]
	if t == nil {
		if len(n.by) >= maxNames { // somebody makes names up; what is needed comes back
			clear(n.by)
		}
		t = treatmentOf(n.policies, n.group+name)
		n.by[strings.Clone(name)] = t
	}
	return t
}

// at is of for the i-th feature.
func (n *names) at(i int, name []byte, memo *[]treated) *treatment {
	if i < len(*memo) && bytes.Equal((*memo)[i].name, name) {
		return (*memo)[i].t
	}
	for len(*memo) <= i {
		*memo = append(*memo, treated{})
	}
	m := &(*memo)[i]
	m.name, m.t = append(m.name[:0], name...), n.of(string(name))
	return m.t
}

// features applies to the features of an event. A number that a text action
// would act on goes: its digits would be stored otherwise.
func (n *names) features(p *protector, e *rawEvent) {
	kept := 0
	for i, name := range e.numNames {
		if n.at(i, name, &n.num).none() {
			e.numNames[kept], e.numValues[kept] = name, e.numValues[i]
			kept++
		}
	}
	e.numNames, e.numValues = e.numNames[:kept], e.numValues[:kept]
	kept = 0
	for i, name := range e.catNames {
		if t := n.at(i, name, &n.cat); !t.drop {
			e.catNames[kept], e.catValues[kept] = name, p.text(t, e.catValues[i])
			kept++
		}
	}
	e.catNames, e.catValues = e.catNames[:kept], e.catValues[:kept]
}

// labels applies to the labels of a sample.
func (n *names) labels(p *protector, labels map[string]string) {
	for name, v := range labels {
		switch t := n.of(name); {
		case t.drop:
			delete(labels, name)
		case !t.none():
			labels[name] = string(p.text(t, []byte(v)))
		}
	}
}
