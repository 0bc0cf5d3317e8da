package clickhouse

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/driftline/driftline/detectors/outcomes"
	"github.com/driftline/driftline/schemas"
)

// Outcomes are predictions and labels as they are stored. A prediction is an
// event with a request id.
type Outcomes struct{ *DB }

var _ outcomes.Source = Outcomes{}

// ofModel holds for the rows of a model in every table.
const ofModel = "tenant = {tenant:String} AND model = {model:String}"

// predictions are the events of a model since a time that can have a label.
const predictions = ofModel + " AND timestamp >= {from:DateTime64(3, 'UTC')} AND request_id != ''"

// News are the minutes whose labels are new, and how far labels are read.
func (db Outcomes) News(ctx context.Context, key schemas.ModelKey, since outcomes.Position, from time.Time) ([]time.Time, outcomes.Position, error) {
	now := outcomes.Position{}
	err := db.each(ctx, "SELECT concat(_topic, '/', toString(_partition)) AS at, max(_offset) + 1 FROM labels WHERE "+ofModel+" GROUP BY at", named(key), func(rows driver.Rows) error {
		var at string
		var next int64
		err := rows.Scan(&at, &next)
		now[at] = next
		return err
	})
	if err != nil || since == nil || maps.Equal(now, since) {
		return nil, now, err
	}
	var fresh []string
	args := append(named(key), namedTime("from", from))
	for i, at := range slices.Sorted(maps.Keys(now)) {
		if now[at] == since[at] {
			continue
		}
		k := strings.LastIndexByte(at, '/')
		fresh = append(fresh, fmt.Sprintf("(_topic = {topic%d:String} AND _partition = {partition%d:Int32} AND _offset >= {offset%d:Int64})", i, i, i))
		args = append(args, ch.Named(fmt.Sprint("topic", i), at[:k]), ch.Named(fmt.Sprint("partition", i), at[k+1:]), ch.Named(fmt.Sprint("offset", i), fmt.Sprint(since[at])))
	}
	if len(fresh) == 0 {
		return nil, now, nil
	}
	minutes, err := db.minutes(ctx, predictions+" AND request_id GLOBAL IN (SELECT request_id FROM labels WHERE "+ofModel+" AND ("+strings.Join(fresh, " OR ")+"))", args)
	return minutes, now, err
}

// Minutes since a time that hold predictions, ascending.
func (db Outcomes) Minutes(ctx context.Context, key schemas.ModelKey, from time.Time) ([]time.Time, error) {
	return db.minutes(ctx, predictions, append(named(key), namedTime("from", from)))
}

func (db Outcomes) minutes(ctx context.Context, where string, args []any) (out []time.Time, _ error) {
	err := db.each(ctx, "SELECT toStartOfMinute(timestamp) AS minute FROM inference_events WHERE "+where+" GROUP BY minute ORDER BY minute", args, func(rows driver.Rows) error {
		var t time.Time
		err := rows.Scan(&t)
		out = append(out, t.UTC())
		return err
	})
	return out, err
}

// joined are the predictions of a window, one a request id, with what is known
// of their truth until a time. The newest event of an id counts, and the newest
// label by its own time; of equal times the later record.
const joined = `SELECT version, prediction, score, timestamp, request_id, label_of != '' AS labelled, label, value
	FROM (
		SELECT request_id, argMax(toString(version), at) AS version, argMax(toString(cat[1]), at) AS prediction, argMax(num[1], at) AS score, max(at).1 AS timestamp
		FROM (SELECT request_id, version, cat, num, (timestamp, _offset) AS at FROM inference_events WHERE ` + predictions + ` AND timestamp < {to:DateTime64(3, 'UTC')})
		GROUP BY request_id
	) AS events
	GLOBAL ANY LEFT JOIN (
		SELECT request_id AS label_of, argMax(toString(label), (timestamp, _offset)) AS label, argMax(ifNull(value, nan), (timestamp, _offset)) AS value
		FROM labels
		WHERE ` + ofModel + ` AND timestamp < {known:DateTime64(3, 'UTC')}
			AND request_id GLOBAL IN (SELECT request_id FROM inference_events WHERE ` + predictions + ` AND timestamp < {to:DateTime64(3, 'UTC')})
		GROUP BY request_id
	) AS truths ON request_id = label_of`

