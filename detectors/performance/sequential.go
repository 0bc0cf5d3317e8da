package performance

import (
	"fmt"
	"math"
)

// Sequential compares a challenger with the champion on paired losses, one
// request at a time, and may be looked at after every one: the chance of ever
// calling a winner while there is none is at most the level, however long it
// runs and whenever one stops. State is a few numbers.
//
// The difference d = champion's loss − challenger's must lie in [−Bound, Bound]
// (the loss 0 or 1: 1; Brier: 1; log loss clipped at probability ε: −ln ε);
// what lies outside is clipped and counted, and then the means compared are
// those of clipped differences.
//
// Method: the predictable plug-in empirical-Bernstein supermartingale of
// Waudby-Smith and Ramdas (JRSS B 2024, theorem 2). With x = (d/Bound+1)/2 in
// [0,1], weights λ and the variance proxy v = 4(x−mean before)² known before x
// but for x itself, exp(Σλ(x−m) − vψ(λ)), ψ(λ) = (−ln(1−λ)−λ)/4, has
// expectation at most 1 while the mean of x given the past is at most m. By
// Ville's inequality it ever exceeds 1/α with chance at most α. The same
// process gives the p-values and the confidence sequence.
type Sequential struct {
	state SequentialState
}

// SequentialState is a snapshot: Restore continues from it bit for bit. Its
// fields are for storage, not for reading.
type SequentialState struct {
	Level     float64 `json:"level"`
	Bound     float64 `json:"bound"`
	N         int     `json:"n"`
	Clipped   int     `json:"clipped"` // differences beyond the bound
	Sum       float64 `json:"sum"`     // Σx
	Squares   float64 `json:"squares"` // Σ(x − mean so far)²
	Weights   float64 `json:"weights"` // Σλ
	Weighted  float64 `json:"weighted"`
	Variance  float64 `json:"variance"`   // Σvψ(λ)
	BestUp    float64 `json:"best_up"`    // greatest log evidence that the challenger is better
	BestDown  float64 `json:"best_down"`  // and that the champion is
	HighestLo float64 `json:"highest_lo"` // of the confidence sequence, as x
	LowestHi  float64 `json:"lowest_hi"`
}

// NewSequential starts a comparison at a level (chance of ever calling a winner
// wrongly, within (0,1)) of differences bounded by bound > 0.
func NewSequential(level, bound float64) (*Sequential, error) {
	return RestoreSequential(SequentialState{Level: level, Bound: bound, HighestLo: 0, LowestHi: 1})
}

// RestoreSequential continues from a snapshot.
func RestoreSequential(s SequentialState) (*Sequential, error) {
	if !(s.Level > 0 && s.Level < 1) || !(s.Bound > 0) || math.IsInf(s.Bound, 1) || s.N < 0 {
		return nil, fmt.Errorf("sequential test: level %v must be within 0 and 1, bound %v above 0 and finite", s.Level, s.Bound)
	}
	return &Sequential{s}, nil
}

// Snapshot of all that the test knows.
func (q *Sequential) Snapshot() SequentialState { return q.state }

// maxWeight keeps ψ finite.
const maxWeight = 0.5

// Add one request's losses. Losses that are not numbers are left out and
// counted as clipped.
func (q *Sequential) Add(champion, challenger float64) {
	s := &q.state
	d := champion - challenger
	if math.IsNaN(d) {
		s.Clipped++
		return
	}
	if math.Abs(d) > s.Bound {
		s.Clipped++
		d = math.Copysign(s.Bound, d)
	}
	x := (d/s.Bound + 1) / 2
	before := float64(s.N)
	center := (0.5 + s.Sum) / (before + 1)        // of what was before x
	variance := (0.25 + s.Squares) / (before + 1) // likewise
	i := before + 1
	weight := min(maxWeight, math.Sqrt(2*math.Log(2/s.Level)/(variance*i*math.Log(1+i))))
	s.N++
	s.Sum += x
	after := (0.5 + s.Sum) / (i + 1)
	s.Squares += (x - after) * (x - after)
	s.Weights += weight
	s.Weighted += weight * x
	s.Variance += 4 * (x - center) * (x - center) * (-math.Log1p(-weight) - weight) / 4
	lead := s.Weighted - s.Weights/2
	s.BestUp = max(s.BestUp, lead-s.Variance)
	s.BestDown = max(s.BestDown, -lead-s.Variance)
	margin := (math.Log(2/s.Level) + s.Variance) / s.Weights
	s.HighestLo = max(s.HighestLo, s.Weighted/s.Weights-margin)
	s.LowestHi = min(s.LowestHi, s.Weighted/s.Weights+margin)
}

// Winner of a comparison.
type Winner string

// The outcomes of a comparison.
const (
	Undecided  Winner = "undecided"
	Challenger Winner = "challenger"
	Champion   Winner = "champion"
)

// Comparison is what a sequential test knows at the moment.
type Comparison struct {
	N          int
	Difference float64 // mean of champion's loss − challenger's; above 0 the challenger is better
	Low, High  float64 // confidence sequence of that mean: holds at all times at once with chance 1−level
	PValue     float64 // always valid: at most α ever with chance at most α while neither is better
	Winner     Winner  // once called, it stays
	Clipped    int
}

// Compare says where the comparison stands. Looking changes nothing.
func (q *Sequential) Compare() Comparison {
	s := q.state
	c := Comparison{N: s.N, Difference: math.NaN(), Winner: Undecided, Clipped: s.Clipped}
	back := func(x float64) float64 { return (2*x - 1) * s.Bound }
	c.Low, c.High = back(s.HighestLo), back(s.LowestHi)
	c.PValue = min(1, 2*math.Exp(-max(s.BestUp, s.BestDown)))
	if s.N > 0 {
		c.Difference = back(s.Sum / float64(s.N))
	}
	switch {
	case c.PValue > s.Level:
	case s.BestUp >= s.BestDown:
		c.Winner = Challenger
	default:
		c.Winner = Champion
	}
	return c
}
