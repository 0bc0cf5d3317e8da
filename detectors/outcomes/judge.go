package outcomes

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/driftline/driftline/detectors/performance"
	"github.com/driftline/driftline/schemas"
)

// Judge is how one model's windows are judged. It does not change.
type Judge struct {
	cfg       performance.Config
	key       schemas.ModelKey
	level     float64 // of one window
	reference string  // id, in signals
	estimator *performance.CBPE
	learntOn  uint64 // labelled rows of the reference
	why       string // nothing can be estimated
}

// NewJudge learns from the labelled rows of a reference; none means that nothing
// is estimated. Level bounds the chance of a false alarm in one window.
func NewJudge(cfg performance.Config, key schemas.ModelKey, level float64, reference string, past []Row) *Judge {
	j := &Judge{cfg: cfg, key: key, level: level, reference: reference, why: "the reference has no labels (performance.label)"}
	if cfg.Task != performance.TaskBinary {
		j.why = "estimates are made of binary classifiers"
		return j
	}
	if len(past) == 0 {
		return j
	}
	rows := j.binary(past, true)
	e, err := performance.NewCBPE(rows)
	if err != nil {
		j.why = err.Error()
		return j
	}
	j.estimator, j.learntOn = e, uint64(len(rows.Scores))
	return j
}

// binary unfolds counted rows: those with a label, or all. Rows without a score
// are left out.
func (j *Judge) binary(rows []Row, labelled bool) (out performance.BinaryRows) {
	for _, r := range rows {
		if math.IsNaN(r.Score) || labelled && !r.Labelled {
			continue
		}
		for range r.N {
			out.Scores = append(out.Scores, r.Score)
			out.Predicted = append(out.Predicted, j.predicts(r))
			if labelled {
				out.Positive = append(out.Positive, j.positive(r))
			}
		}
	}
	return out
}

func (j *Judge) positive(r Row) bool {
	return r.Label == j.cfg.Positive || r.Label == "" && strconv.FormatFloat(r.Value, 'g', -1, 64) == j.cfg.Positive
}

func (j *Judge) predicts(r Row) bool {
	switch {
	case r.Prediction == "":
		return r.Score >= 0.5
	case j.cfg.Predicts != "":
		return r.Prediction == j.cfg.Predicts
	}
	return r.Prediction == j.cfg.Positive
}

// wrong is the error of an outcome: 0 or 1 of a classifier, |label − score| of a
// regression. NaN when it has none.
func (j *Judge) wrong(r Row) float64 {
	switch j.cfg.Task {
	case performance.TaskRegression:
		return math.Abs(r.Value - r.Score)
	case performance.TaskBinary:
		if r.Prediction == "" && math.IsNaN(r.Score) {
			return math.NaN()
		}
		return bit(j.predicts(r) != j.positive(r))
	}
	if r.Prediction == "" || r.Label == "" {
		return math.NaN()
	}
	return bit(r.Prediction != r.Label)
}

