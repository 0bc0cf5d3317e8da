package sequential

import "math"

// ewmaEntry is the exponentially weighted moving average chart: with z the
// weighted mean of the values, x̄ their plain mean and σ² their weighted
// variance, it alarms when
//
//	|z − x̄| > L·σ·√( α/(2−α)·(1−(1−α)^{2n}) ).
//
// σ² ← (1−α)·(σ² + α·(x−z)²), which is the weighted mean of squares less the
// squared weighted mean, without its cancellation.
//
// Source: S. W. Roberts, "Control chart tests based on geometric moving
// averages", Technometrics 1959; as in river.
var ewmaEntry = Entry{
	Name: "ewma", Title: "EWMA", Domain: Real,
	Params: []Param{
		{"alpha", 0.1, 1e-6, 1, Number, "Weight of the newest value: smaller sees smaller changes, later."},
		{"threshold", 4, 0, 1000, Number, "L: deviations of z from the mean that alarm; more alarms less and later."},
		{"min_instances", 30, 1, 1e9, Whole, "Nothing is tested before so many values."},
		{"two_sided", 1, 0, 1, Switch, "Look for falls too."},
	},
	Doc:    "Sees the recent mean leave the long one. Its deviation is that of the recent values only: where those happen to be alike, as in long runs of 0 among rare errors, the limits close and it alarms by chance (every 500 values at an error rate of 0.2).",
	Use:    "Real values with noise of steady size; ecdd for errors.",
	Cost:   "Some ten nanoseconds a value; constant memory.",
	Source: "Roberts 1959; defaults as in river",
	make: func(p Params) machine {
		return &ewma{alpha: p["alpha"], limit: p["threshold"], warm: p.count("min_instances"), both: p.on("two_sided")}
	},
}

type ewma struct {
	alpha, limit float64
	warm         uint64
	both         bool

	all      average
	recent   smoothed
	variance float64
	fade     float64 // (1−α)^{2n}
}

func (d *ewma) reset() { d.all, d.recent, d.variance, d.fade = average{}, smoothed{}, 0, 1 }

func (d *ewma) step(x float64) Status {
	d.all.add(x)
	if move := x - d.recent.mean; d.recent.begun {
		d.variance = (1 - d.alpha) * (d.variance + d.alpha*move*move)
	}
	d.recent.add(x, d.alpha)
	d.fade *= (1 - d.alpha) * (1 - d.alpha)
	if d.all.n < d.warm {
		return None
	}
	move := d.recent.mean - d.all.mean
	if d.both {
		move = math.Abs(move)
	}
	if move > d.limit*math.Sqrt(d.variance)*math.Sqrt(d.alpha/(2-d.alpha)*(1-d.fade)) {
		d.reset()
		return Drift
	}
	return None
}

func (d *ewma) fields(c *codec) {
	d.all.fields(c)
	d.recent.fields(c)
	if c.finite(&d.variance); d.variance < 0 {
		c.fail("a variance of %v", d.variance)
	}
	c.finite(&d.fade)
}
