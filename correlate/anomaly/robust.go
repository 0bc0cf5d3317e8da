package anomaly

import "math"

// normalMAD makes the median absolute deviation of normal values their
// standard deviation.
const normalMAD = 1.4826

// median of values, which it reorders; NaN of none.
func median(v []float64) float64 {
	n := len(v)
	if n == 0 {
		return math.NaN()
	}
	hi := pick(v, n/2)
	if n%2 == 1 {
		return hi
	}
	lo := v[0]
	for _, x := range v[1 : n/2] {
		lo = max(lo, x)
	}
	return lo + (hi-lo)/2
}

// pick moves the k-th smallest value to place k and returns it; what is before
// is no larger. Hoare's selection with the median of three as pivot.
func pick(v []float64, k int) float64 {
	lo, hi := 0, len(v)-1
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if v[mid] < v[lo] {
			v[mid], v[lo] = v[lo], v[mid]
		}
		if v[hi] < v[lo] {
			v[hi], v[lo] = v[lo], v[hi]
		}
		if v[hi] < v[mid] {
			v[hi], v[mid] = v[mid], v[hi]
		}
		p, i, j := v[mid], lo, hi
		for i <= j {
			for v[i] < p {
				i++
			}
			for p < v[j] {
				j--
			}
			if i <= j {
				v[i], v[j] = v[j], v[i]
				i++
				j--
			}
		}
		switch {
		case k <= j:
			hi = j
		case k >= i:
			lo = i
		default:
			return v[k]
		}
	}
	return v[k]
}

// deviation is the median absolute deviation from a level, scaled to the
// standard deviation of normal values. It reorders and overwrites v.
func deviation(v []float64, level float64) float64 {
	for i, x := range v {
		v[i] = math.Abs(x - level)
	}
	return normalMAD * median(v)
}
