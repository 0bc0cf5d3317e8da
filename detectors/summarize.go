package detectors

import (
	"maps"
	"math"
	"slices"

	"github.com/driftline/driftline/schemas"
)

// A reference with more distinct values than maxPoints is reduced to
// reducedPoints by Reduce.
const (
	maxPoints     = 4096
	reducedPoints = 2048
)

// SummarizeNumbers counts a numeric feature exactly. NaN and infinities count
// as missing: no statistic and no JSON could carry them.
func SummarizeNumbers(feature string, values []float64) schemas.Summary {
	s := schemas.Summary{Feature: feature, Kind: schemas.Numeric, Rows: uint64(len(values))}
	present := make([]float64, 0, len(values))
	for _, v := range values {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			present = append(present, v+0) // −0 becomes 0
		}
	}
	s.Missing = uint64(len(values) - len(present))
	if len(present) == 0 {
		return s
	}
	// Sorting first also makes the moments independent of the rows' order.
	slices.Sort(present)
	s.Min, s.Max = present[0], present[len(present)-1]
	s.Mean, s.Variance = moments(present)
	for _, v := range present {
		if k := len(s.Points) - 1; k >= 0 && s.Points[k].Value == v {
			s.Points[k].Weight++
		} else {
			s.Points = append(s.Points, schemas.Point{Value: v, Weight: 1})
		}
	}
	return s
}

// moments are mean and population variance by Welford's recurrence, which does
// not lose the variance of large values that differ little.
func moments(values []float64) (mean, variance float64) {
	var m2 float64
	for i, v := range values {
		d := v - mean
		mean += d / float64(i+1)
		m2 += d * (v - mean)
	}
	return mean, m2 / float64(len(values))
}

// SummarizeStrings counts a categorical feature; empty values are missing.
func SummarizeStrings(feature string, values []string) schemas.Summary {
	s := schemas.Summary{Feature: feature, Kind: schemas.Categorical, Rows: uint64(len(values))}
	counts := map[string]uint64{}
	for _, v := range values {
		if v == "" {
			s.Missing++
			continue
		}
		counts[v]++
	}
	s.Categories = ascending(counts)
	return s
}

// ascending categories by their counts.
func ascending(counts map[string]uint64) (out []schemas.Category) {
	for _, v := range slices.Sorted(maps.Keys(counts)) {
		out = append(out, schemas.Category{Value: v, Count: counts[v]})
	}
	return out
}

// Reduce bounds the size of a reference: a numeric summary of more than 4,096
// distinct values is replaced by the values at the 2,048 mid-quantiles
// (k+½)/2048, each of equal weight. Its distribution function then differs
// from the exact one by at most 1/4096. Rows, extremes and moments stay exact;
// a smaller summary is returned as it is, the input is never changed.
func Reduce(s schemas.Summary) schemas.Summary {
	if len(s.Points) <= maxPoints {
		return s
	}
	weight := mass(s.Points) / reducedPoints
	points := make([]schemas.Point, 0, reducedPoints)
	var sum float64
	i := 0
	for k := range reducedPoints {
		at := (float64(k) + 0.5) * weight
		for ; i < len(s.Points)-1 && sum+s.Points[i].Weight < at; i++ {
			sum += s.Points[i].Weight
		}
		if n := len(points); n > 0 && points[n-1].Value == s.Points[i].Value {
			points[n-1].Weight += weight
		} else {
			points = append(points, schemas.Point{Value: s.Points[i].Value, Weight: weight})
		}
	}
	s.Points = points
	return s
}
