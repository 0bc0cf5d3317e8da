package outcomes

import (
	"fmt"
	"math"
	"time"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/driftline/driftline/detectors/performance"
	"github.com/driftline/driftline/schemas"
)

// Plan is how one model is judged.
type Plan struct {
	Key         schemas.ModelKey
	Overlapping func(schemas.Span) []schemas.Span // the model's windows that share an instant with a span, ascending
	Lateness    time.Duration                     // event time that a window waits for late events
	Level       float64                           // bound on the chance of any false alarm of the metrics in one window
	MinRows     uint64                            // labelled rows; fewer give insufficient
	Performance Performance
	Sequential  []string
	Challenger  Challenger
}

// Reference is what a model is compared with, and learned from.
type Reference struct {
	ID     string // as signals name it
	Rows   []Row  // with labels; none: windows are measured and not judged
	Scored bool   // the model gives scores
	Names  []string
}

// Judge holds the windows of one model against its reference. It is immutable
// once made.
type Judge struct {
	plan      Plan
	cfg       Performance
	reference string
	scored    bool
	features  []string // asked for with every window
	baseline  map[string]performance.Figure
	effects   map[string]float64
	estimator estimator // nil: nothing is estimated
	why       string    // why not
	methods   []string
}

// estimator knows how well a model should do.
type estimator interface {
	estimate(metric string, s sample) performance.Figure
	gap(metric string, s sample) performance.Gap
}

type cbpe struct{ *performance.CBPE }

func (e cbpe) estimate(m string, s sample) performance.Figure { return e.Estimate(m, s.binary) }
func (e cbpe) gap(m string, s sample) performance.Gap         { return e.Gap(m, s.binary) }

type dle struct{ *performance.DLE }

func (e dle) estimate(m string, s sample) performance.Figure { return e.Estimate(m, s.regression) }
func (e dle) gap(m string, s sample) performance.Gap         { return e.Gap(m, s.regression) }

// NewJudge learns from a reference.
func NewJudge(p Plan, ref Reference) *Judge {
	j := &Judge{
		plan: p, cfg: p.Performance.complete(), reference: ref.ID, scored: ref.Scored,
		baseline: map[string]performance.Figure{}, effects: map[string]float64{}, methods: p.Sequential,
	}
	switch {
	case len(j.methods) == 0:
		j.methods = DefaultSequential
	case j.methods[0] == NoSequential:
		j.methods = nil
	}
	if j.cfg.Task == Regression {
		j.features = ref.Names
	}
	past := j.sampleOf(ref.Rows, true)
	for _, m := range j.cfg.Metrics {
		j.baseline[m] = j.measure(m, past)
		metric, _ := performance.Lookup(m)
		switch {
		case j.cfg.Effects[m] > 0:
			j.effects[m] = j.cfg.Effects[m]
		case metric.Effect > 0:
			j.effects[m] = metric.Effect
		case j.baseline[m].Defined():
			j.effects[m] = j.baseline[m].Value / 10
		}
	}
	j.learn(past)
	return j
}

// learn what estimates are made from.
func (j *Judge) learn(past sample) {
	if j.cfg.Estimate != nil && !*j.cfg.Estimate {
		j.why = "performance.estimate is off"
		return
	}
	switch {
	case past.rows(j.cfg.Task) == 0:
		j.why = "the reference has no labels: set performance.label"
	case j.cfg.Task == Multiclass:
		j.why = "classes by name are measured, not estimated"
	case j.cfg.Task == Binary && !j.scored:
		j.why = "the model gives no scores"
	case j.cfg.Task == Binary:
		e, err := performance.NewCBPE(past.binary)
		if err != nil {
			j.why = err.Error()
			return
		}
		j.estimator = cbpe{e}
	case j.cfg.Task == Regression:
		e, err := performance.NewDLE(past.regression)
		if err != nil {
			j.why = err.Error()
			return
		}
		j.estimator = dle{e}
	}
}

// NotEstimated says why nothing is estimated; empty when something is.
func (j *Judge) NotEstimated() string { return j.why }

// Question asks for a window.
func (j *Judge) Question(span schemas.Span) Question {
	return Question{ModelKey: j.plan.Key, Span: span, Horizon: j.cfg.Horizon, Features: j.features, MaxRows: j.cfg.MaxRows}
}

