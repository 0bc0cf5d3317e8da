package backtest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/driftline/driftline/detectors"
	"github.com/driftline/driftline/detectors/multivariate"
	"github.com/driftline/driftline/internal/tabular"
	"github.com/driftline/driftline/schemas"
)

// Run judges every window of the data against the reference.
func Run(ctx context.Context, o Options) (*Report, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	plan, err := detectors.NewPlan(o.Config, o.Entry)
	if err != nil {
		return nil, err
	}
	if o.ofProduction() {
		return runMoving(ctx, plan, o)
	}
	in, err := read(o)
	if err != nil {
		return nil, err
	}
	features, absent := in.common(&o)
	ref := detectors.MakeReference(plan.Key, "training", filepath.Base(o.Reference), features)
	if o.Thresholds == Chunks {
		if plan, err = chunkPlan(plan, &ref, &in, o); err != nil {
			return nil, err
		}
	}
	if o.Window.Rows == 0 { // chunks of rows have no time to compare hours by
		if err := plan.CalibrateOn(in.reference, o.roles(in.reference), &ref); err != nil {
			return nil, fmt.Errorf("%s: %w", o.Reference, err)
		}
	}
	past := in.rowsOf(plan, in.reference, o)
	windows, err := cut(in.data, o)
	if err != nil {
		return nil, err
	}
	var j *judge
	if in.labels != nil {
		if j, err = newJudge(&in, plan, o); err != nil {
			return nil, err
		}
	}
	r := &Report{Signals: []schemas.Signal{}, Performance: []Performance{}}
	var memory detectors.Memory
	var whole outcomes
	for _, w := range windows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		rows := in.data.Select(w.rows)
		features, err := detectors.SummarizeTable(rows, o.roles(in.data))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", o.Data, err)
		}
		found := []schemas.WindowSummaries{{ModelKey: plan.Key, Span: w.span, Rows: uint64(rows.Rows), Features: features}}
		joint := multivariate.Compare(plan, past, in.rowsOf(plan, rows, o), "")
		r.Signals = append(r.Signals, detectors.EvaluateJoint(plan, &memory, &ref, found, joint, w.span, o.Now)...)
		if j != nil {
			truths := in.labels.of(rows, o)
			outcomes := outcomesOf(rows, truths, o)
			p := outcomes.performance(w.span, rows.Rows)
			if err := j.window(&p, rows, truths); err != nil {
				return nil, err
			}
			r.Performance = append(r.Performance, p)
			whole.add(outcomes)
		}
	}
	r.summarize(plan, &ref, in.data.Rows, windows, o)
	r.Summary.Absent, r.Summary.References = absent, 1
	r.Rowwise = in.data.Column(o.Timestamp) == nil
	if o.Plots {
		r.Plots = r.plots(&in, windows, o)
	}
	if j != nil {
		all := whole.performance(schemas.Span{}, in.data.Rows)
		r.Summary.Accuracy, r.Summary.AUC, r.Summary.Task = all.Accuracy, all.AUC, j.task
	}
	return r, nil
}

// inputs are the files of a run.
type inputs struct {
	data      *tabular.Table
	reference *tabular.Table
	features  []schemas.Summary // of the reference
	labels    *labels           // nil without labels
	classes   []class           // of --score-columns, ascending by name
}

func read(o Options) (in inputs, err error) {
	if in.labels, err = readLabels(o); err != nil {
		return in, err
	}
	if in.reference, err = readReference(o); err != nil {
		return in, fmt.Errorf("read reference: %w", err)
	}
	if in.data, err = tabular.Open(o.Data, tabular.Options{Timestamp: o.Timestamp}); err != nil {
		return in, fmt.Errorf("read data: %w", err)
	}
	for _, name := range []string{o.ID, o.Prediction, o.Score} {
		if name != "" && in.data.Column(name) == nil {
			return in, fmt.Errorf("%s: no column %q; columns: %v", o.Data, name, in.data.Names())
		}
	}
	if in.classes, err = classesOf(o, in.data); err != nil {
		return in, err
	}
	if in.labels == nil && o.Label != "" {
		if in.data.Column(o.Label) == nil && in.reference.Column(o.Label) == nil {
			return in, fmt.Errorf("neither %s nor %s has the label column %q", o.Data, o.Reference, o.Label)
		}
		in.labels = &labels{name: o.Label}
	}
	roles := o.roles(in.reference)
	if in.labels != nil { // the reference's rows often carry their label
		roles.Exclude = append(roles.Exclude, in.labels.name)
	}
	if in.features, err = detectors.SummarizeTable(in.reference, roles); err != nil {
		return in, fmt.Errorf("%s: %w", o.Reference, err)
	}
	return in, nil
}