func bit(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// Window judges the versions of a window. Final says that its labels are not
// waited for any more.
func (j *Judge) Window(span schemas.Span, rows []Row, final bool) []schemas.Signal {
	by := map[string][]Row{}
	for _, r := range rows {
		by[r.Version] = append(by[r.Version], r)
	}
	var out []schemas.Signal
	questions := len(by) * len(j.cfg.JudgedMetrics())
	for _, version := range slices.Sorted(maps.Keys(by)) {
		v := window{Judge: j, version: version, rows: by[version], span: span, final: final, questions: questions}
		v.count()
		for _, m := range j.cfg.JudgedMetrics() {
			out = append(out, v.judge(m)...)
		}
	}
	return out
}

// window of one version.
type window struct {
	*Judge
	version   string
	rows      []Row
	span      schemas.Span
	final     bool
	questions int // that are asked of the window

	n, labelled uint64
}

func (w *window) count() {
	for _, r := range w.rows {
		w.n += r.N
		if r.Labelled {
			w.labelled += r.N
		}
	}
}

func (w *window) coverage() float64 { return float64(w.labelled) / float64(max(1, w.n)) }

// said is what every reason ends with.
func (w *window) said() string {
	what := "provisional"
	if w.final {
		what = "final"
	}
	return fmt.Sprintf("; %s of %d predictions have a label, %s", percent(w.coverage()), w.n, what)
}

func percent(share float64) string { return strconv.FormatFloat(100*share, 'f', 1, 64) + " %" }

func (w *window) signal(detector string) schemas.Signal {
	return schemas.Signal{
		WindowStart: w.span.Start, WindowEnd: w.span.End, Tenant: w.key.Tenant, Model: w.key.Model, Version: w.version,
		Feature: schemas.FeaturePerformance, Detector: detector, PValue: 1,
		NReference: w.learntOn, NWindow: w.labelled, Reference: w.reference,
	}
}

// judge one metric: realised, estimated, and the one minus the other.
func (w *window) judge(metric string) []schemas.Signal {
	m, _ := performance.Lookup(metric)
	realised := w.measure(metric)
	got := w.signal(metric)
	got.Unit = m.Unit
	w.fill(&got, m, realised, "realised")
	if w.estimator == nil {
		return []schemas.Signal{got}
	}
	promised := w.signal("estimated_" + metric)
	promised.Unit, promised.NWindow = m.Unit, w.n
	all := w.binary(w.rows, false)
	w.fill(&promised, m, w.estimator.Estimate(metric, all), "estimated without labels")

	gap := w.signal(schemas.GapPrefix + metric)
	gap.Unit = m.Unit
	rule := performance.Rule{Effect: w.cfg.Effects[metric], Level: w.level, MinRows: w.cfg.MinLabels, Questions: w.questions}
	gap.Threshold = rule.EffectOf(metric)
	g := w.estimator.Gap(metric, w.binary(w.rows, true))
	verdict := rule.Judge(g)
	gap.State, gap.PValue, gap.Reason = verdict.State, verdict.PValue, verdict.Reason+w.said()
	if g.Defined() && (verdict.State == schemas.StateOK || verdict.State == schemas.StateAlarm) {
		gap.Score, gap.MinimalEffect = g.Deficit, detectable(g.SE, w.level/float64(max(1, w.questions)))
	}
	w.cover(&gap)
	return []schemas.Signal{got, promised, gap}
}

// cover takes a verdict back that rests on too small a share of the predictions:
// those with a label need not be like the others.
func (w *window) cover(s *schemas.Signal) {
	if w.coverage() < w.cfg.MinCoverage && (s.State == schemas.StateOK || s.State == schemas.StateAlarm) {
		s.State, s.PValue = schemas.StateInsufficient, 1
		s.Score = 0
		s.Reason = fmt.Sprintf("too few labels: %s needed%s", percent(w.cfg.MinCoverage), w.said())
	}
}

// fill a signal with a figure, and hold it against the floor.
func (w *window) fill(s *schemas.Signal, m performance.Metric, f performance.Figure, how string) {
	floor, judged := w.cfg.Floors[m.Name]
	s.Threshold = floor
	switch {
	case s.NWindow == 0:
		s.State, s.Reason = schemas.StateNoData, m.Title+" has no data: no label is known"+w.said()
		return
	case !f.Defined():
		s.State, s.Reason = schemas.StateNoData, m.Title+" cannot be computed from these rows"+w.said()
		return
	case s.NWindow < uint64(w.cfg.MinLabels):
		s.State, s.Reason = schemas.StateInsufficient, fmt.Sprintf("%s needs %d rows, the window has %d%s", m.Title, w.cfg.MinLabels, s.NWindow, w.said())
		return
	}
	s.State, s.Score = schemas.StateOK, f.Value
	s.Reason = fmt.Sprintf("%s %s %s (± %s, n=%d)", m.Title, short(f.Value), how, short(f.SE), s.NWindow)
	if judged {
		below := floor - f.Value
		if m.Lower {
			below = -below
		}
		if f.SE > 0 {
			s.PValue = min(1, math.Erfc(below/f.SE/math.Sqrt2)/2*float64(w.questions))
			s.MinimalEffect = detectable(f.SE, w.level/float64(max(1, w.questions)))
		}
		switch {
		case below > 0 && s.PValue <= w.level:
			s.State = schemas.StateAlarm
			s.Reason += fmt.Sprintf(", worse than the floor of %s by more than chance (p=%s)", short(floor), short(s.PValue))
		default:
			s.Reason += fmt.Sprintf(", floor %s", short(floor))
		}
	}
	s.Reason += w.said()
	if how == "realised" {
		w.cover(s)
	}
}

func short(v float64) string { return strconv.FormatFloat(v, 'g', 3, 64) }

// detectable is the shift that a normal test with this standard error and level
// tells from chance in four of five cases.
func detectable(se, level float64) float64 {
	if !(se > 0) || !(level > 0) || level >= 1 {
		return 0
	}
	return se * (math.Sqrt2*math.Erfinv(1-2*level) + 0.8416)
}

// measure a metric on the labelled rows.
func (w *window) measure(metric string) performance.Figure {
	switch w.cfg.Task {
	case performance.TaskBinary:
		return performance.MeasureBinary(metric, w.binary(w.rows, true))
	case performance.TaskRegression:
		var predicted, truth []float64
		for _, r := range w.rows {
			if !r.Labelled || math.IsNaN(r.Score) || math.IsNaN(r.Value) {
				continue
			}
			for range r.N {
				predicted, truth = append(predicted, r.Score), append(truth, r.Value)
			}
		}
		return performance.MeasureRegression(metric, predicted, truth)
	}
	return w.classes(metric)
}

// classes measures a classifier by its predictions, with the classes that occur
// in the window.
func (w *window) classes(metric string) performance.Figure {
	number := map[string]int{}
	for _, r := range w.rows {
		if r.Labelled && r.Prediction != "" && r.Label != "" {
			number[r.Prediction], number[r.Label] = 0, 0
		}
	}
	for i, name := range slices.Sorted(maps.Keys(number)) {
		number[name] = i
	}
	var rows performance.MulticlassRows
	sure := make([][]float64, len(number)) // all that is known of a row's probabilities: its prediction
	for i := range sure {
		sure[i] = make([]float64, len(number))
		sure[i][i] = 1
	}
	for _, r := range w.rows {
		if !r.Labelled || r.Prediction == "" || r.Label == "" {
			continue
		}
		for range r.N {
			k := number[r.Prediction]
			rows.Probabilities, rows.Predicted, rows.Truth = append(rows.Probabilities, sure[k]), append(rows.Predicted, k), append(rows.Truth, number[r.Label])
		}
	}
	if len(rows.Truth) == 0 {
		return performance.Figure{Value: math.NaN(), SE: math.NaN()}
	}
	return performance.MeasureMulticlass(metric, rows, len(number))
}
