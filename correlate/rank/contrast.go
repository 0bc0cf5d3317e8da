package rank

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/driftline/driftline/correlate/graph"
)

// contrast compares: users of a candidate with those that do not use it, and
// the candidate with peers that the symptom does not depend on.
func (r *ranking) contrast() {
	for _, c := range r.candidates {
		if c.root() <= 0 || c.entity == r.Symptom.Entity {
			continue
		}
		if k, known := r.suffering(c); known {
			c.contrast, c.suffers = k, true
			r.weaken(c, users+(1-users)*k, "those that use it suffer no more than those that do not")
		}
		if share, of := r.peers(c); of >= 2 && share > 0 {
			r.weaken(c, 1-share, fmt.Sprintf("%.0f %% of %d peers that the symptom does not depend on changed alike", 100*share, of))
		}
		if r.otherVersions(c) {
			r.weaken(c, users, "versions that it did not touch are affected too")
		}
	}
}

// weaken a candidate by a factor, and its events.
func (r *ranking) weaken(c *candidate, by float64, why string) {
	if by >= 1 {
		return
	}
	c.e *= by
	for i := range c.events {
		c.events[i].Weight *= by
	}
	if by < half && c.against == "" {
		c.against = why
	}
}

// suffering is how much more of the symptom's excess lies on what uses a
// candidate than its requests would bring: 0 as much as elsewhere, 1 all of
// it. It is known for what is no part of the account but has users that are.
func (r *ranking) suffering(c *candidate) (float64, bool) {
	whole := r.byEntity[r.Symptom.Entity].excess
	if !(whole > 0) {
		return 0, false
	}
	over := []*candidate{c}
	if math.IsNaN(c.own) {
		over = nil
		for _, e := range r.Graph.Sources(c.entity) {
			if s := r.byEntity[e]; s != nil && e != r.Symptom.Entity && !math.IsNaN(s.excess) && placed[e.Kind()] {
				over = append(over, s)
			}
		}
	} else if !placed[c.entity.Kind()] || len(c.events) == 0 {
		return 0, false // accounted for already
	}
	share, part := 0., 0.
	for _, s := range over {
		share += s.excess / whole
		part += s.load / r.byEntity[r.Symptom.Entity].load
	}
	switch {
	case len(over) == 0 || math.IsNaN(part):
		return 0, false
	case part >= nearlyAll: // all use it: what counts is whether all that was changed suffers
		return r.alike(c), len(c.events) > 0
	}
	return min(max((share-part)/(1-part), 0), 1) * r.alike(c), true
}

// alike is the share of a candidate's parts that suffer: what was done to a
// deployment was done to all of its pods.
func (r *ranking) alike(c *candidate) float64 {
	n, suffer := 0, 0
	for _, e := range r.Graph.Targets(c.entity) {
		if t := r.byEntity[e]; t != nil && e.Kind() == graph.Pod && t.flow >= 0 {
			n++
			if t.shown[t.flow].Z >= shows {
				suffer++
			}
		}
	}
	if n < 2 {
		return 1
	}
	return float64(suffer) / float64(n)
}

// usersEvidence is what the users of a candidate show of the symptom.
func (r *ranking) usersEvidence(c *candidate) (best float64) {
	for _, e := range r.Graph.Sources(c.entity) {
		if s := r.byEntity[e]; s != nil && s.flow >= 0 && placed[e.Kind()] {
			best = max(best, s.shown[s.flow].e)
		}
	}
	return best
}

// peers are entities of the same kind that the symptom does not depend on and
// that have the candidate's metric: the share that changed as it did.
func (r *ranking) peers(c *candidate) (share float64, of int) {
	kind := c.entity.Kind()
	if kind == "" || c.best < 0 {
		return 0, 0
	}
	moved := 0
	for e := range r.series {
		if e.Kind() != kind || r.reaches(e) {
			continue
		}
		m := r.find(e, c.shown[c.best].metric.Name)
		if m == nil {
			continue
		}
		if f := r.look(m); f.Unseen == "" {
			of++
			if f.Z >= shows {
				moved++
			}
		}
	}
	return float64(moved) / float64(max(of, 1)), of
}

// otherVersions tells whether a candidate is a change to a version, while the
// incident's signals name others that it did not touch.
func (r *ranking) otherVersions(c *candidate) bool {
	if len(c.events) == 0 || !c.events[0].IsChange || c.events[0].To == "" {
		return false
	}
	var versions []string
	for i := range r.Symptom.Signals {
		if v := r.Symptom.Signals[i].Version; v != "" && !slices.Contains(versions, v) {
			versions = append(versions, v)
		}
	}
	return slices.Contains(versions, c.events[0].To) && len(versions) > 1
}

// date weakens what began later than the symptom. An early onset is no reward:
// that it helps was never shown.
func (r *ranking) date() {
	for _, c := range r.candidates {
		if c.best < 0 || c.e <= 0 {
			continue
		}
		tolerance := r.tolerance(c)
		late := c.onset.Sub(r.onset) - tolerance
		if late <= 0 {
			continue
		}
		by := 1 / (1 + float64(late)/float64(2*tolerance))
		c.e *= by
		if by < half && c.against == "" {
			c.against = fmt.Sprintf("it began %s after the symptom", c.onset.Sub(r.onset).Round(time.Second))
		}
	}
}
