package performance

import (
	"cmp"
	"math"
	"slices"
)

// ranking holds for every row how much weight of the other class it beats.
type ranking struct {
	pos, neg float64   // total weights
	below    []float64 // negative weight that scores below the row, ties half
	above    []float64 // positive weight that scores above the row, ties half
	auc      float64   // NaN when a class has no weight
}

// rank orders rows by score, where row i is positive with weight pos[i] and
// negative with weight neg[i]: 1 and 0 for known labels, a probability and its
// complement for expected ones, counts for bins. Ties share their mid-rank
// (Mann and Whitney 1947; Hanley and McNeil 1982). A row with both weights ties
// with itself, which is what the trapezoid under an expected curve counts too.
func rank(scores, pos, neg []float64) ranking {
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(scores[a], scores[b]) })
	r := ranking{below: make([]float64, len(scores)), above: make([]float64, len(scores)), auc: math.NaN()}
	ties := func(visit func(group []int, pos, neg float64)) {
		for from := 0; from < len(order); {
			to, p, n := from, 0.0, 0.0
			for ; to < len(order) && cmp.Compare(scores[order[to]], scores[order[from]]) == 0; to++ {
				p, n = p+pos[order[to]], n+neg[order[to]]
			}
			visit(order[from:to], p, n)
			from = to
		}
	}
	ties(func(_ []int, p, n float64) { r.pos, r.neg = r.pos+p, r.neg+n })
	var beaten, passed, wins float64
	ties(func(group []int, p, n float64) {
		for _, i := range group {
			r.below[i], r.above[i] = beaten+n/2, r.pos-passed-p/2
		}
		wins += p * (beaten + n/2)
		beaten, passed = beaten+n, passed+p
	})
	if r.pos > 0 && r.neg > 0 {
		r.auc = wins / (r.pos * r.neg)
	}
	return r
}

// AUC is the exact area under the ROC curve with DeLong's standard error.
// Undefined when a class is absent. Scores of any scale; O(n log n).
func AUC(scores []float64, positive []bool) Figure {
	pos, neg := indicator(positive)
	r := rank(scores, pos, neg)
	if math.IsNaN(r.auc) {
		return undefined(len(scores))
	}
	var squaresPos, squaresNeg float64
	for i, yes := range positive {
		if yes {
			d := r.below[i]/r.neg - r.auc
			squaresPos += d * d
		} else {
			d := r.above[i]/r.pos - r.auc
			squaresNeg += d * d
		}
	}
	f := Figure{Value: r.auc, SE: math.NaN(), N: len(scores)}
	if r.pos > 1 && r.neg > 1 {
		f.SE = math.Sqrt(squaresPos/(r.pos-1)/r.pos + squaresNeg/(r.neg-1)/r.neg)
	}
	return f
}

// HanleyMcNeil is the standard error of an AUC by its value alone, from the
// negative exponential model (Hanley and McNeil 1982): what is left where the
// rows are not kept. NaN when a class is absent.
func HanleyMcNeil(auc, positives, negatives float64) float64 {
	if !(positives > 0) || !(negatives > 0) {
		return math.NaN()
	}
	q1, q2 := auc/(2-auc), 2*auc*auc/(1+auc)
	v := auc*(1-auc) + (positives-1)*(q1-auc*auc) + (negatives-1)*(q2-auc*auc)
	return math.Sqrt(max(0, v) / (positives * negatives))
}

// AUCSampling is how much the AUC of a sample of the reference's population
// varies, so that a band can be drawn before any label of a window is known:
// the spread of the rarer class's rank shares, over the root of how many rows
// of that class n rows are expected to have. It leaves out the variance that
// the commoner class adds, so it is a lower bound, close for rare positives.
type AUCSampling struct {
	Deviation float64 // of the share of the other class that a row of the rarer class beats
	Share     float64 // of the rarer class, above 0 to 0.5
}

// NewAUCSampling measures a labelled reference.
func NewAUCSampling(scores []float64, positive []bool) AUCSampling {
	pos, neg := indicator(positive)
	r := rank(scores, pos, neg)
	rarer, other := r.pos, r.neg
	if rarer > other {
		rarer, other = other, rarer
	}
	var sum, squares float64
	for i, yes := range positive {
		if yes == (r.pos <= r.neg) {
			beats := r.below[i]
			if !yes {
				beats = r.above[i]
			}
			sum += beats / other
			squares += beats / other * beats / other
		}
	}
	mean := sum / rarer
	return AUCSampling{Deviation: math.Sqrt(max(0, squares/rarer-mean*mean)), Share: rarer / (r.pos + r.neg)}
}

// SE is the sampling error of the AUC of n rows.
func (s AUCSampling) SE(n int) float64 { return s.Deviation / math.Sqrt(float64(n)*s.Share) }

// indicator turns labels into weights of either class.
func indicator(positive []bool) (pos, neg []float64) {
	pos, neg = make([]float64, len(positive)), make([]float64, len(positive))
	for i, yes := range positive {
		if yes {
			pos[i] = 1
		} else {
			neg[i] = 1
		}
	}
	return pos, neg
}
