package clickhouse

import (
	"math"

	"github.com/driftline/driftline/schemas"
	"github.com/driftline/driftline/schemas/ddl"
)

// distribution turns the quantiles of a merged digest, at the middles of
// ddl.Shares, into weighted points. Min, Max and Mean of the summary and the sum of squares are exact
// and mend what a digest gets wrong: it interpolates between the atoms of a
// distribution, and it has no eye for the last few rows of a heavy tail.
func distribution(quantiles []float32, n float64, squares float64, of *schemas.Summary, integers bool) []schemas.Point {
	out := make([]schemas.Point, 0, len(quantiles)+1)
	runs := make([]int, 0, len(quantiles)) // shares in each point
	for i, q := range quantiles {
		v := min(max(float64(q), of.Min), of.Max)
		if math.IsNaN(v) {
			continue
		}
		if k := len(out); k > 0 && out[k-1].Value >= v {
			out[k-1].Weight += ddl.Shares[i] * n
			runs[k-1]++
		} else {
			out, runs = append(out, schemas.Point{Value: v, Weight: ddl.Shares[i] * n}), append(runs, 1)
		}
	}
	out = snap(out, runs)
	if integers {
		return rounded(out)
	}
	out = sharpen(out, ddl.Shares[len(ddl.Shares)/2]*n)
	out = separate(out, squares-n*of.Mean*of.Mean)
	return fitMean(out, n, of)
}

// rounded undoes interpolation between integers too rare to be atoms.
func rounded(points []schemas.Point) []schemas.Point {
	out := points[:0]
	for _, p := range points {
		p.Value = math.Round(p.Value)
		if k := len(out); k > 0 && out[k-1].Value == p.Value {
			out[k-1].Weight += p.Weight
		} else {
			out = append(out, p)
		}
	}
	return out
}

// maxBetween is how many shares a digest can place between two atoms: in the
// tests up to 10, when centroids that hold values of both were merged again
// and again. Rows that truly lie between two atoms are taken for strays when
// they are fewer, under 5 % of all.
const maxBetween = 12

// snap gives the stray points between two atoms back to the atoms, so that
// their mean stays. An atom is a value that several shares agree on.
func snap(points []schemas.Point, runs []int) []schemas.Point {
	out := points[:0]
	last := -1 // index in out of the newest atom
	for i := 0; i < len(points); {
		if runs[i] > 1 {
			last = len(out)
			out = append(out, points[i])
			i++
			continue
		}
		j := i
		for j < len(points) && runs[j] == 1 {
			j++
		}
		if last != len(out)-1 || last < 0 || j == len(points) || j-i > maxBetween || !outweighed(points[i:j], out[last], points[j]) {
			out = append(out, points[i:j]...)
			i = j
			continue
		}
		low, high := out[last].Value, points[j].Value
		for _, p := range points[i:j] {
			up := p.Weight * (p.Value - low) / (high - low)
			out[last].Weight += p.Weight - up
			points[j].Weight += up
		}
		i = j
	}
	return out
}

// outweighed tells whether both atoms are far heavier than what lies between
// them. Between light ones, such as ages, it may well be an atom of its own
// that the digest has blurred.
func outweighed(strays []schemas.Point, low, high schemas.Point) bool {
	w := 0.
	for _, p := range strays {
		w += p.Weight
	}
	return 2*w <= min(low.Weight, high.Weight)
}

// fitMean moves the outermost share so that the points have the exact mean: in
// the far tail a few rows can carry much of it, and a distance that integrates
// over values must see them.
func fitMean(points []schemas.Point, n float64, of *schemas.Summary) []schemas.Point {
	sum := 0.
	for _, p := range points {
		sum += p.Value * p.Weight
	}
	short := of.Mean*n - sum
	share := ddl.Shares[0] * n
	at := 0
	if short > 0 {
		at = len(points) - 1
	}
	value := min(max(points[at].Value+short/share, of.Min), of.Max)
	switch {
	case value == points[at].Value:
	case points[at].Weight <= share*1.001:
		points[at].Value = value
	case short > 0:
		points[at].Weight -= share
		points = append(points, schemas.Point{Value: value, Weight: share})
	default:
		points[0].Weight -= share
		points = append([]schemas.Point{{Value: value, Weight: share}}, points...)
	}
	return points
}
