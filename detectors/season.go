package detectors

import (
	"math"
	"slices"
	"time"

	"github.com/driftline/driftline/schemas"
)

// Periods of a season.
const (
	periodDay  = "day"
	periodWeek = "week"
)

// leastPerHour is how many windows of the history each hour must have to have
// a mean of its own: with fewer the mean is mostly noise.
const leastPerHour = 3

// hourOf is the bucket of a time: hours since midnight or since Monday, UTC.
func hourOf(period string, at time.Time) int {
	at = at.UTC()
	if period == periodWeek {
		return int(at.Weekday()+6)%7*24 + at.Hour()
	}
	return at.Hour()
}

func hoursOf(period string) int {
	if period == periodWeek {
		return 7 * 24
	}
	return 24
}

// bestSeason chooses none, hour of day or hour of week: whichever predicts a
// window's root best from the other windows (Allen's PRESS, Technometrics
// 1974). A season that is not there predicts worse than none, for its means
// come from few windows, so history that is too short chooses none by itself.
func bestSeason(at []time.Time, roots []float64) schemas.Season {
	best, least := schemas.Season{}, press(schemas.Season{}, at, roots)
	for _, period := range []string{periodDay, periodWeek} {
		s, ok := seasonOf(period, at, roots)
		if !ok {
			continue
		}
		// A gain of 2 % is less than chance gives to many means.
		if e := press(s, at, roots); e < 0.98*least {
			best, least = s, e
		}
	}
	return best
}

// seasonOf a period; false when some hour that occurs has too few windows or
// there is only one hour.
func seasonOf(period string, at []time.Time, roots []float64) (schemas.Season, bool) {
	n := hoursOf(period)
	s := schemas.Season{Period: period, Means: make([]float64, n), Counts: make([]int, n)}
	for i, t := range at {
		h := hourOf(period, t)
		s.Counts[h]++
		s.Means[h] += (roots[i] - s.Means[h]) / float64(s.Counts[h])
	}
	hours := 0
	for _, c := range s.Counts {
		if c > 0 {
			hours++
		}
		if c > 0 && c < leastPerHour {
			return s, false
		}
	}
	return s, hours > 1
}

// press is the sum of squared errors when each root is predicted by the mean
// of the others of its hour.
func press(s schemas.Season, at []time.Time, roots []float64) (sum float64) {
	overall, _ := moments(roots)
	for i, t := range at {
		mean, n := overall, len(roots)
		if s.Period != "" {
			h := hourOf(s.Period, t)
			mean, n = s.Means[h], s.Counts[h]
		}
		e := (roots[i] - mean) * float64(n) / float64(n-1)
		sum += e * e
	}
	return sum
}

// expected is the mean root at a time. An hour that was never seen has the
// highest mean: what is usual there is not known.
func expected(n *schemas.Null, at time.Time) float64 {
	if n.Season.Period == "" {
		return n.Root
	}
	h := hourOf(n.Season.Period, at)
	if n.Season.Counts[h] > 0 {
		return n.Season.Means[h]
	}
	return slices.Max(n.Season.Means)
}

// stretched is the deviation of one of the history's roots from its hour's
// mean, as far as a new window would deviate: the mean of n windows, of which
// this is one, is nearer to it than to a new one by √((n−1)/(n+1)).
func stretched(n *schemas.Null, root float64, at time.Time) float64 {
	d := root - expected(n, at)
	if n.Season.Period == "" {
		return d
	}
	c := float64(n.Season.Counts[hourOf(n.Season.Period, at)])
	return d * math.Sqrt((c+1)/(c-1))
}
