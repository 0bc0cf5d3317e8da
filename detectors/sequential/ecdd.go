package sequential

import (
	"errors"
	"math"
)

// ecddEntry is the EWMA chart for concept drift: with p the mean error up to
// now and z ← λ·x + (1−λ)·z from z = 0, it alarms when
//
//	z > p + L(p)·√( p(1−p)·λ/(2−λ)·(1−(1−λ)^{2n}) )
//
// and warns at half of L. L is a polynomial in p for each mean time between
// false alarms, fitted for λ = 0.2 and p < 0.5; no alarm is given at p ≥ 0.5,
// where it means nothing.
//
// Source: G. J. Ross et al., "Exponentially weighted moving average charts for
// detecting concept drift", Pattern Recognition Letters 2012; defaults as in
// frouros.
var ecddEntry = Entry{
	Name: "ecdd", Title: "ECDD", Domain: Bits, Warns: true,
	Params: []Param{
		{"lambda", 0.2, 1e-6, 1, Number, "Weight of the newest value; L is made for 0.2."},
		{"arl", 400, 100, 1000, Whole, "Mean values between false alarms that L is made for: 100, 400 or 1000. Measured at an error rate of 0.2: 55, 370 and 220, so that only 400 can be advised; the polynomials are as printed."},
		{"warning_level", 0.5, 0, 1, Number, "Share of L that warns."},
		{"min_instances", 30, 1, 1e9, Whole, "Nothing is tested before so many values."},
	},
	Doc:    "Sees the recent error rate rise above the mean one, within few values. False alarms come every 300 to 400 values by design. Blind to falls, and above an error rate of one half.",
	Use:    "Large rises that must be seen within ten or twenty values.",
	Cost:   "Some ten nanoseconds a value; constant memory.",
	Source: "Ross et al. 2012; defaults as in frouros",
	check: func(p Params) error {
		if _, ok := ecddLimits[p["arl"]]; !ok {
			return errors.New("arl: want 100, 400 or 1000")
		}
		return nil
	},
	make: func(p Params) machine {
		return &ecdd{lambda: p["lambda"], limits: ecddLimits[p["arl"]], warn: p["warning_level"], warm: p.count("min_instances")}
	},
}

// ecddLimits are the factors of p⁰, p¹, p³, p⁵ and p⁷ in L.
var ecddLimits = map[float64][5]float64{
	100:  {2.76, -6.23, 18.12, -312.45, 1002.18},
	400:  {3.97, -6.56, 48.73, -330.13, 848.18},
	1000: {1.17, 7.56, -21.24, 112.12, -987.23},
}

type ecdd struct {
	lambda, warn float64
	limits       [5]float64
	warm         uint64

	errors average
	recent float64
	fade   float64 // (1−λ)^{2n}
}

func (d *ecdd) reset() { d.errors, d.recent, d.fade = average{}, 0, 1 }

func (d *ecdd) step(x float64) Status {
	d.errors.add(x)
	d.recent = d.lambda*x + (1-d.lambda)*d.recent
	d.fade *= (1 - d.lambda) * (1 - d.lambda)
	p := d.errors.mean
	if d.errors.n < d.warm || p >= 0.5 {
		return None
	}
	sigma := math.Sqrt(max(0, p*(1-p)) * d.lambda / (2 - d.lambda) * (1 - d.fade))
	limit := d.limit(p) * sigma
	switch {
	case d.recent > p+limit:
		d.reset()
		return Drift
	case d.recent > p+d.warn*limit:
		return Warning
	}
	return None
}

func (d *ecdd) limit(p float64) float64 {
	q, l := p*p, &d.limits
	return l[0] + p*(l[1]+q*(l[2]+q*(l[3]+q*l[4])))
}

func (d *ecdd) fields(c *codec) {
	d.errors.fields(c)
	c.finite(&d.recent)
	c.finite(&d.fade)
}