// Verdicts are the signals and the figures of one window.
type Verdicts struct {
	Signals     []schemas.Signal
	Stats       []schemas.OutcomeStats
	Predictions int
	Labelled    int
}

// Coverage is the share of predictions with a label.
func (v *Verdicts) Coverage() float64 {
	return performance.Coverage{Predictions: v.Predictions, Labelled: v.Labelled}.Share()
}

// Judge a window: one verdict for each version, metric and question. Final
// only says how the window is called; now is only recorded.
func (j *Judge) Judge(w Window, span schemas.Span, final bool, now time.Time) Verdicts {
	var out Verdicts
	groups := byVersion(w.Rows)
	for _, rows := range groups {
		v := version{
			Judge: j, all: j.sampleOf(rows, false), labelled: j.sampleOf(rows, true),
			questions: 3 * len(j.cfg.Metrics) * len(groups), predictions: len(rows),
		}
		for i := range rows {
			if rows[i].Labelled {
				v.known++
			}
		}
		v.base = schemas.Signal{
			WindowStart: span.Start, WindowEnd: span.End, Tenant: j.plan.Key.Tenant, Model: j.plan.Key.Model, Version: rows[0].Version,
			Reference: j.reference, PValue: 1, EvaluatedAt: now,
		}
		v.footing = footing(v.known, v.predictions, w.OneOf, final)
		for _, m := range j.cfg.Metrics {
			v.metric(m)
		}
		for i := range v.stats {
			s := &v.stats[i]
			s.OneOf, s.Final = w.OneOf, final
		}
		out.Signals, out.Stats = append(out.Signals, v.signals...), append(out.Stats, v.stats...)
		out.Predictions, out.Labelled = out.Predictions+v.predictions, out.Labelled+v.known
	}
	return out
}

// version of a model in one window.
type version struct {
	*Judge
	all, labelled sample
	questions     int // asked of the window together
	predictions   int
	known         int // labels
	footing       string
	base          schemas.Signal
	signals       []schemas.Signal
	stats         []schemas.OutcomeStats
}

func footing(known, predictions int, oneOf uint64, final bool) string {
	text := fmt.Sprintf("; %.3g %% of %d predictions are labelled", 100*float64(known)/float64(predictions), predictions)
	if oneOf > 1 {
		text += fmt.Sprintf(", one in %d looked at", oneOf)
	}
	if final {
		return text + ", final"
	}
	return text + ", provisional"
}

func (v *version) metric(name string) {
	metric, _ := performance.Lookup(name)
	realised := v.measure(name, v.labelled)
	s := schemas.OutcomeStats{
		Tenant: v.base.Tenant, Model: v.base.Model, Version: v.base.Version, Metric: name, WindowStart: v.base.WindowStart, WindowEnd: v.base.WindowEnd,
		Predictions: uint64(v.predictions), Labelled: uint64(v.known), EvaluatedAt: v.base.EvaluatedAt,
	}
	s.Realised, s.RealisedSE = known(realised.Value), known(realised.SE)
	v.signals = append(v.signals, v.against(metric, schemas.PerformancePrefix, "realised", realised, true))
	if v.estimator != nil {
		estimated := v.estimator.estimate(name, v.all)
		s.Estimated, s.EstimatedSE = known(estimated.Value), known(estimated.SE)
		v.signals = append(v.signals, v.against(metric, schemas.EstimatedPrefix, "estimated", estimated, false))
		g := v.estimator.gap(name, v.labelled)
		s.Deficit = known(g.Deficit)
		v.signals = append(v.signals, v.concept(metric, g))
	}
	v.stats = append(v.stats, s)
}

// signal of a question about a metric.
func (v *version) signal(prefix string, m performance.Metric, n int) schemas.Signal {
	s := v.base
	s.Detector, s.Unit, s.Threshold, s.NWindow = prefix+m.Name, m.Unit, v.effects[m.Name], uint64(max(0, n))
	s.NReference = uint64(v.baseline[m.Name].N)
	return s
}

