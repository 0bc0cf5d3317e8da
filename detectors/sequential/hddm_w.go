package sequential

import "math"

// hddmWEntry is the Hoeffding drift detection method with exponentially
// weighted means: the stream is cut where the weighted mean plus its bound was
// least (rises) or minus its bound largest (falls), and the weighted means on
// both sides of the cut are compared. With v the sum of squared weights of a
// mean, which begins at 1 and becomes λ²+(1−λ)²·v with each value, the bound is
//
//	√( (v1+v2)·ln(1/α)/2 )   (McDiarmid).
//
// Source: I. Frías-Blanco et al., IEEE TKDE 2015; as in river.
var hddmWEntry = Entry{
	Name: "hddm_w", Title: "HDDM-W", Domain: Unit, Warns: true,
	Params: hddmParams(Param{"lambda", 0.05, 1e-6, 1, Number, "Weight of the newest value: larger forgets faster."}),
	Doc:    "Sees the recent mean of values in [0,1] move away from the past. Quick on large changes, may miss small ones, and alarms by chance where errors are frequent (7 times in 10,000 values at an error rate of 0.4).",
	Use:    "Abrupt changes at error rates up to 0.2.",
	Cost:   "Some tens of nanoseconds a value; constant memory.",
	Source: "Frías-Blanco et al. 2015; defaults as in river: one-sided",
	check:  checkHDDM,
	make: func(p Params) machine {
		return &hddmW{
			alarm: math.Log(1 / p["drift_confidence"]), warn: math.Log(1 / p["warning_confidence"]),
			lambda: p["lambda"], both: p.on("two_sided"),
		}
	},
}

type hddmW struct {
	alarm, warn float64 // logarithms of the bounds
	lambda      float64
	both        bool

	all        weighted
	rise, fall split
}

// weighted is a weighted mean and the sum of its squared weights.
type weighted struct {
	smoothed
	weights float64
}

func (w *weighted) add(x, lambda float64) {
	w.smoothed.add(x, lambda)
	w.weights = lambda*lambda + (1-lambda)*(1-lambda)*w.weights
}

// split is the stream on both sides of a cut, and the bound that chose it.
type split struct {
	before, after weighted
	bound         float64
}

var noValues = weighted{weights: 1}

func (h *hddmW) reset() {
	h.all = noValues
	h.rise = split{noValues, noValues, math.Inf(1)}
	h.fall = split{noValues, noValues, math.Inf(-1)}
}

func (h *hddmW) step(x float64) Status {
	h.all.add(x, h.lambda)
	bound := mcDiarmid(h.all.weights, h.alarm)
	h.rise.add(x, h, h.all.mean+bound, h.all.mean+bound < h.rise.bound)
	s := h.judge(&h.rise, 1)
	if h.both {
		h.fall.add(x, h, h.all.mean-bound, h.all.mean-bound > h.fall.bound)
		s = max(s, h.judge(&h.fall, -1))
	}
	if s == Drift {
		h.reset()
	}
	return s
}

// add takes x, as the first value behind a new cut or as one more behind the old.
func (s *split) add(x float64, h *hddmW, bound float64, better bool) {
	if better {
		*s = split{before: h.all, after: noValues, bound: bound}
		return
	}
	s.after.add(x, h.lambda)
}

func (h *hddmW) judge(s *split, sign float64) Status {
	if !s.before.begun || !s.after.begun {
		return None
	}
	move, weights := sign*(s.after.mean-s.before.mean), s.before.weights+s.after.weights
	switch {
	case move > mcDiarmid(weights, h.alarm):
		return Drift
	case move > mcDiarmid(weights, h.warn):
		return Warning
	}
	return None
}

// mcDiarmid is the bound; log is ln(1/α).
func mcDiarmid(weights, log float64) float64 { return math.Sqrt(weights * log / 2) }

func (w *weighted) fields(c *codec) {
	w.smoothed.fields(c)
	if c.finite(&w.weights); w.weights < 0 {
		c.fail("weights of %v", w.weights)
	}
}

func (h *hddmW) fields(c *codec) {
	h.all.fields(c)
	for _, s := range []*split{&h.rise, &h.fall} {
		s.before.fields(c)
		s.after.fields(c)
		c.float(&s.bound)
	}
}
