package detectors

import (
	"math"

	"github.com/driftline/driftline/schemas"
)

// narrow rounds a value to what the store keeps, so that a value read from a
// file at float64 ties with the same value that went through the store. Beyond
// the range of float32 it saturates: an infinity would poison differences.
func narrow(v float64) float64 {
	if v > math.MaxFloat32 {
		return math.MaxFloat32
	}
	if v < -math.MaxFloat32 {
		return -math.MaxFloat32
	}
	return float64(float32(v))
}

// mass is the sum of the weights.
func mass(points []schemas.Point) (sum float64) {
	for _, p := range points {
		sum += p.Weight
	}
	return sum
}

// bothPresent tells whether both summaries have points to compare. A value or
// a weight that is not a number would make every statistic one, or worse, a
// walk without end: such a summary counts as having none.
func bothPresent(ref, cur *schemas.Summary) bool {
	return usable(ref.Points) && usable(cur.Points)
}

func usable(points []schemas.Point) bool {
	var sum float64
	for _, p := range points {
		if math.IsNaN(p.Value) || math.IsInf(p.Value, 0) || !(p.Weight >= 0) {
			return false
		}
		sum += p.Weight
	}
	return sum > 0 && !math.IsInf(sum, 1)
}

// walk visits the distinct values of two ascending samples in ascending order,
// with the share of each sample that is at or below the value. Equal values of
// both samples are one visit: between them the distribution functions are not
// defined, and looking there is the classic mistake with ties.
func walk(ref, cur []schemas.Point, visit func(at, f, g float64)) {
	nr, nc := mass(ref), mass(cur)
	var f, g float64
	i, j := 0, 0
	a, b := valueAt(ref, 0), valueAt(cur, 0)
	for i < len(ref) || j < len(cur) {
		at := a
		if b < a {
			at = b
		}
		for i < len(ref) && a <= at {
			f += ref[i].Weight
			i++
			a = valueAt(ref, i)
		}
		for j < len(cur) && b <= at {
			g += cur[j].Weight
			j++
			b = valueAt(cur, j)
		}
		visit(at, f/nr, g/nc)
	}
}

// valueAt is a point's value as the store keeps it, +Inf after the last.
func valueAt(points []schemas.Point, i int) float64 {
	if i < len(points) {
		return narrow(points[i].Value)
	}
	return math.Inf(1)
}

// quantile is the smallest value at or below which a share q of the mass lies.
func quantile(points []schemas.Point, q float64) float64 {
	want := q * mass(points)
	var sum float64
	for _, p := range points {
		if sum += p.Weight; sum >= want*(1-1e-12) {
			return p.Value
		}
	}
	return points[len(points)-1].Value
}

// spread is the standard deviation, taken from the summary where it has one:
// that is exact even when the points come from a sketch.
func spread(s *schemas.Summary) float64 {
	if s.Variance > 0 {
		return math.Sqrt(s.Variance)
	}
	var mean, m2, n float64
	for _, p := range s.Points {
		n += p.Weight
		d := p.Value - mean
		mean += d * p.Weight / n
		m2 += p.Weight * d * (p.Value - mean)
	}
	return math.Sqrt(max(0, m2/n))
}

// effective is the sample size of a two-sample comparison, NM/(N+M).
func effective(ref, cur *schemas.Summary) float64 {
	n, m := float64(ref.Present()), float64(cur.Present())
	return n * m / (n + m)
}

// moved is the clause about where a numeric feature went.
func moved(ref, cur *schemas.Summary) string {
	a, b := quantile(ref.Points, 0.5), quantile(cur.Points, 0.5)
	if a == b {
		return "median " + number(a) + " as before"
	}
	return "moved from median " + number(a) + " to " + number(b)
}
