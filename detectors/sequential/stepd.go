package sequential

import (
	"errors"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// stepdEntry is the statistical test of equal proportions: the error rate of
// the newest window values against that of all values before them since the
// last alarm, by
//
//	z = ( |a_old − a_new| − ½·(1/n_old + 1/n_new) ) / √( p̂(1−p̂)·(1/n_old + 1/n_new) ),
//
// p̂ over both, and its one-sided normal tail. It is tested from twice the
// window on. There is no test at p̂ of 0 or 1. A difference smaller than the
// correction counts as none; frouros takes the absolute value of z, which
// alarms by chance where errors are rare.
//
// Source: K. Nishida, K. Yamauchi, "Detecting concept drift using statistical
// testing", Discovery Science 2007; defaults as in frouros.
var stepdEntry = Entry{
	Name: "stepd", Title: "STEPD", Domain: Bits, Warns: true,
	Params: []Param{
		{"alpha_drift", 0.003, 1e-300, 0.5, Number, "Tail probability that alarms: smaller alarms less and later."},
		{"alpha_warning", 0.05, 1e-300, 0.5, Number, "Tail probability that warns."},
		{"window", 30, 2, 1e6, Whole, "Newest values that are compared with those before."},
		{"two_sided", 1, 0, 1, Switch, "Alarm when errors become fewer, too, as in frouros. Off: only when they become more."},
	},
	Doc:    "Sees the error rate of the newest 30 values differ from that before. It asks at every value, so that α is the chance of a test, not of a stream: expect a false alarm every 2,000 values.",
	Use:    "Abrupt changes with cheap false alarms.",
	Cost:   "Some ten nanoseconds a value; a byte for each value of the window.",
	Source: "Nishida and Yamauchi 2007; defaults as in frouros",
	check: func(p Params) error {
		if p["alpha_warning"] < p["alpha_drift"] {
			return errors.New("alpha_warning is below alpha_drift: want at least the same")
		}
		return nil
	},
	make: func(p Params) machine {
		return &stepd{
			alarm: distuv.UnitNormal.Quantile(1 - p["alpha_drift"]), warn: distuv.UnitNormal.Quantile(1 - p["alpha_warning"]),
			both: p.on("two_sided"), newest: make([]bool, p.whole("window")),
		}
	},
}

type stepd struct {
	alarm, warn float64 // as normal deviates
	both        bool

	n, errors uint64 // values and errors
	recent    int    // errors among the newest
	newest    []bool // ring: value number i is at i modulo its length
}

func (d *stepd) reset() {
	d.n, d.errors, d.recent = 0, 0, 0
	clear(d.newest)
}

func (d *stepd) step(x float64) Status {
	at := &d.newest[d.n%uint64(len(d.newest))]
	if *at {
		d.recent--
	}
	if *at = x == 1; *at {
		d.recent++
		d.errors++
	}
	d.n++
	if d.n < 2*uint64(len(d.newest)) || d.errors == 0 || d.errors == d.n {
		return None
	}
	switch z := d.deviate(); {
	case z > d.alarm:
		d.reset()
		return Drift
	case z > d.warn:
		return Warning
	}
	return None
}

func (d *stepd) deviate() float64 {
	n, newest := float64(d.n), float64(len(d.newest))
	p, inverse := float64(d.errors)/n, 1/(n-newest)+1/newest
	move := float64(d.recent)/newest - float64(d.errors-uint64(d.recent))/(n-newest)
	if d.both {
		move = math.Abs(move)
	}
	return (move - inverse/2) / math.Sqrt(p*(1-p)*inverse)
}

func (d *stepd) fields(c *codec) {
	c.count(&d.n)
	c.count(&d.errors)
	held := 0
	for i := range d.newest {
		if c.flag(&d.newest[i]); d.newest[i] {
			held++
		}
	}
	if c.reading {
		d.recent = held
	}
	if d.errors > d.n || uint64(held) > d.errors {
		c.fail("%d errors, %d of them recent, among %d values", d.errors, held, d.n)
	}
}
