package sequential

// pageHinkleyScaledEntry is the Page–Hinkley test on values measured in their
// own standard deviation, so that one choice of δ and λ serves every stream:
//
//	S ← max(0, S ± (x−x̄)/σ − δ),   alarm at S ≥ λ.
//
// σ is that of the first min_instances values (more, if those were all equal)
// and stays; x̄ is the mean of all values up to x. With x̄ and σ known, the
// mean time to a false alarm of one side is about
//
//	(e^{2δ(λ+1.166)} − 1 − 2δ(λ+1.166)) / 2δ²
//
// (D. Siegmund, "Sequential Analysis", 1985), and a change by c·σ is found
// after about λ/(c−δ) values.
var pageHinkleyScaledEntry = Entry{
	Name: "page_hinkley_scaled", Title: "Page–Hinkley, scaled", Domain: Real,
	Params: []Param{
		{"min_instances", 200, 2, 1e9, Whole, "Values from which σ is taken; nothing is tested before. Fewer misjudge σ and alarm by chance."},
		{"delta", 0.2, 0, 100, Number, "Size of change that is tolerated, in standard deviations."},
		{"threshold", 30, 0, 1e6, Number, "λ: the sum that alarms, in standard deviations; more alarms less and later."},
		{"two_sided", 1, 0, 1, Switch, "Look for falls too."},
	},
	Doc:    "Sees the mean move by more than δ standard deviations, either way and in any unit. Blind to smaller changes, and to changes of the spread alone (which it takes for changes of the mean when they are large).",
	Use:    "Any real-valued series; errors when speed counts.",
	Cost:   "A few nanoseconds a value; constant memory.",
	Source: "Page 1954; defaults chosen on the synthetic streams of driftline eval",
	make: func(p Params) machine {
		return &scaledPageHinkley{warm: p.count("min_instances"), delta: p["delta"], limit: p["threshold"], both: p.on("two_sided")}
	},
}

type scaledPageHinkley struct {
	warm         uint64
	delta, limit float64
	both         bool

	all        moments
	sigma      float64 // 0 during the warm start
	rise, fall float64
}

func (d *scaledPageHinkley) reset() { d.all, d.sigma, d.rise, d.fall = moments{}, 0, 0, 0 }

func (d *scaledPageHinkley) step(x float64) Status {
	d.all.add(x)
	if d.sigma == 0 {
		if d.all.n >= d.warm {
			d.sigma = d.all.deviation()
		}
		return None
	}
	move := (x - d.all.mean) / d.sigma
	d.rise = max(0, d.rise+move-d.delta)
	if d.both {
		d.fall = max(0, d.fall-move-d.delta)
	}
	if sum := max(d.rise, d.fall); sum > 0 && sum >= d.limit {
		d.reset()
		return Drift
	}
	return None
}

func (d *scaledPageHinkley) fields(c *codec) {
	d.all.fields(c)
	if c.finite(&d.sigma); d.sigma < 0 {
		c.fail("a deviation of %v", d.sigma)
	}
	c.finite(&d.rise)
	c.finite(&d.fall)
}
