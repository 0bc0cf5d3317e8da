package clickhouse

import (
	"math"
	"slices"

	"github.com/driftline/driftline/schemas"
)

// A digest's centroids take in up to 1 % of the rows, whatever lies between
// them: at the edge of an atom some rows of the atom and some beside it, at a
// gap between two heaps some rows of either. What is read between such centroids
// is drawn out over values where few rows or none are. Both are mended here.

const (
	edgeReach  = 4  // shares beside an atom that a centroid at its edge can hold
	edgeBeyond = 8  // shares after these, by whose spacing they are judged
	gapSides   = 4  // shares on either side of a gap, by whose spacing it is known
	gapJump    = 8. // by how much its edges are wider than that spacing
)

// sharpen gives atoms back the points beside them that are at least three times
// as close together as those further out: a centroid that holds rows of an atom and
// of its neighbourhood makes the neighbourhood look dense. Share is the weight of
// a point that is no atom.
func sharpen(points []schemas.Point, share float64) []schemas.Point {
	atom := func(i int) bool { return points[i].Weight > 1.5*share }
	for i := range points {
		if !atom(i) {
			continue
		}
		for _, step := range []int{-1, 1} {
			end := i + step*(edgeReach+edgeBeyond)
			if end < 0 || end >= len(points) {
				continue
			}
			beyond := make([]float64, 0, edgeBeyond)
			for k := 1; k <= edgeReach+edgeBeyond && !atom(i+step*k); k++ {
				if k > edgeReach {
					beyond = append(beyond, math.Abs(points[i+step*k].Value-points[i+step*(k-1)].Value))
				}
			}
			if len(beyond) < edgeBeyond { // another atom is near
				continue
			}
			slices.Sort(beyond)
			usual := beyond[len(beyond)/2]
			for k := 1; k <= edgeReach; k++ {
				at := i + step*k
				if math.Abs(points[at].Value-points[at-step].Value) >= usual/3 {
					break
				}
				points[i].Weight += points[at].Weight
				points[at].Weight = 0
			}
		}
	}
	return slices.DeleteFunc(points, func(p schemas.Point) bool { return p.Weight == 0 })
}

// separate takes strays out of gaps between heaps. Between two heaps a digest puts
// points that stand for rows of both. They are given back to the heaps so that
// their mean stays, and continue the spacing of each. Spread, the exact sum of
// squares about the mean, tells strays from rows that truly lie in the gap:
// joined rows have lost theirs.
func separate(points []schemas.Point, spread float64) []schemas.Point {
	spacing := func(from, to int) float64 { // mean of the points in between
		return (points[to].Value - points[from].Value) / float64(to-from)
	}
	for i := gapSides + 1; i+gapSides < len(points); i++ {
		low := i - 1
		before := spacing(low-gapSides, low)
		if points[i].Value-points[low].Value < gapJump*before {
			continue
		}
		high := 0
		for j := i + 1; j <= i+maxBetween && j+gapSides < len(points); j++ {
			if points[j].Value-points[j-1].Value >= gapJump*spacing(j, j+gapSides) {
				high = j
			}
		}
		if high == 0 {
			continue
		}
		after := spacing(high, high+gapSides)
		width := points[high].Value - points[low].Value
		var up, down, lost float64
		for _, p := range points[i:high] {
			share := (p.Value - points[low].Value) / width
			up += share * p.Weight
			down += (1 - share) * p.Weight
			lost += share * (1 - share) * width * width * p.Weight
		}
		if spread-variance(points) < lost/2 {
			continue
		}
		strays := high - i
		left := min(strays, max(0, int(down/(up+down)*float64(strays)+0.5)))
		for k := range strays {
			p := &points[i+k]
			if k < left {
				*p = schemas.Point{Value: points[low].Value + before*float64(k+1), Weight: down / float64(left)}
			} else {
				*p = schemas.Point{Value: points[high].Value - after*float64(strays-k), Weight: up / float64(strays-left)}
			}
		}
		if left == 0 {
			points[low].Weight += down
		}
		if left == strays {
			points[high].Weight += up
		}
		i = high + gapSides - 1
	}
	return points
}

// variance of points, times their weight.
func variance(points []schemas.Point) float64 {
	var w, sum float64
	for _, p := range points {
		w += p.Weight
		sum += p.Weight * p.Value
	}
	mean := sum / w
	var out float64
	for _, p := range points {
		out += p.Weight * (p.Value - mean) * (p.Value - mean)
	}
	return out
}