// rowsOf a table that the detectors over rows look at: of the columns that both
// files have. No label is among them.
func (in *inputs) rowsOf(p *detectors.Plan, t *tabular.Table, o Options) multivariate.Rows {
	if len(p.Joint()) == 0 {
		return multivariate.Rows{}
	}
	roles := o.roles(t)
	if in.labels != nil {
		roles.Exclude = append(roles.Exclude, in.labels.name)
	}
	for _, c := range t.Columns {
		if in.data.Column(c.Name) == nil || in.reference.Column(c.Name) == nil {
			roles.Exclude = append(roles.Exclude, c.Name)
		}
	}
	return multivariate.OfTable(p, t, roles)
}

// readReference with its event times as times, where it has any.
func readReference(o Options) (*tabular.Table, error) {
	t, err := tabular.Open(o.Reference, tabular.Options{})
	if err != nil {
		return nil, err
	}
	if c := t.Column(o.Timestamp); o.Timestamp == "" || c == nil || c.Kind == tabular.Time {
		return t, nil
	}
	return tabular.Open(o.Reference, tabular.Options{Timestamp: o.Timestamp})
}

// lossFeatures are the numeric features of both files, for the loss model.
func (in *inputs) lossFeatures(task Task, o Options) (names []string) {
	if task != Regression {
		return nil
	}
	for _, f := range in.features {
		c := in.data.Column(f.Feature)
		if f.Kind == schemas.Numeric && c != nil && c.Kind == tabular.Numeric && f.Feature != o.Prediction && f.Feature != o.Score {
			names = append(names, f.Feature)
		}
	}
	return names
}

// common are the reference's features whose column the data have. A reference
// often carries more, its label above all: over a live stream an absent feature
// is an alarm, between two files it is a difference of export, which the
// summary names. A column that changed its type stays, and alarms.
func (in *inputs) common(o *Options) (kept []schemas.Summary, absent []string) {
	columns := map[string]string{schemas.FeaturePrediction: o.Prediction, schemas.FeatureScore: o.Score}
	absent = []string{}
	for _, f := range in.features {
		if in.data.Column(cmp.Or(columns[f.Feature], f.Feature)) != nil {
			kept = append(kept, f)
		} else {
			absent = append(absent, f.Feature)
		}
	}
	return kept, absent
}

// roles of the columns that a table has: a reference may lack the id or the
// timestamp, which are no features anyway.
func (o *Options) roles(t *tabular.Table) detectors.ReferenceFile {
	has := func(name string) string {
		if name != "" && t.Column(name) == nil {
			return ""
		}
		return name
	}
	roles := detectors.ReferenceFile{
		Timestamp: has(o.Timestamp), ID: has(o.ID), Prediction: has(o.Prediction), Score: has(o.Score),
		Exclude: slices.Clone(o.Exclude),
	}
	if o.Label != "" {
		roles.Exclude = append(roles.Exclude, o.Label)
	}
	return roles
}

// chunk is one window of the data: its rows in the order of the file.
type chunk struct {
	span schemas.Span
	rows []int
}

