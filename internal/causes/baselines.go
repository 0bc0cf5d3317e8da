package causes

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/driftline/driftline/correlate/anomaly"
	"github.com/driftline/driftline/correlate/graph"
)

// The baselines rank an entity by the largest score of its series. They know
// which entities the symptom depends on, and leave out the symptom's own; they
// compare what came at and after the symptom with all before it.
var baselines = []method{
	{"max |z|", byScore(zScore, false)},
	{"robust z", byScore(robustScore, false)},
	{"correlation", byScore(correlation, false)},
	{"max |z|, symptom's metric", byScore(zScore, true)},
	{"robust z, symptom's metric", byScore(robustScore, true)},
	{"correlation, symptom's metric", byScore(correlation, true)},
}

type scorer func(s, symptom *anomaly.Series, at time.Time) float64

func byScore(f scorer, same bool) func(*System, *Case, []*anomaly.Series, time.Time) []graph.Entity {
	return func(s *System, c *Case, series []*anomaly.Series, at time.Time) []graph.Entity {
		i := slices.IndexFunc(series, func(s *anomaly.Series) bool { return s.Entity == c.Entity && s.Metric == c.Metric })
		best := map[graph.Entity]float64{}
		for _, one := range series {
			if !same || one.Metric == c.Metric {
				if v := f(one, series[i], at); v > best[one.Entity] {
					best[one.Entity] = v
				}
			}
		}
		var out []graph.Entity
		for _, r := range s.Graph.Reach(c.Entity)[1:] {
			if best[r.Entity] > 0 {
				out = append(out, r.Entity)
			}
		}
		slices.SortStableFunc(out, func(a, b graph.Entity) int {
			return cmp.Or(cmp.Compare(best[b], best[a]), cmp.Compare(a, b))
		})
		return out
	}
}

// parts are the values before a time, and from the sample that covers it on.
func parts(s *anomaly.Series, at time.Time) (pre, post []float64) {
	from := at.Add(-s.Step()).UnixMilli()
	for i, t := range s.T {
		if t <= from {
			pre = append(pre, s.V[i])
		} else {
			post = append(post, s.V[i])
		}
	}
	return pre, post
}

// zScore is the largest distance from the mean in standard deviations.
func zScore(s, _ *anomaly.Series, at time.Time) float64 {
	pre, post := parts(s, at)
	n, mean, square := float64(len(pre)), 0., 0.
	for _, v := range pre {
		mean += v / n
	}
	for _, v := range pre {
		square += (v - mean) * (v - mean) / n
	}
	return largest(post, mean, math.Sqrt(square))
}

// robustScore is the largest distance from the median in interquartile ranges.
func robustScore(s, _ *anomaly.Series, at time.Time) float64 {
	pre, post := parts(s, at)
	if len(pre) == 0 {
		return 0
	}
	slices.Sort(pre)
	q := func(p float64) float64 { return pre[int(p*float64(len(pre)-1))] }
	return largest(post, q(0.5), q(0.75)-q(0.25))
}

// largest distance from a level in scales; a scale of 0 is a thousandth of the
// level.
func largest(post []float64, level, scale float64) (z float64) {
	if scale = cmp.Or(scale, 1e-3*math.Abs(level)); !(scale > 0) {
		return 0
	}
	for _, v := range post {
		z = max(z, math.Abs(v-level)/scale)
	}
	return z
}

// correlation with the symptom's series, by its size, over the day before the
// symptom and what came after.
func correlation(s, symptom *anomaly.Series, at time.Time) float64 {
	values := map[int64]float64{}
	for i, t := range symptom.T {
		values[t] = symptom.V[i]
	}
	var n, x, y, xx, yy, xy float64
	for i, t := range s.T {
		other, both := values[t]
		if v := s.V[i]; both && t > at.Add(-24*time.Hour).UnixMilli() {
			n, x, y, xx, yy, xy = n+1, x+v, y+other, xx+v*v, yy+other*other, xy+v*other
		}
	}
	d := (n*xx - x*x) * (n*yy - y*y)
	if !(d > 0) {
		return 0
	}
	return math.Abs(n*xy-x*y) / math.Sqrt(d)
}
