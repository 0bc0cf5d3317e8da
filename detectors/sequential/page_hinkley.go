package sequential

// pageHinkleyEntry is the Page–Hinkley test in the form
//
//	S ← max(0, α·S + x − x̄ − δ),   alarm at S ≥ λ,
//
// x̄ being the mean of all values up to x. Falls have a sum of their own, with
// the sign of x − x̄ turned.
//
// Source: E. S. Page, "Continuous inspection schemes", Biometrika 1954;
// defaults as in MOA, scikit-multiflow and river before its two-sided form. As
// there, the value itself is counted before the warm start is compared, so
// that min_instances = 30 tests from the 29th value on.
var pageHinkleyEntry = Entry{
	Name: "page_hinkley", Title: "Page–Hinkley", Domain: Real,
	Params: []Param{
		{"min_instances", 30, 1, 1e9, Whole, "Nothing is tested before so many values."},
		{"delta", 0.005, 0, 1e100, Number, "Size of change that is tolerated, in the values' unit."},
		{"threshold", 50, 0, 1e100, Number, "λ: the sum that alarms, in the values' unit; a change by c is found after about λ/(c−δ) values."},
		{"alpha", 0.9999, 0, 1, Number, "Share of the sum that is kept from value to value."},
		{"two_sided", 0, 0, 1, Switch, "Look for falls too. Off: rises only, as in the source."},
	},
	Doc:    "Sees the mean rise above the mean of the past. Its parameters are in the values' own unit: λ = 50 is far too much for errors of 0 and 1 (it takes some 250 values for a rise by 0.2) and far too little for values in the thousands.",
	Use:    "Values of known scale, with δ and λ chosen for it; otherwise page_hinkley_scaled.",
	Cost:   "A few nanoseconds a value; constant memory.",
	Source: "Page 1954; defaults as in MOA and scikit-multiflow",
	make: func(p Params) machine {
		return &pageHinkley{
			warm: p.count("min_instances"), delta: p["delta"], limit: p["threshold"], keep: p["alpha"], both: p.on("two_sided"),
		}
	},
}

type pageHinkley struct {
	warm               uint64
	delta, limit, keep float64
	both               bool

	all        average
	rise, fall float64
}

func (d *pageHinkley) reset() { d.all, d.rise, d.fall = average{}, 0, 0 }

func (d *pageHinkley) step(x float64) Status {
	d.all.add(x)
	move := x - d.all.mean
	d.rise = max(0, d.keep*d.rise+(move-d.delta))
	if d.both {
		d.fall = max(0, d.keep*d.fall+(-move-d.delta))
	}
	if d.all.n+1 >= d.warm && max(d.rise, d.fall) >= d.limit && max(d.rise, d.fall) > 0 {
		d.reset()
		return Drift
	}
	return None
}

func (d *pageHinkley) fields(c *codec) {
	d.all.fields(c)
	c.finite(&d.rise)
	c.finite(&d.fall)
}
