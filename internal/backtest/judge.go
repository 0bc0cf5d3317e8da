package backtest

import (
	"fmt"
	"math"
	"slices"

	"github.com/driftline/driftline/detectors"
	"github.com/driftline/driftline/detectors/performance"
	"github.com/driftline/driftline/internal/tabular"
	"github.com/driftline/driftline/schemas"
)

// judge measures, estimates and judges the performance of windows.
type judge struct {
	sampler
	metrics  []string
	rule     performance.Rule
	effects  map[string]float64
	bands    map[string]performance.Band // by metric, in the mode chunks
	estimate func(metric string, x sample) performance.Figure
	gap      func(metric string, x sample) performance.Gap
	why      string // nothing can be estimated
}

// newJudge learns from the reference's labels, where it has any.
func newJudge(in *inputs, p *detectors.Plan, o Options) (*judge, error) {
	past := textsOf(in.reference, in.labels.name)
	task := o.Task
	switch {
	case task == "" && in.classes != nil:
		task = Multiclass
	case task == "":
		task = taskOf(slices.Concat(in.labels.of(in.data, o), past))
	}
	j := &judge{
		sampler: sampler{task: task, o: o, features: in.lossFeatures(task, o), classes: in.classes},
		metrics: o.Metrics,
		estimate: func(string, sample) performance.Figure {
			return performance.Figure{Value: math.NaN(), SE: math.NaN()}
		},
	}
	if len(j.metrics) == 0 {
		j.metrics = j.usual()
	}
	j.rule = performance.Rule{Level: p.Level, MinRows: int(p.MinRows), Questions: len(j.metrics)}
	var err error
	if j.effects, err = o.effects(); err != nil {
		return nil, err
	}
	reference, err := j.of(in.reference, past)
	if err != nil {
		return nil, err
	}
	j.learn(reference)
	if o.Thresholds == Chunks {
		return j, j.measureChunks(in.reference, past)
	}
	return j, nil
}

// learn what estimates are made from.
func (j *judge) learn(reference sample) {
	switch j.task {
	case Binary:
		if j.o.Score == "" {
			j.why = "estimates need --score"
			return
		}
		e, err := performance.NewCBPE(reference.binary)
		if err != nil {
			j.why = err.Error()
			return
		}
		j.estimate = func(m string, x sample) performance.Figure { return e.Estimate(m, x.binary) }
		j.gap = func(m string, x sample) performance.Gap { return e.Gap(m, x.binary) }
	case Regression:
		e, err := performance.NewDLE(reference.regression)
		if err != nil {
			j.why = err.Error()
			return
		}
		for _, m := range j.metrics {
			if metric, err := performance.Lookup(m); err == nil && metric.Effect == 0 && j.effects[m] == 0 {
				j.effects[m] = j.measure(m, reference).Value / 10
			}
		}
		j.estimate = func(m string, x sample) performance.Figure { return e.Estimate(m, x.regression) }
		j.gap = func(m string, x sample) performance.Gap { return e.Gap(m, x.regression) }
	case Multiclass:
		if j.classes == nil {
			j.why = "estimates for several classes need --score-columns"
			return
		}
		e, err := performance.NewMultiCBPE(reference.multiclass, len(j.classes))
		if err != nil {
			j.why = err.Error()
			return
		}
		j.estimate = func(m string, x sample) performance.Figure { return e.Estimate(m, x.multiclass) }
		j.gap = func(m string, x sample) performance.Gap { return e.Gap(m, x.multiclass) }
	}
}

// measureChunks finds the mean ± 3σ of each metric over the reference.
func (j *judge) measureChunks(reference *tabular.Table, truths []string) error {
	chunks, err := cut(reference, j.o)
	if err != nil {
		return err
	}
	j.bands = map[string]performance.Band{}
	values := map[string][]float64{}
	for _, c := range chunks {
		x, err := j.of(reference.Select(c.rows), pickTexts(truths, c.rows))
		if err != nil {
			return err
		}
		for _, m := range j.metrics {
			values[m] = append(values[m], j.measure(m, x).Value)
		}
	}
	for _, m := range j.metrics {
		j.bands[m] = performance.ChunkBand(values[m])
	}
	return nil
}

