package detectors

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/driftline/driftline/schemas"
)

// EvaluateWindow runs a plan's detectors over one window of a model and gives
// one signal for each version, segment, feature of the reference and detector.
// It is a pure function: the engine and the backtest both are this and a
// source of summaries. Now is only recorded. Features that the reference has
// and the window has not count as missing in all of the window's rows; those
// that only the window has are left out. An empty found gives no_data for the
// version "".
func EvaluateWindow(p *Plan, ref *schemas.Reference, found []schemas.WindowSummaries, span schemas.Span, now time.Time) []schemas.Signal {
	return EvaluateAfter(p, nil, ref, found, span, now)
}

// EvaluateAfter is EvaluateWindow for plans that ask for persistence: memory
// has what the windows before found, and learns what this one does. A nil
// memory knows of none.
func EvaluateAfter(p *Plan, memory *Memory, ref *schemas.Reference, found []schemas.WindowSummaries, span schemas.Span, now time.Time) []schemas.Signal {
	return EvaluateJoint(p, memory, ref, found, nil, span, now)
}

// EvaluateJoint is EvaluateAfter with what detectors over rows found in the
// same window: tests of the same budget, with a signal each that has no
// feature.
func EvaluateJoint(p *Plan, memory *Memory, ref *schemas.Reference, found []schemas.WindowSummaries, joint []Joint, span schemas.Span, now time.Time) []schemas.Signal {
	if len(found) == 0 {
		found = []schemas.WindowSummaries{{ModelKey: p.Key, Span: span}}
	}
	found = slices.Clone(found)
	slices.SortStableFunc(found, func(a, b schemas.WindowSummaries) int {
		return cmp.Or(cmp.Compare(a.Version, b.Version), cmp.Compare(a.Segment, b.Segment))
	})
	e := evaluation{plan: p, memory: memory, calibration: p.calibrationOf(ref), base: schemas.Signal{
		WindowStart: span.Start, WindowEnd: span.End, Tenant: p.Key.Tenant, Model: p.Key.Model,
		Reference: ref.ID(), PValue: 1, EvaluatedAt: now,
	}}
	for i := range found {
		e.version(ref, &found[i])
	}
	for i := range joint {
		e.joint(&joint[i])
	}
	e.verdicts()
	return e.signals
}

// evaluation collects signals; those that were computed wait for the
// adjustment of their p-values before they become verdicts.
type evaluation struct {
	plan     *Plan
	base     schemas.Signal
	signals  []schemas.Signal
	computed []computed

	memory      *Memory
	calibration *schemas.Calibration // nil: independent rows are assumed
}

type computed struct {
	signal   int // index
	detector *Detector
	p        float64
	detail   string

	null   *schemas.Null // nil when not calibrated
	rows   float64       // of the comparison
	now    moment
	effect bool // as many windows as the plan asks for have an effect
	held   bool // the window before was in alarm
}

func (e *evaluation) version(ref *schemas.Reference, w *schemas.WindowSummaries) {
	found, expected := byName(w.Features), byName(ref.Features)
	for i := range ref.Features {
		r := &ref.Features[i]
		if e.plan.features[r.Feature].Ignore {
			continue
		}
		cur := found[kindName{r.Kind, r.Feature}]
		if cur == nil {
			cur = &schemas.Summary{Feature: r.Feature, Kind: r.Kind, Rows: w.Rows, Missing: w.Rows}
		}
		r, cur = expected.withOtherKind(r), found.withOtherKind(cur)
		for j := range e.plan.detectors {
			if d := &e.plan.detectors[j]; d.Applies(r.Kind) {
				s := e.base
				s.Version, s.Segment = w.Version, w.Segment
				e.run(d, s, r, cur)
			}
		}
	}
}

type kindName struct {
	kind schemas.FeatureKind
	name string
}

type summaries map[kindName]*schemas.Summary

func byName(features []schemas.Summary) summaries {
	out := make(summaries, len(features))
	for i := range features {
		f := &features[i]
		out[kindName{f.Kind, f.Feature}] = f
	}
	return out
}

