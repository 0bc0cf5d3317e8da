package tables

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/driftline/driftline/detectors/silent"
)

// labels reads how many labels became known in each bin of the lookback.
func (q *question) labels(ctx context.Context) error {
	sql := "SELECT model, " + binOf("timestamp") + " AS bin, count() FROM labels WHERE " + between("timestamp", "from", "until") + " GROUP BY model, bin ORDER BY model, bin"
	args := q.args(map[string]time.Time{"from": q.Now.Add(-q.Lookback), "until": q.Now})
	return q.each(ctx, sql, args, func(rows driver.Rows) error {
		var model string
		var c silent.Count
		if err := rows.Scan(&model, &c.Start, &c.Rows); err != nil {
			return err
		}
		m := q.model(model)
		m.Labels = append(m.Labels, c)
		return nil
	})
}

// joinParts is how many times longer the time is that the label rate is
// compared with than the judged one.
const joinParts = 4

// joins reads how many predictions had a label by the age at which they should.
// Both times lie so far back that all of their predictions have that age.
func (q *question) joins(ctx context.Context) error {
	span, err := q.rawSpan(ctx)
	if err != nil {
		return err
	}
	if span < q.Recent { // max_rows is for all of them together
		span = max(span/(joinParts+1), time.Second)
	}
	until := q.Until().Add(-q.LabelAge)
	sql := `SELECT e.model, e.timestamp >= ` + at("from") + ` AS late, count(), countIf(l.known != toDateTime64(0, 3, 'UTC') AND l.known <= e.timestamp + toIntervalSecond({age:Int64}))
		FROM (SELECT model, request_id, timestamp FROM inference_events WHERE ` + between("timestamp", "start", "until") + ` AND request_id != '') AS e
		GLOBAL LEFT JOIN (SELECT model, request_id, min(timestamp) AS known FROM labels WHERE ` + between("timestamp", "start", "now") + ` GROUP BY model, request_id) AS l
		ON e.model = l.model AND e.request_id = l.request_id GROUP BY e.model, late`
	args := q.args(map[string]time.Time{"start": until.Add(-(joinParts + 1) * span), "from": until.Add(-span), "until": until, "now": q.Until()})
	return q.each(ctx, sql, append(args, named("age", int64(q.LabelAge.Seconds()))), func(rows driver.Rows) error {
		var model string
		var late uint8
		var j silent.Join
		if err := rows.Scan(&model, &late, &j.Predicted, &j.Labelled); err != nil {
			return err
		}
		q.model(model).Joins[late] = j
		return nil
	})
}
