package budget

import (
	"github.com/driftline/driftline/detectors"
	"github.com/driftline/driftline/schemas"
)

// watched are the detectors of the simulation: those of numbers that compare
// distributions.
var watched = []string{"psi", "js", "ks", "wasserstein"}

// rule is one way to decide on an alarm.
type rule struct {
	name     string
	fire     func(*look) bool
	budgeted bool   // it was told the budget and the history
	below    string // why it may stay below the budget
}

// look is what the rules see of a window.
type look struct {
	score, independent, calibrated map[string]float64
	mean, deviation                float64 // of the JS distances of the history's windows
	level                          float64
}

const (
	joined = "the four detectors ask nearly the same question, and the correction counts four"
	never  = "p is never less than that of independent rows"
)

var rules = func() []rule {
	var out []rule
	for _, d := range watched {
		out = append(out, rule{"calibrated " + d, func(l *look) bool { return l.calibrated[d] <= l.level }, true, never})
	}
	out = append(out,
		rule{"calibrated all four", func(l *look) bool { return l.any(func(string) bool { return true }) }, true, joined},
		rule{"verdict", func(l *look) bool {
			return l.any(func(d string) bool { return l.score[d] >= lookup(d).Threshold })
		}, true, joined + "; and an effect must reach the detector's threshold"},
	)
	for _, d := range watched {
		out = append(out, rule{name: "uncalibrated " + d, fire: func(l *look) bool { return l.independent[d] <= l.level }})
	}
	return append(out,
		rule{name: "PSI > 0.1", fire: func(l *look) bool { return l.score["psi"] > 0.1 }},
		rule{name: "PSI > 0.2", fire: func(l *look) bool { return l.score["psi"] > 0.2 }},
		rule{name: "JS > 0.1", fire: func(l *look) bool { return l.score["js"] > 0.1 }},
		rule{name: "KS p < 0.05", fire: func(l *look) bool { return l.independent["ks"] < 0.05 }},
		rule{name: "JS > mean + 3σ", fire: func(l *look) bool { return l.score["js"] > l.mean+3*l.deviation }},
	)
}()

// any tells whether a detector that is asked is significant among all.
func (l *look) any(asked func(string) bool) bool {
	ps := make([]float64, len(watched))
	for i, d := range watched {
		ps[i] = l.calibrated[d]
	}
	for i, p := range detectors.Adjust(ps, false) {
		if p <= l.level && asked(watched[i]) {
			return true
		}
	}
	return false
}

// at fills in what a window scores.
func (l *look) at(ref *schemas.Reference, w *schemas.WindowSummaries) {
	a, b := &ref.Features[0], &w.Features[0]
	for _, name := range watched {
		d := lookup(name)
		r := d.Compare(a, b, detectors.DefaultParams())
		l.score[name], l.independent[name] = r.Score, r.PValue
		l.calibrated[name] = detectors.CalibratedP(ref.Calibration, feature, schemas.Numeric, name, r.Score, a.Rows, b.Rows, w.Span.Start, r.PValue)
	}
}

func lookup(name string) detectors.Detector {
	d, err := detectors.Lookup(name)
	if err != nil {
		panic(err) // a name of this file
	}
	return d
}
