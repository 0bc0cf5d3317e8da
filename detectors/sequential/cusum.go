package sequential

// cusumEntry is the tabular cumulative sum chart: mean μ and deviation σ (n−1)
// of the first min_instances values are frozen, then
//
//	S⁺ ← max(0, S⁺ + x − μ − k·σ),  S⁻ ← max(0, S⁻ − x + μ − k·σ),
//
// with an alarm when either exceeds h·σ. The last value of the warm start
// enters the sums, as in the source.
//
// Source: E. S. Page, Biometrika 1954; defaults as in river.
var cusumEntry = Entry{
	Name: "cusum", Title: "CUSUM", Domain: Real,
	Params: []Param{
		{"min_instances", 30, 2, 1e9, Whole, "Values from which μ and σ are taken; nothing is tested before. Fewer misjudge them and alarm by chance."},
		{"slack", 0.5, 0, 100, Number, "k: half the change to look for, in standard deviations."},
		{"threshold", 5, 0, 1e6, Number, "h: the sum that alarms, in standard deviations; more alarms less and later."},
		{"two_sided", 1, 0, 1, Switch, "Look for falls too."},
	},
	Doc:    "Sees the mean move by about 2k standard deviations, quickest of all for that size. At h = 5 it alarms by chance every 500 values or so (465 if μ and σ were known), half of the time within 150. A warm start of equal values has σ = 0: the first other value then alarms.",
	Use:    "Short series with a known size of change; raise h to 8 or more, and min_instances, for long ones.",
	Cost:   "A few nanoseconds a value; constant memory.",
	Source: "Page 1954; defaults as in river",
	make: func(p Params) machine {
		return &cusum{warm: p.count("min_instances"), slack: p["slack"], limit: p["threshold"], both: p.on("two_sided")}
	},
}

type cusum struct {
	warm         uint64
	slack, limit float64
	both         bool

	start      moments // of the warm start
	sigma      float64
	rise, fall float64
}

func (d *cusum) reset() { d.start, d.sigma, d.rise, d.fall = moments{}, 0, 0, 0 }

func (d *cusum) step(x float64) Status {
	if d.start.n < d.warm {
		d.start.add(x)
		if d.start.n < d.warm {
			return None
		}
		d.sigma = d.start.deviation()
	}
	move := x - d.start.mean
	d.rise = max(0, d.rise+move-d.slack*d.sigma)
	if d.both {
		d.fall = max(0, d.fall-move-d.slack*d.sigma)
	}
	if max(d.rise, d.fall) > d.limit*d.sigma {
		d.reset()
		return Drift
	}
	return None
}

func (d *cusum) fields(c *codec) {
	d.start.fields(c)
	if c.finite(&d.sigma); d.sigma < 0 {
		c.fail("a deviation of %v", d.sigma)
	}
	c.finite(&d.rise)
	c.finite(&d.fall)
}
