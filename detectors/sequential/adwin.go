package sequential

import "math"

// adwinEntry is ADWIN: a window that grows while its mean stands and loses its
// oldest part when two parts of it have different means.
//
// The window is an exponential histogram: row i holds up to M buckets of 2^i
// values each, with their sum and squared deviations; two buckets of a full row
// become one of the next. Every clock values each boundary between buckets is
// tried, with n0 values before it and n1 after it, and the oldest bucket is
// dropped, as long as for some boundary
//
//	|μ0−μ1| > √(2·m·σ²·δ′) + ⅔·δ′·m
//	m = 1/(n0−L+1) + 1/(n1−L+1),   δ′ = ln(2·ln(W)/δ),
//
// L being the least length of a part. σ² and the sums are of the window before
// the drop; the last bucket of each row is a boundary too (skipping it, as
// older ports do, finds changes a clock later).
//
// Source: A. Bifet, R. Gavaldà, "Learning from time-changing data with
// adaptive windowing", SDM 2007; M, L, clock, grace period and the fresh start
// after an alarm as in river.
var adwinEntry = Entry{
	Name: "adwin", Title: "ADWIN", Domain: Real,
	Params: []Param{
		{"delta", 0.002, 1e-12, 1, Number, "Confidence of a cut: smaller alarms less and later."},
		{"clock", 32, 1, 1e6, Whole, "Values between two searches for a cut: 1 is quickest to find and dearest."},
		{"max_buckets", 5, 2, 100, Whole, "Buckets of one size before two of them are merged: more is finer and dearer."},
		{"min_window_length", 5, 1, 1e6, Whole, "Least values on either side of a cut."},
		{"grace_period", 10, 1, 1e9, Whole, "No cut is looked for in windows of up to this many values."},
		{"reset", 1, 0, 1, Switch, "Begin with an empty window after an alarm. Off: keep the part after the cut, as the paper does; a change then alarms several times while the window shrinks."},
	},
	Doc:    "Sees the mean move, up or down, by little over long or by much at once, without a window length to choose. Its bound is made for values in [0,1]: divide others by their range first, or it alarms early (large values) or hardly ever (tiny ones). Blind to changes that leave the mean.",
	Use:    "First choice for errors and losses: fewest false alarms of all at a moderate delay.",
	Cost:   "About 20 ns a value at a clock of 32, 0.2 µs at 1; memory grows with the logarithm of the window, 3 KB at a million values.",
	Source: "Bifet and Gavaldà 2007; parameters and fresh start after an alarm as in river",
	make: func(p Params) machine {
		return &adwin{
			delta: p["delta"], clock: p.count("clock"), perRow: p.whole("max_buckets"),
			least: p["min_window_length"], grace: p["grace_period"], keep: !p.on("reset"),
		}
	},
}

// rounding is the part of the window's total by which the sums of its parts
// may be off. It is below the bound's second term, and decides nothing, unless
// the total is above some 1e11.
const rounding = 1e-11

type adwin struct {
	delta        float64
	clock        uint64
	perRow       int
	least, grace float64
	keep         bool

	seen    uint64
	width   float64 // values in the window
	total   float64 // their sum
	squares float64 // their squared deviations from the window's mean
	rows    []bucketRow
}

// bucketRow holds the n buckets of one size, oldest first, and room for one
// more than the most that it may keep.
type bucketRow struct {
	n            int
	sum, squares []float64
}

func (a *adwin) reset() {
	a.seen, a.width, a.total, a.squares = 0, 0, 0, 0
	a.rows = a.rows[:0] // their memory is used again by grow
}

func (a *adwin) step(x float64) Status {
	a.insert(x)
	a.seen++
	if a.seen%a.clock != 0 || a.width <= a.grace || !a.cut() {
		return None
	}
	for a.dropOldest(); a.cut(); {
		a.dropOldest()
	}
	if !a.keep {
		a.reset()
	}
	return Drift
}

