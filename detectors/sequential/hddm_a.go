package sequential

import (
	"errors"
	"math"
)

// hddmAEntry is the Hoeffding drift detection method with plain averages: it
// keeps the past prefix x whose mean plus bound was least (for rises) or whose
// mean minus bound was largest (for falls), and alarms when the mean z of all
// n values has moved from it by at least
//
//	√( (n−nx)/(2·nx·n) · ln(2/α) ).
//
// The bound by which prefixes are chosen is √(ln(1/α)/(2n)).
//
// Source: I. Frías-Blanco et al., "Online and non-parametric drift detection
// methods based on Hoeffding's bounds", IEEE TKDE 2015; as in river.
var hddmAEntry = Entry{
	Name: "hddm_a", Title: "HDDM-A", Domain: Unit, Warns: true,
	Params: hddmParams(),
	Doc:    "Sees the mean of values in [0,1] move away from the best prefix, with a bound that holds for any distribution. Slower the longer the quiet time before, as the mean is over all of it.",
	Use:    "Abrupt changes, where few false alarms matter more than speed.",
	Cost:   "Some tens of nanoseconds a value; constant memory.",
	Source: "Frías-Blanco et al. 2015; defaults as in river: one-sided (MOA's is two-sided)",
	check:  checkHDDM,
	make: func(p Params) machine {
		return &hddmA{
			prefix: math.Log(1 / p["drift_confidence"]),
			alarm:  math.Log(2 / p["drift_confidence"]), warn: math.Log(2 / p["warning_confidence"]),
			both: p.on("two_sided"),
		}
	},
}

// hddmParams are what both methods of the family share.
func hddmParams(more ...Param) []Param {
	return append([]Param{
		{"drift_confidence", 0.001, 1e-12, 1, Number, "Chance of an alarm at a test when nothing changed: smaller alarms less and later."},
		{"warning_confidence", 0.005, 1e-12, 1, Number, "The same of a warning."},
		{"two_sided", 0, 0, 1, Switch, "Look for falls too. Off: rises only, as in the source."},
	}, more...)
}

func checkHDDM(p Params) error {
	if p["warning_confidence"] < p["drift_confidence"] {
		return errors.New("warning_confidence is below drift_confidence: want at least the same")
	}
	return nil
}

type hddmA struct {
	prefix, alarm, warn float64 // logarithms of the bounds
	both                bool

	all, low, high average // of all values; of the prefixes that rises and falls are measured from
}

func (h *hddmA) reset() { h.all, h.low, h.high = average{}, average{}, average{} }

func (h *hddmA) step(x float64) Status {
	h.all.add(x)
	z := h.all.mean
	bound := h.bound(h.all.n)
	if h.low.n == 0 || h.low.mean+h.bound(h.low.n) >= z+bound {
		h.low = h.all
	}
	if h.high.n == 0 || h.high.mean-h.bound(h.high.n) <= z-bound {
		h.high = h.all
	}
	s := h.judge(z-h.low.mean, h.low.n)
	if h.both {
		s = max(s, h.judge(h.high.mean-z, h.high.n))
	}
	if s == Drift {
		h.reset()
	}
	return s
}

func (h *hddmA) bound(n uint64) float64 {
	return math.Sqrt(h.prefix / (2 * float64(n)))
}

// judge a move away from a prefix of nx values.
func (h *hddmA) judge(move float64, nx uint64) Status {
	if nx == h.all.n {
		return None
	}
	m := float64(h.all.n-nx) / float64(nx) / float64(h.all.n)
	switch {
	case move >= math.Sqrt(m/2*h.alarm):
		return Drift
	case move >= math.Sqrt(m/2*h.warn):
		return Warning
	}
	return None
}

func (h *hddmA) fields(c *codec) {
	for _, a := range []*average{&h.all, &h.low, &h.high} {
		a.fields(c)
		if a.n > h.all.n || (a.n == 0) != (h.all.n == 0) {
			c.fail("a prefix of %d among %d values", a.n, h.all.n)
		}
	}
}
