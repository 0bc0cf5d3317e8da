// Package tables reads predictions with their labels from the tables of the
// store, and keeps what was made of them. The join is made when it is asked for
// and bounded by a window and a horizon; predictions and labels lie in the tables
// as they came.
package tables

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/driftline/driftline/detectors/outcomes"
	"github.com/driftline/driftline/schemas"
	"github.com/driftline/driftline/schemas/ddl"
)

// Store asks the tables and writes to them. It is safe for concurrent use.
type Store struct {
	conn driver.Conn
	form ddl.Form
}

// New makes a store of a connection to the database that has the tables.
func New(conn driver.Conn, form ddl.Form) *Store { return &Store{conn, form} }

// joined are the predictions of a window, each once a version and request id,
// with all labels of its id that are near enough in time. Of several predictions
// with one id the earliest counts, ties by content. A label counts if it became
// known within the horizon of its prediction, and the latest of them counts,
// ties by content.
//
//	{one_of}  only requests whose hash it divides
const joined = `
	SELECT version, segment, timestamp, request_id, num, prediction, superseded,
		arraySort(arrayFilter(x -> x.1 <= timestamp + toIntervalMillisecond({horizon:Int64}), known)) AS truths, truths[-1] AS truth
	FROM (
		SELECT version, segment, timestamp, request_id, num, cat[1] AS prediction,
			row_number() OVER (PARTITION BY version, request_id ORDER BY timestamp, segment, prediction, num) > 1 AS superseded
		FROM (SELECT * FROM inference_events WHERE ` + window + ` ORDER BY version, request_id, timestamp, segment, cat[1], num LIMIT 1 BY version, request_id, timestamp)
	) AS e
	GLOBAL LEFT JOIN (
		SELECT request_id, groupArray(tuple(timestamp, toString(label), value)) AS known FROM labels
		WHERE tenant = {tenant:String} AND model = {model:String} AND timestamp >= {from:DateTime64(3, 'UTC')} - toIntervalMillisecond({horizon:Int64})
			AND timestamp < {to:DateTime64(3, 'UTC')} + toIntervalMillisecond({horizon:Int64})
			AND request_id GLOBAL IN (SELECT request_id FROM inference_events WHERE ` + window + `)
		GROUP BY request_id
	) AS l ON e.request_id = l.request_id`

const window = `tenant = {tenant:String} AND model = {model:String} AND timestamp >= {from:DateTime64(3, 'UTC')} AND timestamp < {to:DateTime64(3, 'UTC')}
	AND request_id != '' AND cityHash64(request_id) % {one_of:UInt64} = 0`

func named(key schemas.ModelKey) []any {
	return []any{ch.Named("tenant", key.Tenant), ch.Named("model", key.Model)}
}

func at(name string, t time.Time) any {
	return ch.Named(name, t.UTC().Format("2006-01-02 15:04:05.000"))
}

func args(q *outcomes.Question, oneOf uint64) []any {
	return append(named(q.ModelKey), at("from", q.Span.Start), at("to", q.Span.End),
		ch.Named("horizon", q.Horizon.Milliseconds()), ch.Named("one_of", oneOf))
}

// Window reads a window. Its cost follows the window's rows and the labels
// within the horizon; what is looked at is bounded by the question's MaxRows.
func (s *Store) Window(ctx context.Context, q outcomes.Question) (w outcomes.Window, err error) {
	if w.OneOf, err = s.oneOf(ctx, &q); err != nil {
		return w, fmt.Errorf("count predictions of %s: %w", q.Model, err)
	}
	positions, err := s.positions(ctx, &q)
	if err != nil {
		return w, fmt.Errorf("read feature schema of %s: %w", q.Model, err)
	}
	columns := "[num[1]]"
	if len(q.Features) > 0 {
		columns = "num"
	}
	sql := "SELECT version, timestamp, request_id, prediction, " + columns + ", notEmpty(truths), truth.2, truth.3 FROM (" + joined +
		") WHERE NOT superseded ORDER BY version, timestamp, request_id"
	err = s.each(ctx, sql, args(&q, w.OneOf), func(rows driver.Rows) error {
		var r outcomes.Row
		var num []float32
		var labelled uint8
		var value *float64
		if err := rows.Scan(&r.Version, &r.Time, &r.RequestID, &r.Prediction, &num, &labelled, &r.Label, &value); err != nil {
			return err
		}
		r.Score, r.Value, r.Labelled = number(num, 0), math.NaN(), labelled != 0
		if value != nil {
			r.Value = *value
		}
		for _, position := range positions[r.Version].of(q.Features) {
			r.Features = append(r.Features, number(num, position))
		}
		w.Rows = append(w.Rows, r)
		return nil
	})
	if err != nil {
		return w, fmt.Errorf("join predictions and labels of %s: %w", q.Model, err)
	}
	return w, nil
}

// number at a position; NaN where the row has none.
func number(num []float32, position int) float64 {
	if position < 0 || position >= len(num) {
		return math.NaN()
	}
	return float64(num[position])
}

