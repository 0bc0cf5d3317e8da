package silent

import (
	"math"
	"slices"
	"time"
)

// Parameters of rules that learn how long a silence may be.
var silenceParams = []Param{
	{"factor", 3, 1, 1000, "times", "of the usual time between two: a silence longer than this is no accident"},
	{"peak_factor", 1.5, 1, 1000, "times", "of the 99th percentile of the times between two"},
	{"spread_factor", 8, 0, 1000, "standard deviations", "above the mean time between two; this is what bears with subjects that come at random"},
}

// silenceLimit is how long after its last occurrence a subject may be silent:
// the largest of factor times the median gap, peak_factor times the 99th
// percentile, the mean plus spread_factor standard deviations, and least. The
// times need no order.
func silenceLimit(times []time.Time, p Params, least time.Duration) (limit time.Duration, gaps int) {
	times = slices.SortedFunc(slices.Values(times), time.Time.Compare)
	var between []time.Duration
	for i := 1; i < len(times); i++ {
		between = append(between, times[i].Sub(times[i-1]))
	}
	return gapLimit(between, p, least), len(between)
}

func gapLimit(between []time.Duration, p Params, least time.Duration) time.Duration {
	if len(between) == 0 {
		return least
	}
	between = slices.Sorted(slices.Values(between))
	var mean, square float64
	for _, d := range between {
		mean += d.Seconds() / float64(len(between))
	}
	for _, d := range between {
		square += (d.Seconds() - mean) * (d.Seconds() - mean) / float64(len(between))
	}
	seconds := max(
		p["factor"]*quantile(between, .5).Seconds(),
		p["peak_factor"]*quantile(between, .99).Seconds(),
		mean+p["spread_factor"]*math.Sqrt(square),
	)
	return max(least, time.Duration(seconds*float64(time.Second)))
}