// window fills in the metrics and the state of one window.
func (j *judge) window(p *Performance, rows *tabular.Table, truths []string) error {
	all, err := j.of(rows, nil)
	if err != nil {
		return err
	}
	labelled, err := j.of(rows, truths)
	if err != nil {
		return err
	}
	p.State = schemas.StateNoData
	for _, m := range j.metrics {
		x := j.judge(m, all, labelled, p.Labelled)
		p.Metrics = append(p.Metrics, x)
		if rank(x.State) > rank(p.State) {
			p.State = x.State
		}
	}
	return nil
}

// judge one metric.
func (j *judge) judge(metric string, all, labelled sample, n int) Measure {
	realised, estimated := j.measure(metric, labelled), j.estimate(metric, all)
	m := Measure{
		Metric: metric, N: realised.N, State: schemas.StateNoData,
		Realised: known(realised.Value), RealisedSE: known(realised.SE),
		Estimated: known(estimated.Value), EstimatedSE: known(estimated.SE),
	}
	if j.gap != nil && m.N > 0 {
		g := j.gap(metric, labelled)
		rule := j.rule
		rule.Effect = j.effects[metric]
		v := rule.Judge(g)
		m.State, m.Reason = v.State, v.Reason
		if g.Defined() {
			m.Deficit, m.PValue = known(g.Deficit), known(v.PValue)
			m.DeficitLow, m.DeficitHigh = known(g.Deficit-g.Optimism-1.96*g.SE), known(g.Deficit-g.Optimism+1.96*g.SE)
		}
		m.Threshold = known(rule.EffectOf(metric))
	} else {
		m.Reason = j.why
		if n == 0 {
			m.Reason = "no label is known"
		}
	}
	if j.bands != nil {
		j.againstBand(&m)
	}
	return m
}

// againstBand judges by the reference's chunks instead: realised where there
// are labels enough, else estimated.
func (j *judge) againstBand(m *Measure) {
	m.PValue, m.State = nil, schemas.StateNoData
	metric, _ := performance.Lookup(m.Metric)
	value, what := m.Realised, "realised"
	if m.N < j.rule.MinRows && m.Estimated != nil {
		value, what = m.Estimated, "estimated"
	}
	b := j.bands[m.Metric]
	limit, sign, worse := b.Low, "≥", func(v float64) bool { return v < b.Low }
	if metric.Lower {
		limit, sign, worse = b.High, "≤", func(v float64) bool { return v > b.High }
	}
	m.Threshold = known(limit)
	switch {
	case value == nil || m.Threshold == nil:
		m.Reason = metric.Title + " cannot be held against chunks of the reference"
		return
	case what == "realised" && m.N < j.rule.MinRows:
		m.State = schemas.StateInsufficient
		m.Reason = fmt.Sprintf("%s needs %d labelled rows, the window has %d", metric.Title, j.rule.MinRows, m.N)
		return
	}
	m.State = schemas.StateOK
	if worse(*value) {
		m.State = schemas.StateAlarm
		sign = map[string]string{"≥": "<", "≤": ">"}[sign]
	}
	m.Reason = fmt.Sprintf("%s %s %.3g %s %.3g, the mean ± 3σ of the reference's chunks", metric.Title, what, *value, sign, limit)
}

// rank orders states from silence to alarm.
func rank(s schemas.State) int {
	return slices.Index([]schemas.State{schemas.StateNoData, schemas.StateInsufficient, schemas.StateOK, schemas.StateAlarm}, s)
}

func pickTexts(values []string, rows []int) []string {
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = values[r]
	}
	return out
}