// cut the data into windows, ascending. Windows of time without rows between
// the first and the last are left out: a file does not tell whether traffic
// stopped or was not exported.
func cut(t *tabular.Table, o Options) ([]chunk, error) {
	if t.Rows == 0 {
		return nil, fmt.Errorf("%s: no rows", t.Name)
	}
	if o.Window.Rows > 0 {
		return byRows(t, o), nil
	}
	c := t.Column(o.Timestamp)
	if c == nil {
		return nil, fmt.Errorf("%s: no column %q to cut it into windows by", t.Name, o.Timestamp)
	}
	times := c.Times
	byStart := map[time.Time]*chunk{}
	cutter := detectors.Plan{Window: o.Window.Time, Every: o.Every}
	if o.Every.IsZero() {
		cutter.Every = cutter.Window
	}
	for i, at := range times {
		for _, span := range cutter.Windows(schemas.Span{Start: at, End: at.Add(time.Nanosecond)}) {
			c := byStart[span.Start]
			if c == nil {
				c = &chunk{span: span}
				byStart[span.Start] = c
			}
			c.rows = append(c.rows, i)
		}
	}
	out := make([]chunk, 0, len(byStart))
	for _, c := range slices.SortedFunc(maps.Values(byStart), func(a, b *chunk) int { return a.span.Start.Compare(b.span.Start) }) {
		out = append(out, *c)
	}
	return out, nil
}

// byRows cuts by count. With a timestamp a chunk spans its first to its last
// time; without one, row numbers stand for seconds since 1970, so that windows
// keep an order.
func byRows(t *tabular.Table, o Options) []chunk {
	var out []chunk
	for from := 0; from < t.Rows; from += o.Window.Rows {
		to := min(from+o.Window.Rows, t.Rows)
		c := chunk{span: schemas.Span{Start: time.Unix(int64(from), 0).UTC(), End: time.Unix(int64(to), 0).UTC()}}
		if t.Column(o.Timestamp) != nil {
			times := t.Column(o.Timestamp).Times[from:to]
			c.span.Start = slices.MinFunc(times, time.Time.Compare)
			c.span.End = slices.MaxFunc(times, time.Time.Compare).Add(time.Millisecond) // half-open
		}
		for i := from; i < to; i++ {
			c.rows = append(c.rows, i)
		}
		out = append(out, c)
	}
	return out
}

func (r *Report) summarize(p *detectors.Plan, ref *schemas.Reference, rows int, windows []chunk, o Options) {
	s := &r.Summary
	*s = Summary{
		Model: o.Model, Reference: ref.ID(), ReferenceRows: int(ref.Rows), Rows: rows,
		Window: o.Window.String(), Windows: len(windows), Features: len(ref.Features),
		Signals: len(r.Signals), Alarmed: []Alarmed{}, Level: p.Level,
		From: windows[0].span.Start, To: windows[len(windows)-1].span.End,
	}
	s.ThresholdMode = string(cmp.Or(o.Thresholds, Calibrated))
	for _, p := range r.Performance {
		if p.State == schemas.StateAlarm {
			s.PerformanceAlarms++
		}
	}
	byFeature := map[string]*Alarmed{}
	seen := map[string]bool{} // window, and window with feature
	for i := range r.Signals {
		g := &r.Signals[i]
		if g.State != schemas.StateAlarm {
			continue
		}
		s.Alarms++
		window := g.WindowStart.Format(time.RFC3339Nano)
		if !seen[window] {
			seen[window] = true
			s.WindowsAlarmed++
		}
		a := byFeature[g.Feature]
		if a == nil {
			a = &Alarmed{Feature: g.Feature, First: g.WindowStart, Importance: g.Importance}
			byFeature[g.Feature] = a
		}
		a.Alarms++
		if key := window + " " + g.Feature; !seen[key] {
			seen[key] = true
			a.Windows++
		}
	}
	for _, a := range byFeature {
		s.Alarmed = append(s.Alarmed, *a)
	}
	slices.SortFunc(s.Alarmed, func(a, b Alarmed) int {
		return cmp.Or(cmp.Compare(b.weight(), a.weight()), cmp.Compare(b.Alarms, a.Alarms), cmp.Compare(a.Feature, b.Feature))
	})
}