// oneOf is how large a part of the predictions is looked at.
func (s *Store) oneOf(ctx context.Context, q *outcomes.Question) (uint64, error) {
	var rows uint64
	err := s.each(ctx, `SELECT sum(rows) FROM feature_sketches_1m WHERE tenant = {tenant:String} AND model = {model:String}
		AND minute >= toStartOfMinute({from:DateTime64(3, 'UTC')}) AND minute < {to:DateTime64(3, 'UTC')}`,
		append(named(q.ModelKey), at("from", q.Span.Start), at("to", q.Span.End)), func(r driver.Rows) error { return r.Scan(&rows) })
	return max(1, (rows+q.MaxRows-1)/q.MaxRows), err
}

// positions of features in a version's rows, by name.
type positions map[string]int

// of names; -1 where a version does not have one.
func (p positions) of(names []string) []int {
	out := make([]int, len(names))
	for i, name := range names {
		out[i] = -1
		if at, ok := p[name]; ok {
			out[i] = at
		}
	}
	return out
}

func (s *Store) positions(ctx context.Context, q *outcomes.Question) (map[string]positions, error) {
	out := map[string]positions{}
	if len(q.Features) == 0 {
		return out, nil
	}
	err := s.each(ctx, `SELECT version, position, name FROM model_schemas FINAL WHERE tenant = {tenant:String} AND model = {model:String} AND kind = 'numeric'`,
		named(q.ModelKey), func(rows driver.Rows) error {
			var version, name string
			var position uint16
			if err := rows.Scan(&version, &position, &name); err != nil {
				return err
			}
			if out[version] == nil {
				out[version] = positions{}
			}
			out[version][name] = int(position)
			return nil
		})
	return out, err
}

// Keep stores the labelled predictions of a window, all of them, as outcomes.
func (s *Store) Keep(ctx context.Context, q outcomes.Question, revision uint64) error {
	sql := `INSERT INTO ` + s.form.Local("outcomes") + ` (tenant, model, version, segment, timestamp, request_id, known_at, prediction, score, label, value, revision, _superseded)
		SELECT {tenant:String}, {model:String}, version, segment, timestamp, request_id, truth.1, prediction, if(isNaN(num[1]), NULL, toFloat64(num[1])), truth.2, truth.3, {revision:UInt64}, superseded
		FROM (` + joined + `) WHERE notEmpty(truths)`
	if err := s.conn.Exec(always(ctx), sql, append(args(&q, 1), ch.Named("revision", revision))...); err != nil {
		return fmt.Errorf("insert into outcomes: %w", err)
	}
	return nil
}

