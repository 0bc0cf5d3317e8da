package tables

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/driftline/driftline/detectors/silent"
)

// counts reads events by bin: the trailing hours, and of each earlier week the
// hour and a quarter around the same time.
func (q *question) counts(ctx context.Context) error {
	until := q.Until()
	times := map[string]time.Time{"from": until.Add(-silent.Trailing), "until": until}
	spans := []string{between("minute", "from", "until")}
	const around = 3 * 3 * silent.Bin // three spans of three bins to either side
	for w := 1; w <= silent.Weeks; w++ {
		week := until.AddDate(0, 0, -7*w)
		from, to := fmt.Sprintf("from%d", w), fmt.Sprintf("until%d", w)
		times[from], times[to] = week.Add(-around), week.Add(around)
		spans = append(spans, between("minute", from, to))
	}
	sql := "SELECT model, " + binOf("minute") + " AS bin, sum(rows) FROM feature_sketches_1m WHERE (" + strings.Join(spans, ") OR (") + ") GROUP BY model, bin ORDER BY model, bin"
	return q.each(ctx, sql, q.args(times), func(rows driver.Rows) error {
		var model string
		var c silent.Count
		if err := rows.Scan(&model, &c.Start, &c.Rows); err != nil {
			return err
		}
		m := q.model(model)
		m.Counts = append(m.Counts, c)
		return nil
	})
}

// requests reads how much the serving systems' counters of requests grew within
// each bin, over all series of a model. What falls between two bins is left out.
func (q *question) requests(ctx context.Context) error {
	sql := `SELECT model, bin, toUInt64(sum(grown)) FROM (
		SELECT model, ` + binOf("timestamp") + ` AS bin, max(value) - min(value) AS grown FROM telemetry
		WHERE ` + between("timestamp", "from", "until") + ` AND metric = 'inference_requests_total' AND model != ''
		GROUP BY model, bin, node, gpu, pod, labels) GROUP BY model, bin ORDER BY model, bin`
	args := q.args(map[string]time.Time{"from": q.Until().Add(-silent.Trailing), "until": q.Until()})
	return q.each(ctx, sql, args, func(rows driver.Rows) error {
		var model string
		var c silent.Count
		if err := rows.Scan(&model, &c.Start, &c.Rows); err != nil {
			return err
		}
		if m := q.models[model]; m != nil && c.Rows > 0 { // a model without events is no model of ours
			m.Requests = append(m.Requests, c)
		}
		return nil
	})
}

// classes reads how often each class was predicted, the commonest 1,000 of a
// version.
func (q *question) classes(ctx context.Context) error {
	sql := `SELECT model, version, value, sumIf(rows, minute < ` + at("from") + `), sumIf(rows, minute >= ` + at("from") + `), sum(rows) AS n
		FROM category_counts_1m WHERE position = 0 AND ` + between("minute", "start", "until") + `
		GROUP BY model, version, value ORDER BY model, version, n DESC, value LIMIT 1000 BY model, version`
	return q.each(ctx, sql, q.judged(), func(rows driver.Rows) error {
		var model string
		var n uint64
		var c silent.Class
		if err := rows.Scan(&model, &c.Version, &c.Value, &c.Before, &c.Recent, &n); err != nil {
			return err
		}
		m := q.model(model)
		m.Classes = append(m.Classes, c)
		return nil
	})
}

// judged are the arguments start, from and until.
func (q *question) judged() []any {
	return q.args(map[string]time.Time{"start": q.Start(), "from": q.From(), "until": q.Until()})
}

// raw are the arguments of raw events: the judged time, and as much before it.
func (q *question) raw(ctx context.Context) ([]any, error) {
	span, err := q.rawSpan(ctx)
	return q.args(map[string]time.Time{
		"from": q.Until().Add(-span), "until": q.Until(), "from0": q.From().Add(-span), "until0": q.From(),
	}), err
}

