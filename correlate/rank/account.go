package rank

import (
	"fmt"
	"math"
	"slices"

	"github.com/driftline/driftline/correlate/graph"
)

// placed are the kinds of entity among which the requests of what is above
// them are divided. What happens to all of them alike is not theirs.
var placed = map[graph.Kind]bool{graph.Version: true, graph.Deployment: true, graph.Pod: true}

// stand finds what can be accounted for. Where the symptom's own metric is not
// observed, another one of the same mechanism stands in for it, the one of
// middling harm; where requests are not, the smallest number of a neighbour does,
// which counts half and explains nobody else.
func (r *ranking) stand() {
	if r.symptom == nil {
		return
	}
	for _, c := range r.candidates {
		for i := range c.shown {
			if l := c.shown[i].Load; math.IsNaN(c.load) && !math.IsNaN(l) {
				c.load = l
			}
		}
		if c.flow < 0 {
			c.flow = r.standIn(c)
		}
	}
	known := map[graph.Entity]float64{}
	for _, c := range r.candidates {
		known[c.entity] = c.load
	}
	for _, c := range r.candidates {
		if c.flow < 0 {
			continue
		}
		if math.IsNaN(c.load) {
			for _, e := range slices.Concat(r.Graph.Targets(c.entity), r.Graph.Sources(c.entity)) {
				if l, near := known[e]; near && !math.IsNaN(l) && !(c.load < l) {
					c.load, c.guessed = l, true
				}
			}
		}
		if c.excess = c.shown[c.flow].Excess; math.IsNaN(c.excess) {
			c.excess = c.shown[c.flow].Harm * c.load
		}
	}
}

// standIn is a candidate's observed metric of the symptom's mechanism and kind
// with the middling harm; −1 for none.
func (r *ranking) standIn(c *candidate) int {
	var like []int
	for i := range c.shown {
		m := &c.shown[i].metric
		if c.shown[i].Unseen == "" && m.Mechanism == r.symptomMetric.Mechanism && m.Kind == r.symptomMetric.Kind {
			like = append(like, i)
		}
	}
	if len(like) == 0 {
		return -1
	}
	slices.SortStableFunc(like, func(a, b int) int { return compare(c.shown[a].Harm, c.shown[b].Harm) })
	return like[(len(like)-1)/2]
}

// account divides the symptom's excess among the candidates. The excess of a
// latency is seconds, of an availability failures: mean harm times requests.
// Whoever calls waits for its callees and fails with them, so what these show
// is taken off it, and what is left is its own: a share of the symptom's
// excess, 1 where it explains the whole.
func (r *ranking) account() {
	whole := r.byEntity[r.Symptom.Entity].excess
	if !(whole > 0) {
		return
	}
	for _, c := range r.candidates {
		if !math.IsNaN(c.excess) {
			c.own = r.effective(c, whole)
			c.contrast = c.own
			for _, t := range r.below(c) {
				c.own -= max(0, r.effective(t, whole))
			}
			c.own = min(max(c.own, 0), 1)
			if c.guessed {
				c.own *= half
			}
			if r.restates(c) {
				c.own = 0
			}
		}
	}
}

// restates tells whether what a candidate shows is the symptom over again: it
// has all of the symptom's requests, so that it says neither where nor why.
func (r *ranking) restates(c *candidate) bool {
	return placed[c.entity.Kind()] && c.entity != r.Symptom.Entity && c.load/r.byEntity[r.Symptom.Entity].load >= nearlyAll
}

// effective is a candidate's excess as a share of the symptom's. Of those that
// share the symptom's requests only what goes beyond their part of these
// counts.
func (r *ranking) effective(c *candidate, whole float64) float64 {
	share := c.excess / whole
	if math.IsNaN(share) {
		return 0
	}
	part := c.load / r.byEntity[r.Symptom.Entity].load
	if !placed[c.entity.Kind()] || c.entity == r.Symptom.Entity || !(part < nearlyAll) {
		return share
	}
	return min(max((share-part)/(1-part), 0), 1)
}

// below are the nearest candidates below one that show the symptom's metric;
// those in a cycle with it are not below it.
func (r *ranking) below(c *candidate) []*candidate {
	return r.nearest(c, func(t *candidate) bool { return !math.IsNaN(t.excess) && !t.guessed })
}

// nearest candidates below one that are as asked; what is not is seen through.
func (r *ranking) nearest(c *candidate, is func(*candidate) bool) (out []*candidate) {
	seen := map[graph.Entity]bool{c.entity: true}
	queue := []graph.Entity{c.entity}
	for i := 0; i < len(queue); i++ {
		for _, e := range r.Graph.Targets(queue[i]) {
			t := r.byEntity[e]
			if seen[e] || t == nil {
				continue
			}
			seen[e] = true
			if r.component[e] != r.component[c.entity] && is(t) {
				out = append(out, t)
			} else {
				queue = append(queue, e)
			}
		}
	}
	return out
}

// explainAway takes off a candidate's evidence what candidates further down
// explain. Only what spreads is explained so: slowness by slowness or by what
// makes slow; heat by nothing but heat.
func (r *ranking) explainAway() {
	for _, c := range r.candidates {
		if c.best < 0 {
			continue
		}
		if !math.IsNaN(c.own) && mechanisms[c.cause].spreads {
			if c.e *= c.own; c.own < 0.5 {
				c.because(r.largest(c))
			}
		}
		for _, j := range r.nearest(c, func(t *candidate) bool { return t.root() >= suspicious }) {
			r.explainBy(c, j)
		}
	}
}

// root is the evidence that a candidate has for a cause of its own.
func (c *candidate) root() float64 {
	best := c.raw
	if len(c.events) > 0 {
		best = max(best, c.events[0].Weight)
	}
	return best
}

// explainBy takes what j explains off c. A cause of its own kind below what is
// slow explains at least half of it: slowness is what such a cause does.
func (r *ranking) explainBy(c, j *candidate) {
	spreads := mechanisms[c.cause].spreads
	same := j.best >= 0 && j.cause == c.cause
	accounted := !math.IsNaN(c.own) && !math.IsNaN(j.own)
	switch {
	case !spreads && !same, spreads && accounted && mechanisms[j.cause].spreads && len(j.events) == 0:
		return // heat by heat only; and what was accounted for was
	}
	more := j.root() - suspicious
	left := max(0, c.e-lambda*more)
	if spreads && (j.best < 0 || !mechanisms[j.cause].spreads) {
		left = min(left, c.e*half*(1-min(1, more/suspicious)))
	}
	if left < c.e {
		c.e = left
		c.because(j)
	}
}

// largest is the candidate below that shows the most of the symptom's metric.
func (r *ranking) largest(c *candidate) (found *candidate) {
	for _, t := range r.below(c) {
		if t.excess > 0 && (found == nil || t.excess > found.excess) {
			found = t
		}
	}
	return found
}

// because notes what explains a candidate.
func (c *candidate) because(j *candidate) {
	switch {
	case c.against != "":
	case j == nil && !math.IsNaN(c.own) && c.contrast >= nearlyAll && placed[c.entity.Kind()]:
		c.against = "it has all of the requests and shows the symptom over again"
	case j == nil:
		c.against = "what it adds is a small part of the symptom"
	default:
		c.against = fmt.Sprintf("explained by %s (%s)", j.entity, j.mainMetric())
	}
}
