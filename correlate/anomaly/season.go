package anomaly

import (
	"math"
	"time"
)

const (
	period      = 24 * time.Hour
	phases      = 24
	minSeasonal = 4    // samples in a phase, so that its median is one
	worthwhile  = 0.75 // of the deviation, at most, that must be left to take the season out
)

// deseason takes the hour of day out of values, in place, when the samples
// before the end of the reference cover two days and more and doing so leaves
// clearly less deviation. It tells whether it did.
func deseason(t []int64, v []float64, reference int, scratch *[]float64) bool {
	if reference < phases*minSeasonal || t[reference-1]-t[0] < 2*period.Milliseconds() {
		return false
	}
	phase := func(at int64) int { return int(at % period.Milliseconds() * phases / period.Milliseconds()) }
	var usual [phases]float64
	for p := range phases {
		values := (*scratch)[:0]
		for i := range reference {
			if phase(t[i]) == p {
				values = append(values, v[i])
			}
		}
		if *scratch = values; len(values) < minSeasonal {
			return false
		}
		usual[p] = median(values)
	}
	*scratch = append((*scratch)[:0], v[:reference]...)
	level := median(*scratch)
	before := deviation(*scratch, level)
	*scratch = (*scratch)[:0]
	for i := range reference {
		*scratch = append(*scratch, v[i]-usual[phase(t[i])])
	}
	if after := deviation(*scratch, 0); !(after < worthwhile*before) || math.IsNaN(after) {
		return false
	}
	for i := range v {
		v[i] += level - usual[phase(t[i])]
	}
	return true
}
