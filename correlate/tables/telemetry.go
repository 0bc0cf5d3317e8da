package tables

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/driftline/driftline/correlate/anomaly"
	"github.com/driftline/driftline/correlate/graph"
	"github.com/driftline/driftline/correlate/metric"
	"github.com/driftline/driftline/schemas"
)

// telling are labels that tell series of one metric and entity apart for a
// reader of causes. Series that differ in others are put together.
var telling = []string{"xid", "clock_event"}

// labelled are all labels that are read.
func labelled() []string { return append(slices.Clone(graph.SampleLabels), telling...) }

// telemetry reads samples by minute: the largest value of what is worse when
// it rises, and of counters; the smallest of what is worse when it falls.
func (q *question) telemetry(ctx context.Context) error {
	var labels []string
	for _, l := range labelled() {
		labels = append(labels, "labels['"+l+"']")
	}
	sql := `SELECT metric, model, deployment, pod, node, gpu, [` + strings.Join(labels, ", ") + `] AS named, cityHash64(labels) AS which,
			toDateTime(toStartOfMinute(timestamp), 'UTC') AS minute, min(value), max(value), avg(value)
		FROM telemetry WHERE ` + within + ` AND isFinite(value) AND NOT endsWith(metric, '_bucket')
		GROUP BY metric, model, deployment, pod, node, gpu, named, which, minute
		ORDER BY metric, model, deployment, pod, node, gpu, named, which, minute LIMIT 5000000`
	m := merger{}
	var last sample
	err := q.each(ctx, sql, q.args(q.From), func(rows driver.Rows) error {
		var r sample
		if err := rows.Scan(&r.Metric, &r.Model, &r.Deployment, &r.Pod, &r.Node, &r.GPU, &r.named, &r.which, &r.Time, &r.min, &r.max, &r.mean); err != nil {
			return err
		}
		if m.series > 0 && r.same(&last) {
			r.Labels, r.entity, r.label = last.Labels, last.entity, last.label
		} else {
			r.read()
			if m.series++; m.series > q.MaxSeries {
				q.out.Cut = true
			}
		}
		last = r
		if m.series > q.MaxSeries || r.entity == "" {
			return nil
		}
		q.out.Graph.SeeSample(&r.Sample)
		m.add(&r, q.Registry)
		return nil
	})
	if err != nil {
		return err
	}
	q.out.Series = append(q.out.Series, m.merged(q.Registry)...)
	return nil
}

// sample is a minute of a stored series.
type sample struct {
	schemas.Sample
	named          []string
	which          uint64
	min, max, mean float64
	entity         graph.Entity
	label          string
}

// read the labels.
func (r *sample) read() {
	r.Labels = map[string]string{}
	for i, name := range labelled() {
		if i < len(r.named) && r.named[i] != "" {
			r.Labels[name] = r.named[i]
		}
	}
	r.entity = graph.OfSample(&r.Sample)
	for _, l := range telling {
		if v := r.Labels[l]; v != "" {
			r.label = v
		}
	}
}

// same tells whether another row is of the same series.
func (r *sample) same(o *sample) bool {
	return r.which == o.which && r.Metric == o.Metric && r.Model == o.Model && r.Deployment == o.Deployment && r.Pod == o.Pod && r.Node == o.Node && r.GPU == o.GPU
}

// value of the minute that shows the most harm.
func (r *sample) value(m *metric.Metric) float64 {
	switch {
	case m.Kind == metric.Counter, m.Kind == metric.Event, m.Worse == metric.Up:
		return r.max
	case m.Worse == metric.Down:
		return r.min
	default:
		return r.mean
	}
}

// merger puts series together that differ in labels which tell nothing.
type merger struct {
	series int
	parts  []*part
}

// part is one stored series.
type part struct {
	anomaly.Series
	which uint64
	place string // what tells parts of one series apart besides labels
}

func (m *merger) add(r *sample, registry *metric.Registry) {
	known := registry.Lookup(r.Metric)
	at := strings.Join([]string{r.Model, r.Deployment, r.Pod, r.Node, r.GPU}, "\x00")
	n := len(m.parts)
	if n == 0 || m.parts[n-1].which != r.which || m.parts[n-1].Metric != r.Metric || m.parts[n-1].place != at {
		m.parts = append(m.parts, &part{Series: anomaly.Series{Entity: r.entity, Metric: r.Metric, Label: r.label}, which: r.which, place: at})
		n++
	}
	m.parts[n-1].Add(r.Time, r.value(&known))
}

// merged series: counters and counts of things are added up, of all else the
// worst counts.
func (m *merger) merged(registry *metric.Registry) (out []*anomaly.Series) {
	slices.SortStableFunc(m.parts, func(a, b *part) int {
		return cmp.Or(cmp.Compare(a.Entity, b.Entity), cmp.Compare(a.Metric, b.Metric), cmp.Compare(a.Label, b.Label))
	})
	for i := 0; i < len(m.parts); {
		k := i + 1
		for k < len(m.parts) && m.parts[k].Entity == m.parts[i].Entity && m.parts[k].Metric == m.parts[i].Metric && m.parts[k].Label == m.parts[i].Label {
			k++
		}
		known := registry.Lookup(m.parts[i].Metric)
		out = append(out, together(m.parts[i:k], &known))
		i = k
	}
	return out
}

func together(parts []*part, m *metric.Metric) *anomaly.Series {
	first := &parts[0].Series
	first.Sort()
	if len(parts) == 1 {
		return first
	}
	if m.Kind == metric.Counter || m.Kind == metric.Count {
		return added(parts, m)
	}
	out := &anomaly.Series{Entity: first.Entity, Metric: first.Metric, Label: first.Label}
	worst := map[int64]float64{}
	for _, p := range parts {
		for i, t := range p.T {
			v, seen := worst[t]
			if !seen || m.Worse == metric.Down && p.V[i] < v || m.Worse != metric.Down && p.V[i] > v {
				worst[t] = p.V[i]
			}
		}
	}
	for t, v := range worst {
		out.Add(time.UnixMilli(t), v)
	}
	out.Sort()
	return out
}

// added is the sum of parts at every time that any has, each with its newest
// value; of counters with what they grew by since their first sample, so that a
// part that begins anew takes nothing away.
func added(parts []*part, m *metric.Metric) *anomaly.Series {
	times := map[int64]bool{}
	for _, p := range parts {
		p.Sort()
		for _, t := range p.T {
			times[t] = true
		}
		if m.Kind == metric.Counter {
			grown(p.V)
		}
	}
	out := &anomaly.Series{Entity: parts[0].Entity, Metric: parts[0].Metric, Label: parts[0].Label}
	for t := range times {
		total := 0.
		for _, p := range parts {
			if i, found := slices.BinarySearch(p.T, t); found {
				total += p.V[i]
			} else if i > 0 {
				total += p.V[i-1]
			}
		}
		if !math.IsInf(total, 0) {
			out.Add(time.UnixMilli(t), total)
		}
	}
	out.Sort()
	return out
}

// grown turns a counter's values into what it grew by since the first.
func grown(v []float64) {
	total, last := 0., 0.
	for i, x := range v {
		switch {
		case i == 0:
		case x >= last:
			total += x - last
		default:
			total += max(x, 0)
		}
		last, v[i] = x, total
	}
}
