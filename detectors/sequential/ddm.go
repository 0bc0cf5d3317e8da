package sequential

import (
	"errors"
	"math"
)

// ddmEntry is the drift detection method: with p the mean error and
// s = √(p(1−p)/n) it remembers the least p+s and alarms when p+s exceeds
// p_min + 3·s_min.
//
// Source: J. Gama, P. Medas, G. Castillo, P. Rodrigues, "Learning with drift
// detection", SBIA 2004; warm start as in river (values, not errors).
var ddmEntry = Entry{
	Name: "ddm", Title: "DDM", Domain: Unit, Warns: true,
	Params: []Param{
		{"warm_start", 30, 1, 1e9, Whole, "Nothing is tested in the first so many values."},
		{"warning_threshold", 2, 0, 100, Number, "Deviations above the minimum for a warning."},
		{"drift_threshold", 3, 0, 100, Number, "Deviations above the minimum for an alarm: more alarms less and later."},
	},
	Doc:    "Sees the mean error rise above the best it has been. Blind to falls. Slow after a long quiet time, because the mean is over all values since the last alarm; alarms at the first error when the first values have none (the minimum then has no deviation).",
	Use:    "A cheap baseline for models with an error rate of 5 % to 40 %.",
	Cost:   "A few nanoseconds a value; constant memory.",
	Source: "Gama et al. 2004; defaults as in river and MOA",
	check: func(p Params) error {
		if p["warning_threshold"] > p["drift_threshold"] {
			return errors.New("warning_threshold is above drift_threshold: want at most the same")
		}
		return nil
	},
	make: func(p Params) machine {
		return &ddm{warm: p.count("warm_start"), warn: p["warning_threshold"], alarm: p["drift_threshold"]}
	},
}

type ddm struct {
	warm        uint64
	warn, alarm float64

	errors     average
	pMin, sMin float64 // where p+s was least; +Inf before the warm start is over
}

func (d *ddm) reset() { d.errors, d.pMin, d.sMin = average{}, math.Inf(1), math.Inf(1) }

func (d *ddm) step(x float64) Status {
	d.errors.add(x)
	if d.errors.n <= d.warm {
		return None
	}
	p := d.errors.mean
	s := math.Sqrt(max(0, p*(1-p)) / float64(d.errors.n))
	if p+s <= d.pMin+d.sMin {
		d.pMin, d.sMin = p, s
	}
	switch {
	case p+s > d.pMin+d.alarm*d.sMin:
		d.reset()
		return Drift
	case p+s > d.pMin+d.warn*d.sMin:
		return Warning
	}
	return None
}

func (d *ddm) fields(c *codec) {
	d.errors.fields(c)
	c.float(&d.pMin)
	c.float(&d.sMin)
}
