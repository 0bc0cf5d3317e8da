package detectors

import (
	"errors"
	"fmt"
	"time"

	"github.com/driftline/driftline/schemas"
)

// maxLevel caps the significance level, however large the budget is: above it
// "significant" would lose its meaning.
const maxLevel = 0.05

// Plan is how one model is watched: the detect section and the model's own
// entry made one. It is immutable and may be shared between goroutines.
type Plan struct {
	Key      schemas.ModelKey
	Window   Window
	Every    Window // from the start of a window to that of the next; the window itself where they do not overlap
	Lateness time.Duration
	MinRows  uint64
	Level    float64 // bound on the chance of any false alarm in one window and segment, or of each feature

	yekutieli  bool
	perFeature bool // the level is each feature's
	calibrate  bool // use the calibration of a reference
	persistence
	params    Params
	detectors []Detector
	joint     []string // of the detectors over rows
	reference referenceRule

	multivariate Multivariate
	thresholds   map[string]float64
	features     map[string]FeatureRules
	importance   map[string]float64 // against the average; nil when not given
}

// NewPlan merges the detect section and a model's entry, which WithImportance has
// read the importance of features into.
func NewPlan(c Config, m Model) (*Plan, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if err := m.Validate(); err != nil {
		return nil, fmt.Errorf("model %q: %w", m.Name, err)
	}
	if err := m.CheckWith(c, ""); err != nil {
		return nil, fmt.Errorf("model %q: %w", m.Name, err)
	}
	p := &Plan{
		Key: m.Key(), Lateness: c.Lateness, MinRows: c.MinRows,
		yekutieli:  c.Correction == CorrectionBY,
		perFeature: c.BudgetPer == PerFeature, calibrate: c.Calibrate,
		persistence: persistence{k: c.AlarmWindows, of: c.AlarmOf, hold: c.Hold},
		params:      Params{Bins: c.Bins, NaturalLogs: c.JSBase == "e"},
		thresholds:  m.Thresholds, features: m.Features,
	}
	p.Window, p.Every = m.windows(c)
	p.reference = m.Reference.rule()
	if m.Lateness != nil {
		p.Lateness = *m.Lateness
	}
	if m.MinRows > 0 {
		p.MinRows = m.MinRows
	}
	budget := c.FalseAlarmEvery
	if !m.FalseAlarmEvery.IsZero() {
		budget = m.FalseAlarmEvery
	}
	p.Level = level(p.Every, budget)
	names := c.Detectors
	if len(m.Detectors) > 0 {
		names = m.Detectors
	}
	p.detectors, p.joint = selected(names), selectedJoint(names)
	p.importance = relative(m.Importance)
	p.multivariate = m.Multivariate.or(c.Multivariate)
	return p, nil
}

// windows of a model: their length, and from the start of one to that of the
// next.
func (m *Model) windows(c Config) (length, every Window) {
	length, every = c.Window, c.Every
	if !m.Window.IsZero() {
		length, every = m.Window, Window{}
	}
	if !m.Every.IsZero() {
		every = m.Every
	}
	if every.IsZero() {
		every = length
	}
	return length, every
}

// CheckWith reports what an entry and the detect section are not right for
// together. At is the path of the entry's keys.
func (m *Model) CheckWith(c Config, at string) error {
	length, every := m.windows(c)
	weekly := m.Reference.Kind != ReferenceSameHour || length.months == 0 && length.length <= week
	return errors.Join(
		checkEvery(at+"every", length, every),
		check(weekly, at+"reference.kind", "%s needs windows of at most a week, not %s", ReferenceSameHour, length),
	)
}

// level spreads a budget of one false alarm per period evenly over the windows
// of the period: a change may come at any time. The expected number of windows
// with a false alarm is then at most the budget however windows depend on each
// other, sliding ones above all, for expectations add up.
func level(w, budget Window) float64 {
	return min(maxLevel, w.Duration().Seconds()/budget.Duration().Seconds())
}

// paramsOf a feature: those of the plan with the limits declared for it.
func (p *Plan) paramsOf(feature string) Params {
	out := p.params
	rules := p.features[feature]
	out.Lower, out.Upper = rules.Min, rules.Max
	return out
}

// threshold of a detector for a feature: the feature's, the model's, the detector's.
func (p *Plan) threshold(d *Detector, feature string) float64 {
	if t, ok := p.features[feature].Thresholds[d.Name]; ok {
		return t
	}
	if t, ok := p.thresholds[d.Name]; ok {
		return t
	}
	return d.Threshold
}