func joinedArgs(key schemas.ModelKey, span schemas.Span, horizon time.Duration) []any {
	return append(named(key), namedTime("from", span.Start), namedTime("to", span.End), namedTime("known", span.End.Add(horizon)))
}

// Rows of a window: its predictions counted by version, answer and truth.
func (db Outcomes) Rows(ctx context.Context, key schemas.ModelKey, span schemas.Span, horizon time.Duration) (out []outcomes.Row, _ error) {
	sql := "SELECT version, prediction, score, labelled, label, if(labelled, value, nan) AS truth, count() FROM (" + joined + ") GROUP BY version, prediction, score, labelled, label, truth ORDER BY version, score, prediction, labelled, label, truth"
	err := db.each(ctx, sql, joinedArgs(key, span, horizon), func(rows driver.Rows) error {
		var r outcomes.Row
		var score float32
		var labelled uint8
		err := rows.Scan(&r.Version, &r.Prediction, &score, &labelled, &r.Label, &r.Value, &r.N)
		r.Score, r.Labelled = decimal(score), labelled == 1
		out = append(out, r)
		return err
	})
	return out, err
}

// Outcomes of a window in the order of event time and request id.
func (db Outcomes) Outcomes(ctx context.Context, key schemas.ModelKey, span schemas.Span, horizon time.Duration, each func(outcomes.Outcome) error) error {
	sql := "SELECT version, prediction, score, timestamp, label, value FROM (" + joined + ") WHERE labelled ORDER BY timestamp, request_id"
	return db.each(ctx, sql, joinedArgs(key, span, horizon), func(rows driver.Rows) error {
		o := outcomes.Outcome{Row: outcomes.Row{Labelled: true, N: 1}}
		var score float32
		if err := rows.Scan(&o.Version, &o.Prediction, &score, &o.Time, &o.Label, &o.Value); err != nil {
			return err
		}
		o.Score = decimal(score)
		return each(o)
	})
}

// Stream is the stored state of the sequential detectors of a model.
func (db Outcomes) Stream(ctx context.Context, key schemas.ModelKey) (found *outcomes.Stream, _ error) {
	err := db.each(ctx, "SELECT state FROM outcome_streams FINAL WHERE "+ofModel, named(key), func(rows driver.Rows) error {
		var text string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		found = new(outcomes.Stream)
		return json.Unmarshal([]byte(text), found)
	})
	return found, err
}

// PutStream replaces it.
func (db Outcomes) PutStream(ctx context.Context, key schemas.ModelKey, s *outcomes.Stream) error {
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encode state of sequential detectors: %w", err)
	}
	return db.insert(ctx, "outcome_streams", "", "tenant, model, until, state", func(b driver.Batch) error {
		return b.Append(key.Tenant, key.Model, s.Until, string(text))
	})
}

// each row of an answer.
func (db Outcomes) each(ctx context.Context, sql string, args []any, row func(driver.Rows) error) error {
	rows, err := db.conn.Query(ctx, sql, args...)
	if err != nil {
		return fmt.Errorf("read outcomes: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := row(rows); err != nil {
			return fmt.Errorf("read outcomes: %w", err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read outcomes: %w", err)
	}
	return nil
}

// decimal is the number that was rounded to single precision to be stored: the
// shortest one. Scores of a reference's file are at double precision, and 0.18
// must tie with 0.18.
func decimal(x float32) float64 {
	v, err := strconv.ParseFloat(strconv.FormatFloat(float64(x), 'g', -1, 32), 64)
	if err != nil {
		return float64(x)
	}
	return v
}
