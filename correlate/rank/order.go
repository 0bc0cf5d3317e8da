package rank

import (
	"cmp"
	"math"
	"slices"

	"github.com/driftline/driftline/schemas"
)

func compare[T cmp.Ordered](a, b T) int { return cmp.Compare(a, b) }

// order scores the candidates and puts the likeliest first. What an event and
// an anomaly both say counts as the heavier and half of the lighter.
func (r *ranking) order() {
	for _, c := range r.candidates {
		w, seen := weight(c), c.e
		if len(c.events) > 0 && c.events[0].IsChange && c.contrast > 0 && c.flow >= 0 {
			seen = max(seen, c.raw*c.contrast*min(1, w/suspicious)) // its parts suffer because of it, and explain nothing away
		}
		c.score = max(w, seen) + support*min(w, seen)
		c.matched = w > 0 && seen >= evidence(shows)
		if c.suffers && math.IsNaN(c.own) && c.root() >= suspicious && !mechanisms[c.cause].spreads { // its users say the same
			c.score += support * min(c.score, c.contrast*r.usersEvidence(c))
		}
		if w > seen || c.matched && c.events[0].IsChange && mechanisms[c.cause].spreads {
			c.cause, c.onset = c.events[0].Mechanism, c.events[0].Time
		}
		if c.kind == "" {
			c.kind = kindOf(c.cause, c.entity)
		}
	}
	r.changesExplain()
	slices.SortStableFunc(r.candidates, func(a, b *candidate) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.entity, b.entity), cmp.Compare(a.kind, b.kind))
	})
}

// changesExplain takes off the parts of what was changed: a deployment's pods
// are slow because of the deploy.
func (r *ranking) changesExplain() {
	for _, c := range r.candidates {
		if !c.matched || !c.events[0].IsChange || c.score < suspicious {
			continue
		}
		for _, reached := range r.Graph.Reach(c.entity)[1:] {
			t := r.byEntity[reached.Entity]
			if t != nil && len(t.events) == 0 && mechanisms[t.cause].spreads && r.component[t.entity] != r.component[c.entity] {
				if left := max(0, t.score-lambda*(c.score-suspicious)); left < t.score {
					t.score = left
					t.because(c)
				}
			}
		}
	}
}

// guilty tells whether the first candidate is good enough to be named.
func (r *ranking) guilty() bool {
	if len(r.candidates) == 0 {
		return false
	}
	c := r.candidates[0]
	return c.root() >= suspicious && c.score >= half*suspicious
}

// features of the first candidate's confidence.
func (r *ranking) features() Features {
	c := r.candidates[0]
	f := Features{Score: c.score, Margin: c.score, Coverage: r.coverage()}
	if len(r.candidates) > 1 {
		f.Margin -= r.candidates[1].score
	}
	if !math.IsNaN(c.own) {
		f.Share = c.own
	}
	if c.contrast > 0 && !math.IsNaN(c.contrast) {
		f.Share = max(f.Share, min(c.contrast, 1))
	}
	if c.matched {
		f.Event = 1
	}
	if placed[c.entity.Kind()] && len(c.events) == 0 && mechanisms[c.cause].spreads {
		f.Located = 1
	}
	return f
}

// coverage is the share of candidate entities that are observed.
func (r *ranking) coverage() float64 {
	n, seen := 0, 0
	for _, c := range r.candidates {
		if c.entity != "" {
			n++
			if c.observed {
				seen++
			}
		}
	}
	return float64(seen) / float64(max(n, 1))
}

// result writes the diagnosis down.
func (r *ranking) result() Result {
	out := r.result_
	out.Onset = r.onset
	out.At = r.newest()
	out.Causes, out.RuledOut, out.Unobserved = []schemas.Cause{}, []schemas.RuledOut{}, []string{}
	out.Unobserved = append(out.Unobserved, r.unobserved()...)
	if out.Abstained == "" && !r.guilty() {
		out.Abstained = r.nothingGuilty()
	}
	if out.Abstained == "" {
		out.Features = r.features()
		out.Causes = r.causes(out.Features)
	} else if len(r.Symptom.Signals) > 0 {
		out.Causes = append(out.Causes, r.nobody(out.Abstained))
	}
	out.RuledOut = append(out.RuledOut, r.ruledOut(out.Causes)...)
	out.Advice, out.Retrain = advice(out.Causes)
	return out
}