func (a *adwin) insert(x float64) {
	if a.width > 0 {
		d := x - a.total/a.width
		a.squares += a.width * d * d / (a.width + 1)
	}
	a.width++
	a.total += x
	for i, sum, squares := 0, x, 0.0; ; i++ {
		if i == len(a.rows) {
			a.grow()
		}
		r := &a.rows[i]
		r.sum[r.n], r.squares[r.n] = sum, squares
		r.n++
		if r.n <= a.perRow {
			return
		}
		sum, squares = r.merge(size(i))
	}
}

func (a *adwin) grow() {
	if len(a.rows) < cap(a.rows) {
		a.rows = a.rows[:len(a.rows)+1]
		if r := &a.rows[len(a.rows)-1]; len(r.sum) > 0 {
			r.n = 0
			return
		}
		a.rows = a.rows[:len(a.rows)-1]
	}
	a.rows = append(a.rows, bucketRow{sum: make([]float64, a.perRow+1), squares: make([]float64, a.perRow+1)})
}

// size of a bucket of row i.
func size(i int) float64 { return float64(uint64(1) << i) }

// merge takes the two oldest buckets, of n values each, out of the row.
func (r *bucketRow) merge(n float64) (sum, squares float64) {
	d := r.sum[0]/n - r.sum[1]/n
	sum = r.sum[0] + r.sum[1]
	squares = r.squares[0] + r.squares[1] + n*n*d*d/(n+n)
	r.drop(2)
	return sum, squares
}

func (r *bucketRow) drop(k int) {
	copy(r.sum, r.sum[k:r.n])
	copy(r.squares, r.squares[k:r.n])
	r.n -= k
}

// cut tells whether the window falls into two parts of different means.
func (a *adwin) cut() bool {
	confidence := math.Log(2 * math.Log(a.width) / a.delta)
	variance := max(0, a.squares) / a.width // subtraction may leave less than nothing
	dust := rounding * math.Abs(a.total)
	// (μ0−μ1)·n0·n1 is u0·W − U·n0, and m is at least W/(n0·n1): most
	// boundaries are refused without a division. The last factor covers rounding.
	calm := 2 * variance * confidence * a.width * (1 - 1e-9)
	var n0, u0 float64
	n1, u1 := a.width, a.total
	for i := len(a.rows) - 1; i >= 0; i-- {
		r, n := &a.rows[i], size(i)
		for _, u := range r.sum[:r.n] {
			n0, u0 = n0+n, u0+u
			n1, u1 = n1-n, u1-u
			if n1 < a.least {
				return false // and so are all later parts
			}
			if n0 < a.least {
				continue
			}
			if cross := u0*a.width - a.total*n0; cross*cross <= calm*n0*n1 {
				continue
			}
			m := 1/(n0-a.least+1) + 1/(n1-a.least+1)
			gap := u0/n0 - u1/n1
			bound := math.Sqrt(2*m*variance*confidence) + 2.0/3*confidence*m
			if math.Abs(gap) > bound && math.Abs(gap) > dust*(1/n0+1/n1) {
				return true
			}
		}
	}
	return false
}

func (a *adwin) dropOldest() {
	last := len(a.rows) - 1
	r, n := &a.rows[last], size(last)
	a.width -= n
	a.total -= r.sum[0]
	d := r.sum[0]/n - a.total/a.width
	a.squares -= r.squares[0] + n*a.width*d*d/(n+a.width)
	if r.drop(1); r.n == 0 {
		a.rows = a.rows[:last]
	}
}

func (a *adwin) fields(c *codec) {
	c.count(&a.seen)
	c.finite(&a.width)
	c.finite(&a.total)
	c.finite(&a.squares)
	n := len(a.rows)
	c.index(&n, 53)
	var held float64
	for i := 0; i < n && c.err == nil; i++ {
		if i == len(a.rows) {
			a.grow()
		}
		r := &a.rows[i]
		c.index(&r.n, a.perRow)
		for k := range r.n {
			c.finite(&r.sum[k])
			c.finite(&r.squares[k])
		}
		held += float64(r.n) * size(i)
	}
	switch {
	case held != a.width:
		c.fail("buckets of %v values in a window of %v", held, a.width)
	case n > 0 && a.rows[len(a.rows)-1].n == 0:
		c.fail("the oldest row is empty")
	}
}
