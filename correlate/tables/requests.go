package tables

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/driftline/driftline/correlate/anomaly"
	"github.com/driftline/driftline/correlate/graph"
)

// Names of the series that come from a model's own requests.
const (
	RequestLatency = "request_latency_seconds" // mean of a minute
	RequestRate    = "request_rate"            // a second, mean of a minute
)

// place is a minute of requests somewhere.
type place struct {
	graph.Place
	minute       time.Time
	n, timed     uint64
	milliseconds float64
}

// requests reads where a model's requests were served, how many there were and
// how long they took, by minute. From these come the edges from the model to its
// GPUs, and the latency and rate of the model and every version, deployment and
// pod of it.
func (q *question) requests(ctx context.Context) error {
	from, err := q.affordable(ctx)
	if err != nil {
		return err
	}
	sql := `SELECT model, version, deployment, pod, node, gpu, toDateTime(toStartOfMinute(timestamp), 'UTC') AS minute, count(),
			countIf(isFinite(latency_ms)), sumIf(toFloat64(latency_ms), isFinite(latency_ms))
		FROM inference_events WHERE ` + within + ` AND {model:String} IN ('', model)
		GROUP BY model, version, deployment, pod, node, gpu, minute ORDER BY model, version, deployment, pod, node, gpu, minute LIMIT 2000000`
	sums := map[[2]string]*sum{}
	err = q.each(ctx, sql, q.args(from), func(rows driver.Rows) error {
		var p place
		if err := rows.Scan(&p.Model, &p.Version, &p.Deployment, &p.Pod, &p.Node, &p.GPU, &p.minute, &p.n, &p.timed, &p.milliseconds); err != nil {
			return err
		}
		q.out.Graph.SeePlace(p.Place, p.minute)
		for _, e := range []graph.Entity{graph.Of(graph.Model, p.Model), graph.VersionOf(p.Model, p.Version), graph.Of(graph.Deployment, p.Deployment), graph.Of(graph.Pod, p.Pod)} {
			if e != "" {
				add(sums, e, &p)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	q.out.Series = append(q.out.Series, seriesOf(sums)...)
	return nil
}

// affordable is the time from which events are read: all that is asked for, or
// as much of its end as has about MaxEvents.
func (q *question) affordable(ctx context.Context) (time.Time, error) {
	var n uint64
	err := q.each(ctx, "SELECT count() FROM inference_events WHERE "+within+" AND {model:String} IN ('', model)", q.args(q.From), func(rows driver.Rows) error { return rows.Scan(&n) })
	if err != nil || n <= q.MaxEvents {
		return q.From, err
	}
	q.out.Cut = true
	span := time.Duration(float64(q.Until.Sub(q.From)) * float64(q.MaxEvents) / float64(n))
	return q.Until.Add(-span).Truncate(time.Minute), nil
}

// sum of a minute of an entity's requests.
type sum struct {
	entity       graph.Entity
	minute       time.Time
	n, timed     uint64
	milliseconds float64
}

func add(sums map[[2]string]*sum, e graph.Entity, p *place) {
	k := [2]string{string(e), p.minute.Format(time.RFC3339)}
	s := sums[k]
	if s == nil {
		s = &sum{entity: e, minute: p.minute}
		sums[k] = s
	}
	s.n, s.timed, s.milliseconds = s.n+p.n, s.timed+p.timed, s.milliseconds+p.milliseconds
}

func seriesOf(sums map[[2]string]*sum) (out []*anomaly.Series) {
	ordered := slices.SortedFunc(maps.Values(sums), func(a, b *sum) int {
		return cmp.Or(cmp.Compare(a.entity, b.entity), a.minute.Compare(b.minute))
	})
	var rate, latency *anomaly.Series
	for _, s := range ordered {
		if rate == nil || rate.Entity != s.entity {
			rate = &anomaly.Series{Entity: s.entity, Metric: RequestRate}
			latency = &anomaly.Series{Entity: s.entity, Metric: RequestLatency}
			out = append(out, rate, latency)
		}
		rate.Add(s.minute, float64(s.n)/60)
		if s.timed > 0 {
			latency.Add(s.minute, s.milliseconds/1000/float64(s.timed))
		}
	}
	return out
}
