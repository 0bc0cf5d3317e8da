package detectors

import (
	"math"

	"github.com/driftline/driftline/detectors/internal/tail"
	"github.com/driftline/driftline/schemas"
)

// frozenCap is the largest number of equally frequent values that a sketch can
// tell from a continuum: its points stand for 1/256 of the rows each.
const frozenCap = 50

// frozenDetector measures how far the variety of values collapsed. Variety is
// the collision entropy −ln Σp², the logarithm of the number of equally
// frequent values for which two rows agree as often as here, at most ln 50. The
// score is the part of the reference's that is gone; a constant window has none
// left. Distinct values would be the plainer measure, but they grow with the
// rows and a sketch does not keep them.
//
// Null distribution: the agreement of pairs is a U-statistic; its p-value is
// the larger of that of its first three cumulants (a gamma variable with an
// offset, for it leans to the right) and, for nearly equal shares, where its
// limit has no variance, of χ² with 1/Σp²−1 degrees of freedom. Cost: O(points)
// or O(K).
var frozenDetector = Detector{
	Manual: Manual{
		Name: "frozen", Title: "frozen values", Unit: "share of the reference's variety", Range: "0 to 1; 1 is one value left", Threshold: 0.3,
		Doc:    "Loss of variety: the window repeats few values where the reference had many.",
		Use:    "Features from caches, joins and snapshots, which repeat themselves when their source stands still.",
		Blind:  "Beyond 50 equally frequent values it sees no difference. A window that repeats the one before exactly needs that window: Unchanged compares the two.",
		Null:   "Three cumulants of the pairwise agreement, χ² for nearly equal shares: the larger p.",
		Cost:   "O(points) or O(K)",
		Source: "Simpson, Nature 1949; Rényi 1961; variance of the U-statistic after Hoeffding 1948",
	},
	Kinds: bothKinds, Compare: frozen,
}

func frozen(ref, cur *schemas.Summary, _ Params) Result {
	a, powers := agreement(ref)
	b, _ := agreement(cur)
	if math.IsNaN(a) || math.IsNaN(b) {
		return Result{NoData: true}
	}
	r := Result{PValue: 1, Detail: "values vary as before"}
	least := 1.0 / frozenCap
	if a < least {
		a, powers = least, powersOf{least * least, least * least * least}
	}
	if b = max(b, least); b <= a {
		return r
	}
	n, m := float64(ref.Present()), float64(cur.Present())
	size := n * m / (n + m)
	variance := 4*max(0, powers.cubes-a*a)/size + 2*a*(1-a)/(size*size)
	third := agreementThird(a, powers) * (1/(m*m) - 1/(n*n))
	r.Score = 1 - math.Log(b)/math.Log(a)
	r.PValue = max(tail.Normal((b-a)/math.Sqrt(variance)), chiSquareTail(size*(b/a-1)+1/a-1, 1/a-1))
	if third > 0 {
		r.PValue = max(r.PValue, tail.Quadratic(0, variance/2, third/8, b-a))
	}
	r.Detail = "as varied as " + number(1/b) + " equally frequent values, " + number(1/a) + " in the reference"
	return r
}

// powersOf shares: Σp³ and Σp⁴.
type powersOf struct{ cubes, fourths float64 }

// agreementThird is the third cumulant of the agreement of n pairs, times n²:
// 8·E h³ + 24·E h(X)h(Y)ψ(X,Y) of Hoeffding's decomposition, h = p−Σp².
func agreementThird(a float64, of powersOf) float64 {
	return 8*(of.fourths-3*a*of.cubes+2*a*a*a) + 24*(of.fourths-2*a*of.cubes+a*a*a)
}

// agreement estimates the chance Σp² that two rows agree, without the bias of a
// row's agreement with itself, and the powers of the shares; NaN without two
// rows.
func agreement(s *schemas.Summary) (squares float64, powers powersOf) {
	var n float64
	add := func(w float64) {
		n += w
		squares += w * w
		powers.cubes += w * w * w
		powers.fourths += w * w * w * w
	}
	if s.Kind == schemas.Categorical {
		for _, c := range s.Categories {
			add(float64(c.Count))
		}
	} else if usable(s.Points) {
		eachAtom(s.Points, func(_, w float64) { add(w) })
	}
	if n < 2 {
		return math.NaN(), powersOf{}
	}
	return tail.Clamp((squares - n) / (n * (n - 1))), powersOf{powers.cubes / (n * n * n), powers.fourths / (n * n * n * n)}
}

// eachAtom visits the values that the store can tell apart, with their weights.
func eachAtom(points []schemas.Point, visit func(value, weight float64)) {
	for i := 0; i < len(points); {
		at, w := narrow(points[i].Value), 0.0
		for ; i < len(points) && narrow(points[i].Value) == at; i++ {
			w += points[i].Weight
		}
		visit(at, w)
	}
}

// Unchanged tells whether a window repeats the one before it value for value:
// every count is the same. It is no registered detector, for those compare with
// the reference and an engine does not hand them the window before. Score is 1
// when it does and 0 otherwise. The p-value bounds the chance that independent
// rows of one distribution give the same counts again, by the multinomial
// probability of the counts under their own shares: n!/nⁿ for all-different
// values, 1 for a constant, which repeats itself rightly.
func Unchanged(before, cur *schemas.Summary) Result {
	a, b := counted(before), counted(cur)
	if len(a) == 0 || len(b) == 0 {
		return Result{NoData: true}
	}
	r := Result{PValue: 1, Detail: "differs from the window before"}
	if before.Kind != cur.Kind || before.Rows != cur.Rows || before.Missing != cur.Missing || len(a) != len(b) {
		return r
	}
	var n float64
	for _, w := range a {
		n += w.weight
	}
	logP := lgamma(n + 1)
	for i, w := range a {
		if w != b[i] {
			return r
		}
		if w.weight > 0 {
			logP += w.weight*math.Log(w.weight/n) - lgamma(w.weight+1)
		}
	}
	return Result{Score: 1, PValue: tail.Clamp(math.Exp(logP)), Detail: "repeats the window before, count for count"}
}

type countedValue struct {
	text   string
	value  float64
	weight float64
}

func counted(s *schemas.Summary) (out []countedValue) {
	for _, c := range s.Categories {
		out = append(out, countedValue{text: c.Value, weight: float64(c.Count)})
	}
	if s.Kind == schemas.Numeric && usable(s.Points) {
		eachAtom(s.Points, func(v, w float64) { out = append(out, countedValue{value: v, weight: w}) })
	}
	return out
}