// Touched are the minutes of the predictions that labels belong to, and how
// many of the labels became known after the horizon, up to twice of it.
func (s *Store) Touched(ctx context.Context, key schemas.ModelKey, spans []schemas.Span, horizon time.Duration) (minutes []schemas.Span, late uint64, err error) {
	if len(spans) == 0 {
		return nil, 0, nil
	}
	from, to := spans[0].Start, spans[len(spans)-1].End
	sql := `SELECT toDateTime(toStartOfMinute(e.timestamp), 'UTC') AS minute, countIf(abs(dateDiff('millisecond', e.timestamp, l.timestamp)) <= {horizon:Int64}), countIf(dateDiff('millisecond', e.timestamp, l.timestamp) > {horizon:Int64})
		FROM (SELECT request_id, timestamp FROM inference_events WHERE tenant = {tenant:String} AND model = {model:String}
			AND timestamp >= {from:DateTime64(3, 'UTC')} - toIntervalMillisecond(2 * {horizon:Int64}) AND timestamp < {to:DateTime64(3, 'UTC')} + toIntervalMillisecond({horizon:Int64}) AND request_id != '') AS e
		GLOBAL INNER JOIN (SELECT request_id, timestamp FROM labels WHERE tenant = {tenant:String} AND model = {model:String}
			AND timestamp >= {from:DateTime64(3, 'UTC')} AND timestamp < {to:DateTime64(3, 'UTC')} AND (` + among("timestamp", spans) + `)) AS l
		ON e.request_id = l.request_id GROUP BY minute ORDER BY minute`
	in := append(named(key), at("from", from), at("to", to), ch.Named("horizon", horizon.Milliseconds()))
	err = s.each(ctx, sql, in, func(rows driver.Rows) error {
		var minute time.Time
		var timely, tooLate uint64
		if err := rows.Scan(&minute, &timely, &tooLate); err != nil {
			return err
		}
		late += tooLate
		if timely > 0 {
			minutes = append(minutes, schemas.Span{Start: minute.UTC(), End: minute.UTC().Add(time.Minute)})
		}
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("join labels of %s with their predictions: %w", key.Model, err)
	}
	return minutes, late, nil
}

// mostSpans is how many spans a condition names; of more only their whole is asked for.
const mostSpans = 64

// among is the condition that a column lies in one of some spans of whole seconds.
func among(column string, spans []schemas.Span) string {
	if len(spans) > mostSpans {
		return "1"
	}
	var any []string
	for _, s := range spans {
		any = append(any, fmt.Sprintf("%s >= toDateTime(%d, 'UTC') AND %s < toDateTime(%d, 'UTC')", column, s.Start.Unix(), column, s.End.Unix()))
	}
	return strings.Join(any, " OR ")
}

// Judged are the windows that were judged.
func (s *Store) Judged(ctx context.Context, key schemas.ModelKey, from time.Time) (out []outcomes.Judged, err error) {
	if from.Before(time.Unix(0, 0)) {
		from = time.Unix(0, 0)
	}
	sql := `SELECT window_start, window_end, min(final) FROM outcome_stats FINAL WHERE tenant = {tenant:String} AND model = {model:String}
		AND window_start >= {from:DateTime64(3, 'UTC')} GROUP BY window_start, window_end ORDER BY window_start, window_end`
	err = s.each(ctx, sql, append(named(key), at("from", from)), func(rows driver.Rows) error {
		var j outcomes.Judged
		if err := rows.Scan(&j.Span.Start, &j.Span.End, &j.Final); err != nil {
			return err
		}
		out = append(out, j)
		return nil
	})
	return out, err
}

// State is the newest one after a window that ends by a time.
func (s *Store) State(ctx context.Context, key schemas.ModelKey, until time.Time) (out schemas.DetectorState, err error) {
	sql := `SELECT window_start, window_end, state, evaluated_at FROM detector_states FINAL WHERE tenant = {tenant:String} AND model = {model:String}
		AND window_end <= {until:DateTime64(3, 'UTC')} AND state != '' ORDER BY window_end DESC, window_start DESC LIMIT 1`
	err = s.each(ctx, sql, append(named(key), at("until", until)), func(rows driver.Rows) error {
		out.Tenant, out.Model = key.Tenant, key.Model
		return rows.Scan(&out.WindowStart, &out.WindowEnd, &out.State, &out.EvaluatedAt)
	})
	return out, err
}

// PutStats stores the figures of a window.
func (s *Store) PutStats(ctx context.Context, stats []schemas.OutcomeStats) error {
	if len(stats) == 0 {
		return nil
	}
	const columns = "tenant, model, version, segment, metric, window_start, window_end, predictions, labelled, one_of, realised, realised_se, estimated, estimated_se, deficit, final, evaluated_at"
	return s.insert(ctx, "outcome_stats", columns, func(b driver.Batch) error {
		for i := range stats {
			r := &stats[i]
			err := b.Append(r.Tenant, r.Model, r.Version, r.Segment, r.Metric, r.WindowStart, r.WindowEnd, r.Predictions, r.Labelled, r.OneOf,
				r.Realised, r.RealisedSE, r.Estimated, r.EstimatedSE, r.Deficit, r.Final, r.EvaluatedAt)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

const stateColumns = "tenant, model, window_start, window_end, state, evaluated_at"

// PutState stores a state.
func (s *Store) PutState(ctx context.Context, d schemas.DetectorState) error {
	return s.insert(ctx, "detector_states", stateColumns, func(b driver.Batch) error {
		return b.Append(d.Tenant, d.Model, d.WindowStart, d.WindowEnd, d.State, d.EvaluatedAt)
	})
}

// Rewind replaces the states after windows from a time on by empty ones, which
// are no states.
func (s *Store) Rewind(ctx context.Context, key schemas.ModelKey, from, now time.Time) error {
	sql := `INSERT INTO ` + s.form.Local("detector_states") + ` (` + stateColumns + `) SELECT tenant, model, window_start, window_end, '', greatest(evaluated_at + toIntervalMillisecond(1), {now:DateTime64(3, 'UTC')})
		FROM detector_states FINAL WHERE tenant = {tenant:String} AND model = {model:String} AND window_start >= {from:DateTime64(3, 'UTC')} AND state != ''`
	if err := s.conn.Exec(always(ctx), sql, append(named(key), at("from", from), at("now", now))...); err != nil {
		return fmt.Errorf("insert into detector_states: %w", err)
	}
	return nil
}

// always inserts, also what equals an earlier block: a row may go back to what
// it was.
func always(ctx context.Context) context.Context {
	return ch.Context(ctx, ch.WithSettings(ch.Settings{"async_insert": 0, "insert_deduplicate": 0}))
}

func (s *Store) insert(ctx context.Context, table, columns string, rows func(driver.Batch) error) error {
	batch, err := s.conn.PrepareBatch(always(ctx), "INSERT INTO "+s.form.Local(table)+" ("+columns+")")
	if err == nil {
		err = rows(batch)
	}
	if err == nil {
		err = batch.Send()
	}
	if err != nil {
		return fmt.Errorf("insert into %s: %w", table, err)
	}
	return nil
}

// each runs a query and hands over its rows.
func (s *Store) each(ctx context.Context, sql string, args []any, do func(driver.Rows) error) error {
	rows, err := s.conn.Query(ctx, sql, slices.Clone(args)...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := do(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
