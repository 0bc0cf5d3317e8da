package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/driftline/driftline/detectors"
	"github.com/driftline/driftline/detectors/outcomes"
	"github.com/driftline/driftline/detectors/outcomes/tables"
	"github.com/driftline/driftline/internal/config"
	"github.com/driftline/driftline/internal/kafka"
	"github.com/driftline/driftline/internal/tabular"
	"github.com/driftline/driftline/schemas"
	"github.com/driftline/driftline/schemas/ddl"
)

// keepsOutcomes refuses a horizon at which predictions are gone before their
// labels come.
func (c *Config) keepsOutcomes(model int) error {
	m := &c.Models[model]
	window := m.Window
	if window.IsZero() {
		window = c.Detect.Window
	}
	need, keep := m.Performance.FinalAfter()+window.Duration(), c.ClickHouse.Retention.Raw
	if !m.Performance.On() || keep == 0 || need <= keep {
		return nil
	}
	return config.Faultf(fmt.Sprintf("models[%d].performance.horizon", model), "is %s, which with a window of %s is more than clickhouse.retention.raw, %s: predictions are gone when their labels come; raise the retention or lower the horizon",
		m.Performance.FinalAfter(), window, keep)
}

// judges learn from the references of the models that are judged by their labels.
func (a *App) judges(refs []*schemas.Reference) (out []*outcomes.Judge, err error) {
	var errs []error
	for i := range a.cfg.Models {
		m := &a.cfg.Models[i]
		if !m.Performance.On() {
			continue
		}
		plan, err := detectors.NewPlan(a.cfg.Detect, *m)
		if err != nil {
			return nil, err
		}
		ref, err := labelled(m, refs)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		j := outcomes.NewJudge(outcomes.Plan{
			Key: plan.Key, Overlapping: plan.Window.Overlapping, Lateness: plan.Lateness, Level: plan.Level, MinRows: plan.MinRows,
			Performance: m.Performance, Sequential: m.Sequential, Challenger: m.Challenger,
		}, ref)
		if why := j.NotEstimated(); why != "" {
			a.log.Warn("performance is not estimated, so that concept drift is seen by labels alone", "model", m.Name, "why", why)
		}
		out = append(out, j)
	}
	return out, errors.Join(errs...)
}

// labelled is the reference of a model with its labels; without any where
// performance.label is not given.
func labelled(m *detectors.Model, refs []*schemas.Reference) (out outcomes.Reference, err error) {
	file := m.Reference
	out.Scored = file.Score != "" || file.File == ""
	known := slices.IndexFunc(refs, func(r *schemas.Reference) bool { return r.ModelKey == m.Key() })
	if known < 0 || m.Performance.Label == "" {
		return out, nil
	}
	ref := refs[known]
	out.ID = ref.ID()
	t, err := tabular.Open(file.File, tabular.Options{Timestamp: file.Timestamp, Categorical: file.Categorical})
	if err != nil {
		return out, fmt.Errorf("read labels of the reference of model %q: %w", m.Name, err)
	}
	for _, f := range ref.Features {
		if f.Kind == schemas.Numeric && f.Feature != schemas.FeatureScore && f.Feature != schemas.FeatureLatency {
			out.Names = append(out.Names, f.Feature)
		}
	}
	columns := outcomes.Columns{Label: m.Performance.Label, Prediction: file.Prediction, Score: file.Score, Features: out.Names}
	if out.Rows, err = outcomes.RowsOf(t, columns); err != nil {
		return out, fmt.Errorf("read labels of the reference of model %q: %s: %w", m.Name, file.File, err)
	}
	return out, nil
}

// withoutLabel is a model whose label, which may lie in the reference's file, is
// no feature.
func withoutLabel(m *detectors.Model) *detectors.Model {
	if m.Performance.Label == "" || slices.Contains(m.Reference.Exclude, m.Performance.Label) {
		return m
	}
	out := *m
	out.Reference.Exclude = append(slices.Clone(m.Reference.Exclude), m.Performance.Label)
	return &out
}

// judged drives the outcomes of one partition of announcements.
type judged struct {
	a       *App
	p       *kafka.Partition
	engine  *outcomes.Engine
	last    outcomes.Stats
	retryAt time.Time
	delay   time.Duration
}

func (a *App) newOutcomes(p *kafka.Partition, judges []*outcomes.Judge) *judged {
	if len(judges) == 0 {
		return nil
	}
	store := tables.New(a.db.Conn(), ddl.Form{Cluster: a.cfg.ClickHouse.Cluster})
	return &judged{a: a, p: p, engine: outcomes.NewEngine(judges, a.cfg.Detect.Idle, store, a)}
}

// touch hands an announcement to those whom it concerns.
func (d *detect) touch(t schemas.Touch, seq int64, now time.Time) {
	if d.outcomes != nil {
		d.outcomes.engine.Touch(t, seq, now)
	}
	if !t.Labels {
		d.engine.Touch(t, seq, now)
	}
}

// tick judges what is due. While the store or the broker is away, windows wait;
// trying again gets slower.
func (j *judged) tick(ctx context.Context, now time.Time) {
	if j == nil || now.Before(j.retryAt) {
		return
	}
	start := time.Now()
	n, err := j.engine.Evaluate(ctx, now)
	j.observe(n, start)
	if err != nil && ctx.Err() == nil {
		j.delay = min(max(2*j.delay, 200*time.Millisecond), 10*time.Second)
		j.retryAt = now.Add(j.delay)
		j.a.log.Warn("judge outcomes", "err", err, "next_try_in", j.delay)
		return
	}
	j.delay = 0
}

// below is the offset up to which announcements need not be heard again, at
// most at.
func (j *judged) below(at int64) int64 {
	if j == nil {
		return at
	}
	if oldest, ok := j.engine.OldestPending(); ok {
		at = min(at, oldest)
	}
	return at
}

// observe turns the engine's totals into counters.
func (j *judged) observe(judged int, start time.Time) {
	if judged > 0 {
		j.a.set.GetOrCreateHistogram("driftline_outcomes_judge_seconds").UpdateDuration(start)
	}
	s := j.engine.Stats()
	for name, n := range map[string]uint64{
		`driftline_outcomes_windows_judged_total{labels="provisional"}`: s.Provisional - j.last.Provisional,
		`driftline_outcomes_windows_judged_total{labels="final"}`:       s.Final - j.last.Final,
		"driftline_outcomes_signals_total":                              s.Signals - j.last.Signals,
		"driftline_outcomes_alarms_total":                               s.Alarms - j.last.Alarms,
		"driftline_outcomes_labels_late_total":                          s.Late - j.last.Late,
		"driftline_outcomes_windows_followed_total":                     s.Followed - j.last.Followed,
		"driftline_outcomes_rewinds_total":                              s.Rewound - j.last.Rewound,
		"driftline_outcomes_failed_total":                               s.Failed - j.last.Failed,
	} {
		j.a.set.GetOrCreateCounter(name).Add(int(n))
	}
	j.last = s
	j.a.set.GetOrCreateGauge(fmt.Sprintf(`driftline_outcomes_windows_pending{partition="%d"}`, j.p.Number), nil).Set(float64(s.Pending))
}