// short tells whether labels are too few for a verdict, and says so.
func (v *version) short(s *schemas.Signal, m performance.Metric, n int) bool {
	coverage := float64(v.known) / float64(v.predictions)
	switch {
	case v.known == 0:
		s.State, s.Reason = schemas.StateNoData, m.Title+" has no data: no label is known"+v.footing
	case coverage < v.cfg.MinCoverage:
		s.State = schemas.StateInsufficient
		s.Reason = fmt.Sprintf("%s waits for labels: %.3g %% of predictions must have one (performance.min_coverage)%s", m.Title, 100*v.cfg.MinCoverage, v.footing)
	case uint64(n) < v.plan.MinRows:
		s.State = schemas.StateInsufficient
		s.Reason = fmt.Sprintf("%s needs %d labelled rows, the window has %d%s", m.Title, v.plan.MinRows, n, v.footing)
	default:
		return false
	}
	return true
}

// against holds a figure of the window against the reference's.
func (v *version) against(m performance.Metric, prefix, what string, f performance.Figure, labels bool) schemas.Signal {
	s := v.signal(prefix, m, f.N)
	past := v.baseline[m.Name]
	switch {
	case labels && v.short(&s, m, f.N):
		return s
	case uint64(f.N) < v.plan.MinRows:
		s.State, s.Reason = schemas.StateInsufficient, fmt.Sprintf("%s needs %d rows, the window has %d", m.Title, v.plan.MinRows, f.N)
		return s
	case !f.Defined():
		s.State, s.Reason = schemas.StateNoData, fmt.Sprintf("%s cannot be %s from these rows%s", m.Title, map[bool]string{true: "measured", false: "estimated"}[labels], v.footing)
		return s
	case !past.Defined():
		s.State, s.Reason = schemas.StateNoData, fmt.Sprintf("%s is %s %s, and there is nothing to compare it with: %s%s", m.Title, number(f.Value), what, v.nothing(), v.footing)
		return s
	}
	deficit := past.Value - f.Value
	if m.Lower {
		deficit = -deficit
	}
	se := math.Hypot(f.SE, past.SE)
	s.Score, s.State = deficit, schemas.StateOK
	s.PValue = v.adjusted(deficit, se)
	s.MinimalEffect = v.detectable(se)
	sign, tail := "<", ""
	if deficit >= s.Threshold {
		sign = "≥"
		if s.PValue <= v.plan.Level {
			s.State = schemas.StateAlarm
		} else {
			tail = ", not significant at " + number(v.plan.Level)
		}
	}
	s.Reason = fmt.Sprintf("%s %s %s, %s in the reference: worse by %s %s %s (± %s, n=%d), p=%s%s%s",
		m.Title, number(f.Value), what, number(past.Value), number(deficit), sign, number(s.Threshold), number(se), f.N, number(s.PValue), tail, v.footing)
	return s
}

// nothing says why there is no baseline.
func (v *version) nothing() string {
	if v.why != "" && v.estimator == nil && v.cfg.Label == "" {
		return "the reference has no labels, set performance.label"
	}
	return "it cannot be measured on the reference"
}

// adjusted is the one-sided p-value of a deficit, for all questions of the window.
func (v *version) adjusted(deficit, se float64) float64 {
	if !(se > 0) {
		return 1
	}
	return min(1, math.Erfc(deficit/se/math.Sqrt2)/2*float64(v.questions))
}

// detectable is the deficit that such a window tells from chance in 4 of 5 cases.
func (v *version) detectable(se float64) float64 {
	if !(se > 0) {
		return 0
	}
	return se * (distuv.UnitNormal.Quantile(1-v.plan.Level/float64(v.questions)) + distuv.UnitNormal.Quantile(0.8))
}

// concept holds labels against the estimate for the same rows.
func (v *version) concept(m performance.Metric, g performance.Gap) schemas.Signal {
	s := v.signal(schemas.ConceptGapPrefix, m, g.Realised.N)
	if v.short(&s, m, g.Realised.N) {
		return s
	}
	rule := performance.Rule{Effect: s.Threshold, Level: v.plan.Level, MinRows: int(v.plan.MinRows), Questions: v.questions}
	verdict := rule.Judge(g)
	s.State, s.PValue, s.Reason = verdict.State, verdict.PValue, verdict.Reason+v.footing
	if g.Defined() {
		s.Score, s.MinimalEffect = g.Deficit, v.detectable(g.SE)
	}
	return s
}

// known is a figure for the store: nil when it is not defined.
func known(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// number shows three significant digits.
func number(v float64) string { return fmt.Sprintf("%.3g", v) }
