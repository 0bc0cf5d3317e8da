package sequential

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// kswinEntry is Kolmogorov–Smirnov windowing: of a window of the newest values
// the last stat_size are compared with as many drawn at random from those
// before them. It alarms when the exact two-sample p-value is at most α and the
// distance is above 0.1.
//
// For two samples of r the distance is h/r with a whole h, and
//
//	P(D ≥ h/r) = 2·Σ_{j≥1} (−1)^{j−1}·C(2r, r−jh) / C(2r, r)
//
// (B. V. Gnedenko, V. S. Korolyuk 1951), so that the least h that alarms is
// known beforehand.
//
// Source: C. Raab, M. Heusinger, F.-M. Schleif, "Reactive soft prototype
// computing for concept drift streams", Neurocomputing 2020; as in river,
// random numbers included: the same seed draws the same values there.
var kswinEntry = Entry{
	Name: "kswin", Title: "KSWIN", Domain: Real,
	Params: []Param{
		{"alpha", 0.005, 1e-300, 1, Number, "Largest p-value that alarms."},
		{"window_size", 100, 4, 1e6, Whole, "Newest values that are kept."},
		{"stat_size", 30, 2, 1e5, Whole, "Newest values that are compared with a sample of the older ones; at most half of the window."},
		{"seed", 42, 0, math.MaxUint32, Whole, "Of the random numbers; begins anew after each alarm."},
	},
	Doc:    "Sees any change of distribution, of the spread too, within its short window. It asks at every value with a new sample, so that α is no rate of anything: at the default it alarms by chance every 700 values of normal noise. Nearly blind to errors of 0 and 1: it misses nine of ten rises by 0.2. Where it alarms depends on the seed.",
	Use:    "Changes of shape that leave the mean; with α of 1e-4 or less.",
	Cost:   "About 1 µs a value (sorting two samples of stat_size); a window and 2.5 KB for the random numbers.",
	Source: "Raab et al. 2020; defaults as in river, where the seed is random by default",
	check: func(p Params) error {
		if 2*p["stat_size"] > p["window_size"] {
			return errors.New("stat_size is more than half of window_size: want at most half")
		}
		if r := p.whole("stat_size"); leastKSGap(r, p["alpha"]) > r {
			return fmt.Errorf("no two samples of %d differ so much that p is at most %v: want a larger alpha or stat_size", r, p["alpha"])
		}
		return nil
	},
	make: func(p Params) machine {
		r, w := p.whole("stat_size"), p.whole("window_size")
		return &kswin{
			gap: leastKSGap(r, p["alpha"]), draw: newSampler(uint32(p["seed"]), w-r, r),
			window: make([]float64, 0, w), old: make([]float64, r), newest: make([]float64, r),
		}
	},
}

type kswin struct {
	gap  int // the least h that alarms
	draw *sampler

	window      []float64 // a ring once it is full
	next        int       // the place of the oldest value
	old, newest []float64 // scratch
}

func (d *kswin) reset() {
	d.window, d.next = d.window[:0], 0
	d.draw.reset()
}

func (d *kswin) step(x float64) Status {
	if len(d.window) < cap(d.window) {
		d.window = append(d.window, x)
	} else {
		d.window[d.next] = x
		d.next = (d.next + 1) % len(d.window)
	}
	if len(d.window) < cap(d.window) {
		return None
	}
	for i, at := range d.draw.sample() {
		d.old[i] = d.at(at)
	}
	for i := range d.newest {
		d.newest[i] = d.at(len(d.window) - len(d.newest) + i)
	}
	slices.Sort(d.old)
	slices.Sort(d.newest)
	if ksGap(d.old, d.newest) < d.gap {
		return None
	}
	d.reset()
	return Drift
}

// at is value number i of the window, the oldest first.
func (d *kswin) at(i int) float64 {
	if i += d.next; i >= len(d.window) {
		i -= len(d.window)
	}
	return d.window[i]
}

// ksGap is the largest difference of ranks of two ascending samples of equal
// length, looked for only after all values of a tie.
func ksGap(a, b []float64) (gap int) {
	for i, j := 0, 0; i < len(a) && j < len(b); {
		v := min(a[i], b[j])
		for i < len(a) && a[i] == v {
			i++
		}
		for j < len(b) && b[j] == v {
			j++
		}
		gap = max(gap, i-j, j-i)
	}
	return gap
}

// leastKSGap is the least h with P(D ≥ h/r) ≤ alpha and h/r > 0.1; r+1 if none.
func leastKSGap(r int, alpha float64) int {
	for h := r/10 + 1; h <= r; h++ {
		if ksTail(r, h) <= alpha {
			return h
		}
	}
	return r + 1
}

func ksTail(r, h int) float64 {
	var sum float64
	sign := 2.0
	for a := h; a <= r; a += h {
		term := sign // times C(2r, r−a)/C(2r, r)
		for i := range a {
			term *= float64(r-i) / float64(r+1+i)
		}
		sum += term
		sign = -sign
	}
	return min(1, max(0, sum))
}

func (d *kswin) fields(c *codec) {
	n := len(d.window)
	c.index(&n, cap(d.window))
	d.window = d.window[:n]
	c.values(d.window, Real)
	c.index(&d.next, max(0, n-1))
	if d.next > 0 && n < cap(d.window) {
		c.fail("a window of %d that begins at %d", n, d.next)
	}
	d.draw.fields(c)
}
