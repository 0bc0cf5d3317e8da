package sequential

// periodicEntry alarms by the clock alone. It stands beside the others in every
// table for honesty: with alarms every P values the mean time to detection is
// P/2 and that between false alarms P, so that MTR is 2 for knowing nothing. The
// default is a prime, which no schedule of changes meets.
var periodicEntry = Entry{
	Name: "periodic", Title: "Periodic dummy", Domain: Real,
	Params: []Param{
		{"period", 97, 1, 1e9, Whole, "Values from alarm to alarm."},
	},
	Doc:    "Sees nothing: it alarms every period values, whatever they are.",
	Use:    "Never; a detector that is not clearly better than this one is worth nothing.",
	Cost:   "Nothing.",
	Source: "own",
	make:   func(p Params) machine { return &periodic{period: p.count("period")} },
}

type periodic struct{ period, n uint64 }

func (d *periodic) reset() { d.n = 0 }

func (d *periodic) step(float64) Status {
	if d.n++; d.n < d.period {
		return None
	}
	d.n = 0
	return Drift
}

func (d *periodic) fields(c *codec) { c.count(&d.n) }