// withOtherKind is a summary that knows how many rows have a value of the other
// kind; itself when there are none.
func (all summaries) withOtherKind(s *schemas.Summary) *schemas.Summary {
	other := schemas.Numeric
	if s.Kind == schemas.Numeric {
		other = schemas.Categorical
	}
	o := all[kindName{other, s.Feature}]
	if o == nil || o.Present() == 0 {
		return s
	}
	out := *s
	out.OtherKind = min(o.Present(), s.Missing)
	return &out
}

// run one detector on one feature.
func (e *evaluation) run(d *Detector, s schemas.Signal, ref, cur *schemas.Summary) {
	s.Feature, s.Detector, s.Unit = ref.Feature, d.Name, d.Unit
	s.Threshold, s.Importance = e.plan.threshold(d, ref.Feature), e.plan.importanceOf(ref.Feature)
	s.NReference, s.NWindow = d.Rows(ref), d.Rows(cur)
	switch {
	case s.NWindow == 0:
		s.State, s.Reason = schemas.StateNoData, d.Title+" of "+featureName(s.Feature)+" has no data: the window has no values"
	case s.NReference == 0:
		s.State, s.Reason = schemas.StateNoData, d.Title+" of "+featureName(s.Feature)+" has no data: the reference has no values"
	case min(s.NWindow, s.NReference) < e.plan.MinRows:
		s.State, s.Reason = schemas.StateInsufficient, tooFew(d, &s, e.plan.MinRows)
	default:
		e.compute(d, &s, ref, cur)
	}
	e.signals = append(e.signals, s)
}

func (e *evaluation) compute(d *Detector, s *schemas.Signal, ref, cur *schemas.Summary) {
	e.take(d, s, d.Compare(ref, cur, e.plan.paramsOf(ref.Feature)), nullOf(e.calibration, s.Feature, ref.Kind, d.Name))
}

// take what a statistic found; null is nil when it is not calibrated.
func (e *evaluation) take(d *Detector, s *schemas.Signal, r Result, null *schemas.Null) {
	// A statistic that is not a number is a defect of a detector or of a
	// summary; to say "no data" is honest, to say 0 is not.
	if r.NoData || math.IsNaN(r.Score) || math.IsInf(r.Score, 0) || math.IsNaN(r.PValue) {
		s.State = schemas.StateNoData
		s.Reason = d.Title + " of " + featureName(s.Feature) + " cannot be computed"
		if r.Detail != "" {
			s.Reason += ": " + r.Detail
		}
		return
	}
	s.Score = r.Score
	c := computed{signal: len(e.signals), detector: d, p: r.PValue, detail: r.Detail, effect: s.Score >= s.Threshold}
	c.null, c.rows = null, pairSize(s.NReference, s.NWindow)
	e.weigh(&c, s)
	e.computed = append(e.computed, c)
}

// verdicts adjusts the p-values of the whole window, or those of each feature,
// and decides.
func (e *evaluation) verdicts() {
	for _, group := range e.groups() {
		ps := make([]float64, len(group))
		for i, c := range group {
			ps[i] = c.p
		}
		for i, p := range Adjust(ps, e.plan.yekutieli) {
			e.verdict(group[i], p, e.plan.Level/float64(len(ps)))
		}
	}
	e.memory.forget(e.plan.horizon(e.base.Span()))
}

// groups of tests that share a budget.
func (e *evaluation) groups() [][]*computed {
	var out [][]*computed
	at := map[string]int{}
	for i := range e.computed {
		c := &e.computed[i]
		name := ""
		if e.plan.perFeature {
			name = e.signals[c.signal].Feature
		}
		k, known := at[name]
		if !known {
			k = len(out)
			at[name] = k
			out = append(out, nil)
		}
		out[k] = append(out[k], c)
	}
	return out
}

func (e *evaluation) verdict(c *computed, p, least float64) {
	s := &e.signals[c.signal]
	s.PValue, s.State = p, schemas.StateOK
	if c.effect && p <= e.plan.Level || c.held && s.Score >= e.plan.hold*s.Threshold && p <= maxLevel {
		s.State = schemas.StateAlarm
	}
	s.MinimalEffect = detectable(c.null, c.rows, s.WindowStart, least)
	s.Reason = reason(c.detector, s, c.detail, e.plan.Level) + footing(e.plan, c, s)
	if e.plan.remembers() {
		c.now.alarm = s.State == schemas.StateAlarm
		e.memory.keep(s.Series(), c.now, e.plan.horizon(e.base.Span()))
	}
}
