package performance

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// Calibrator turns scores into probabilities. It is fitted on a labelled
// reference and never changed afterwards.
type Calibrator struct {
	Raw    bool    // the scores are probabilities already: calibrating did not make them better
	Before float64 // ECE of the raw scores on held-out rows
	After  float64 // ECE of calibrated scores on the same rows
	blocks []block // of the isotonic fit, ascending
}

// block is a stretch of scores with one fitted share of positives.
type block struct {
	from, to  float64 // least and greatest score
	rows      float64
	positives float64
}

func (b *block) share() float64 { return b.positives / b.rows }

// deviation² of the block's share as an estimate, with half a row added to
// either class (Jeffreys): a block without positives has not proved that there
// are none.
func (b *block) variance() float64 {
	p := b.smoothed()
	return p * (1 - p) / (b.rows + 1)
}

func (b *block) smoothed() float64 { return (b.positives + 0.5) / (b.rows + 1) }

// fitIsotonic is the non-decreasing step function of least squares, by pooling
// adjacent violators (Ayer et al. 1955); equal scores are one point. O(n log n).
func fitIsotonic(scores []float64, positive []bool) []block {
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(scores[a], scores[b]) })
	var out []block
	for _, i := range order {
		s, y := scores[i], one(positive[i])
		if last := len(out) - 1; last >= 0 && out[last].to == s && out[last].from == s {
			out[last].rows++
			out[last].positives += y
			continue
		}
		out = append(pool(out), block{s, s, 1, y})
	}
	return pool(out)
}

// pool joins the last blocks while they descend. Before the last score is
// complete it must not be pooled with what follows, so that pooling happens
// one score late.
func pool(blocks []block) []block {
	for k := len(blocks) - 1; k > 0; k-- {
		a, b := &blocks[k-1], &blocks[k]
		if a.positives*b.rows < b.positives*a.rows {
			break
		}
		*a = block{a.from, b.to, a.rows + b.rows, a.positives + b.positives}
		blocks = blocks[:k]
	}
	return blocks
}

// place of a score among the blocks: within block a, or between a and b = a+1
// at the fraction t of the way. Outside all blocks the nearest counts.
func place(blocks []block, score float64) (a, b int, t float64) {
	k, _ := slices.BinarySearchFunc(blocks, score, func(b block, s float64) int { return cmp.Compare(b.to, s) })
	switch {
	case k == len(blocks):
		return k - 1, k - 1, 0
	case k == 0 || score >= blocks[k].from:
		return k, k, 0
	}
	return k - 1, k, (score - blocks[k-1].to) / (blocks[k].from - blocks[k-1].to)
}

// interpolated share at a score, linear between blocks.
func interpolated(blocks []block, score float64) float64 {
	a, b, t := place(blocks, score)
	return (1-t)*blocks[a].share() + t*blocks[b].share()
}

// Repeats and share of the split that decides whether calibration helps.
const (
	splits      = 10
	heldOut     = 10 // one row in ten
	minToLearn  = 20 // rows; fewer cannot show that calibration helps
	shuffleSeed = 0x9e3779b97f4a7c15
)

// NewCalibrator fits a labelled reference. Scores within [0,1] are kept as they
// are unless calibration improves the calibration error (ten bins of equal
// mass) on rows that were held out: ten times a tenth of each class, drawn with
// a fixed seed, so that equal inputs give equal calibrators. Scores outside
// [0,1] are no probabilities and are always calibrated.
func NewCalibrator(scores []float64, positive []bool) *Calibrator {
	c := &Calibrator{blocks: fitIsotonic(scores, positive), Before: math.NaN(), After: math.NaN()}
	if len(scores) < minToLearn {
		c.Raw = withinUnit(scores)
		return c
	}
	var before, after []float64
	var labels []bool
	for k := range splits {
		train, test := stratified(positive, uint64(k))
		blocks := fitIsotonic(take(scores, train), take(positive, train))
		for _, i := range test {
			before = append(before, scores[i])
			after = append(after, interpolated(blocks, scores[i]))
			labels = append(labels, positive[i])
		}
	}
	c.Before = ECE(EqualMass(before, labels, CalibrationBins)).Value
	c.After = ECE(EqualMass(after, labels, CalibrationBins)).Value
	c.Raw = withinUnit(scores) && c.After >= c.Before
	return c
}

// Probability of the positive class at a score.
func (c *Calibrator) Probability(score float64) float64 {
	if c.Raw || len(c.blocks) == 0 {
		return min(1, max(0, score))
	}
	return interpolated(c.blocks, score)
}

// cautious is Probability without the fit's optimism: an isotonic fit follows
// its own sample's chance, so that it separates the classes a little better
// than the truth does, and says 0 and 1 where a block had one class only. Half
// a row more of either class in each block takes that back; gaps are tested
// against it (by simulation, estimates exceed realised AUC in 7.8 % instead of
// 5 % of null windows without it, log loss in 9 %).
func (c *Calibrator) cautious(score float64) float64 {
	if len(c.blocks) == 0 {
		return c.Probability(score)
	}
	a, b, t := place(c.blocks, score)
	smoothed := (1-t)*c.blocks[a].smoothed() + t*c.blocks[b].smoothed()
	if !c.Raw {
		return smoothed
	}
	least := 0.5 / (c.blocks[a].rows + 1)
	return min(1-least, max(least, c.Probability(score)))
}

// uncertainty is the variance of Σ weight·Probability(score) that comes from
// having fitted the calibrator on a sample: the blocks' shares are independent
// binomial ones, given the blocks. Raw scores are charged the same, for the
// reference could not tell them from calibrated ones any better than that.
func (c *Calibrator) uncertainty(scores, weights []float64) (variance float64) {
	if len(c.blocks) == 0 {
		return 0
	}
	load := make([]float64, len(c.blocks))
	for i, s := range scores {
		a, b, t := place(c.blocks, s)
		load[a] += (1 - t) * weights[i]
		load[b] += t * weights[i]
	}
	for k, w := range load {
		variance += w * w * c.blocks[k].variance()
	}
	return variance
}

// stratified parts the rows into training and test rows, a tenth of each class
// (at least one row of a class that has two) in the test.
func stratified(positive []bool, split uint64) (train, test []int) {
	rng := rand.New(rand.NewPCG(shuffleSeed, split))
	for _, class := range []bool{false, true} {
		var rows []int
		for i, y := range positive {
			if y == class {
				rows = append(rows, i)
			}
		}
		rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		n := min((len(rows)+heldOut-1)/heldOut, max(0, len(rows)-1))
		test = append(test, rows[:n]...)
		train = append(train, rows[n:]...)
	}
	return train, test
}

func withinUnit(scores []float64) bool {
	return !slices.ContainsFunc(scores, func(s float64) bool { return !(s >= 0 && s <= 1) })
}

func take[T any](values []T, rows []int) []T {
	out := make([]T, len(rows))
	for i, r := range rows {
		out[i] = values[r]
	}
	return out
}
