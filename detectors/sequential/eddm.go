package sequential

import "errors"

// eddmEntry is the early drift detection method: with μ and σ the mean and
// deviation (n−1) of the gaps between errors, it remembers the largest μ+2σ
// and alarms when the present one falls below β of it.
//
// Source: M. Baena-García et al., "Early drift detection method", IWKDDS 2006;
// as in river: the first gap counts from the beginning, the maximum is kept
// from the warm start (in values) on, and alarms need as many errors. (Older
// versions of river divided σ² by n and alarm elsewhere.)
var eddmEntry = Entry{
	Name: "eddm", Title: "EDDM", Domain: Bits, Warns: true,
	Params: []Param{
		{"warm_start", 30, 1, 1e9, Whole, "Nothing is tested in the first so many values and errors."},
		{"alpha", 0.95, 0, 1, Number, "Share of the largest μ+2σ below which it warns."},
		{"beta", 0.9, 0, 1, Number, "Share of the largest μ+2σ below which it alarms: smaller alarms less and later."},
	},
	Doc:    "Sees errors come closer together, also slowly. The maximum that it compares with is that of noise: at the default β it alarms 22 times in the first 10,000 values of an error rate of 0.2 that never changes.",
	Use:    "Only with a smaller β (0.75) and where a false alarm costs nothing.",
	Cost:   "A few nanoseconds a value; constant memory.",
	Source: "Baena-García et al. 2006; defaults as in river",
	check: func(p Params) error {
		if p["alpha"] < p["beta"] {
			return errors.New("alpha is below beta: want at least the same")
		}
		return nil
	},
	make: func(p Params) machine {
		return &eddm{warm: p.count("warm_start"), warn: p["alpha"], alarm: p["beta"]}
	},
}

type eddm struct {
	warm        uint64
	warn, alarm float64

	n, last uint64 // values seen; which of them was the last error
	gaps    moments
	largest float64
	warning bool // stays until the next error
}

func (d *eddm) reset() { *d = eddm{warm: d.warm, warn: d.warn, alarm: d.alarm, largest: -1} }

func (d *eddm) step(x float64) Status {
	d.n++
	if x == 1 && d.failed() {
		d.reset()
		return Drift
	}
	if d.warning {
		return Warning
	}
	return None
}

// failed takes an error and tells whether that is a drift.
func (d *eddm) failed() bool {
	d.gaps.add(float64(d.n - d.last))
	d.last = d.n
	if d.n <= d.warm {
		return false
	}
	level := d.gaps.mean + 2*d.gaps.deviation()
	if level > d.largest {
		d.largest = level
		return false
	}
	if d.gaps.n <= d.warm {
		return false
	}
	d.warning = level/d.largest < d.warn
	return level/d.largest < d.alarm
}

func (d *eddm) fields(c *codec) {
	c.count(&d.n)
	c.count(&d.last)
	if d.last > d.n {
		c.fail("the last error is value %d of %d", d.last, d.n)
	}
	d.gaps.fields(c)
	c.finite(&d.largest)
	c.flag(&d.warning)
}