// ids counts request ids.
func (q *question) ids(ctx context.Context) error {
	args, err := q.raw(ctx)
	if err != nil {
		return err
	}
	sql := "SELECT model, count(), uniqExact(request_id) FROM inference_events WHERE " + between("timestamp", "from", "until") + " AND request_id != '' GROUP BY model ORDER BY model"
	return q.each(ctx, sql, args, func(rows driver.Rows) error {
		var model string
		var ids silent.RequestIDs
		if err := rows.Scan(&model, &ids.Rows, &ids.Distinct); err != nil {
			return err
		}
		q.model(model).IDs = ids
		return nil
	})
}

// firstSeen is how far back the first answer of a version is looked for.
const firstSeen = 24 * time.Hour

// replicas reads what each pod served in the judged time, since when each
// version answers, and when a model was last deployed.
func (q *question) replicas(ctx context.Context) error {
	type version struct{ model, version string }
	first := map[version]time.Time{}
	args := q.args(map[string]time.Time{"from": q.Until().Add(-firstSeen), "until": q.Until()})
	err := q.each(ctx, "SELECT model, version, min(minute) FROM feature_sketches_1m WHERE "+between("minute", "from", "until")+" GROUP BY model, version", args, func(rows driver.Rows) error {
		var v version
		var at time.Time
		if err := rows.Scan(&v.model, &v.version, &at); err != nil {
			return err
		}
		first[v] = at
		return nil
	})
	if err != nil {
		return err
	}
	if args, err = q.raw(ctx); err != nil {
		return err
	}
	sql := "SELECT model, deployment, pod, version, count() FROM inference_events WHERE " + between("timestamp", "from", "until") + ` AND deployment != '' AND pod != ''
		GROUP BY model, deployment, pod, version ORDER BY model, deployment, pod, version LIMIT 100000`
	err = q.each(ctx, sql, args, func(rows driver.Rows) error {
		var model string
		var r silent.Replica
		if err := rows.Scan(&model, &r.Deployment, &r.Pod, &r.Version, &r.Rows); err != nil {
			return err
		}
		r.First = first[version{model, r.Version}]
		m := q.model(model)
		m.Replicas = append(m.Replicas, r)
		return nil
	})
	if err != nil {
		return err
	}
	return q.deploys(ctx)
}

func (q *question) deploys(ctx context.Context) error {
	args := q.args(map[string]time.Time{"from": q.Now.Add(-q.Lookback), "until": q.Now})
	return q.each(ctx, "SELECT model, max(timestamp) FROM changes WHERE "+between("timestamp", "from", "until")+" AND kind = 'deploy' GROUP BY model", args, func(rows driver.Rows) error {
		var model string
		var at time.Time
		if err := rows.Scan(&model, &at); err != nil {
			return err
		}
		if m := q.models[model]; m != nil {
			m.Deployed = at
		}
		return nil
	})
}

// gpus reads the moments of the scores of each GPU.
func (q *question) gpus(ctx context.Context) error {
	args, err := q.raw(ctx)
	if err != nil {
		return err
	}
	sql := `SELECT model, gpu, timestamp >= ` + at("from") + ` AS late, count(), avg(toFloat64(num[1])), varPop(toFloat64(num[1])) FROM inference_events
		WHERE ((` + between("timestamp", "from", "until") + `) OR (` + between("timestamp", "from0", "until0") + `)) AND gpu != '' AND isFinite(num[1])
		GROUP BY model, gpu, late ORDER BY model, gpu, late`
	return q.each(ctx, sql, args, func(rows driver.Rows) error {
		var model, gpu string
		var late uint8
		var s silent.Moments
		if err := rows.Scan(&model, &gpu, &late, &s.N, &s.Mean, &s.Variance); err != nil {
			return err
		}
		m := q.model(model)
		if n := len(m.GPUs); n == 0 || m.GPUs[n-1].GPU != gpu {
			m.GPUs = append(m.GPUs, silent.GPUStats{GPU: gpu})
		}
		if g := &m.GPUs[len(m.GPUs)-1]; late > 0 {
			g.Recent = s
		} else {
			g.Before = s
		}
		return nil
	})
}
