package clickhouse

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/driftline/driftline/schemas"
)

// Store takes blocks by one connection and answers by another.
type Store struct {
	*Inserter
	*DB
}

// Stored is [DB.Stored], asked until the server answers.
func (s Store) Stored(ctx context.Context, table, topic string, partition int32, from, to int64) (map[schemas.Origin]struct{}, error) {
	return ask(ctx, s, func() (map[schemas.Origin]struct{}, error) {
		return s.DB.Stored(ctx, table, topic, partition, from, to)
	})
}

// Owed is [DB.Owed], asked until the server answers.
func (s Store) Owed(ctx context.Context, minutes []schemas.Minute) ([]int64, error) {
	return ask(ctx, s, func() ([]int64, error) { return s.DB.Owed(ctx, minutes) })
}

// ask repeats a question until the server answers it, refuses it for good, or
// ctx ends.
func ask[T any](ctx context.Context, s Store, question func() (T, error)) (T, error) {
	tries := 0
	return backoff.Retry(ctx, func() (T, error) {
		if tries++; tries > 1 {
			s.set.GetOrCreateCounter("driftline_clickhouse_query_retries_total").Inc()
		}
		answer, err := question()
		return answer, classify(err)
	}, untilDone()...)
}

// Stored tells which rows of the offsets [from, to) of a partition are in a
// table. It cannot tell rows of a topic from those of one by the same name that
// was deleted before.
func (db *DB) Stored(ctx context.Context, table, topic string, partition int32, from, to int64) (map[schemas.Origin]struct{}, error) {
	rows, err := db.conn.Query(ctx, "SELECT DISTINCT _offset, toInt64(toUnixTimestamp(toStartOfDay(timestamp))) FROM "+quote(table)+
		" WHERE _topic = ? AND _partition = ? AND _offset >= ? AND _offset < ?", topic, partition, from, to)
	if err != nil {
		return nil, fmt.Errorf("look for rows of %s/%d in %s: %w", topic, partition, table, err)
	}
	defer func() { _ = rows.Close() }()
	out := map[schemas.Origin]struct{}{}
	for rows.Next() {
		var o schemas.Origin
		if err := rows.Scan(&o.Offset, &o.Day); err != nil {
			return nil, fmt.Errorf("look for rows of %s/%d in %s: %w", topic, partition, table, err)
		}
		o.Day /= 24 * 60 * 60
		out[o] = struct{}{}
	}
	return out, rows.Err()
}

// Owed tells for minutes of models how many rows of inference_events the states
// lack; fewer than 0 when they have more. While others write to the same
// minutes, a minute may seem to lack what they are about to add.
func (db *DB) Owed(ctx context.Context, minutes []schemas.Minute) ([]int64, error) {
	if len(minutes) == 0 {
		return nil, nil
	}
	stored, err := db.perMinute(ctx, "SELECT tenant, model, version, segment, toInt64(toUnixTimestamp(toStartOfMinute(timestamp))), count() FROM inference_events WHERE timestamp >= ? AND timestamp < ?", minutes)
	if err != nil {
		return nil, err
	}
	summed, err := db.perMinute(ctx, "SELECT tenant, model, version, segment, toInt64(toUnixTimestamp(minute)), sum(rows) FROM feature_sketches_1m WHERE minute >= ? AND minute < ?", minutes)
	if err != nil {
		return nil, err
	}
	out := make([]int64, len(minutes))
	for i, m := range minutes {
		out[i] = int64(stored[m]) - int64(summed[m])
	}
	return out, nil
}

// perMinute adds up rows by minute, for the models and the span of some.
func (db *DB) perMinute(ctx context.Context, sql string, minutes []schemas.Minute) (map[schemas.Minute]uint64, error) {
	first, last := minutes[0].Minute, minutes[0].Minute
	var models []string
	for _, m := range minutes {
		first, last = min(first, m.Minute), max(last, m.Minute)
		if !slices.Contains(models, m.Model) {
			models = append(models, m.Model)
		}
	}
	rows, err := db.conn.Query(ctx, sql+" AND model IN (?) GROUP BY 1, 2, 3, 4, 5", time.Unix(first*60, 0), time.Unix((last+1)*60, 0), models)
	if err != nil {
		return nil, fmt.Errorf("add up rows by minute: %w", err)
	}
	defer func() { _ = rows.Close() }()
	out := map[schemas.Minute]uint64{}
	for rows.Next() {
		var m schemas.Minute
		var n uint64
		if err := rows.Scan(&m.Tenant, &m.Model, &m.Version, &m.Segment, &m.Minute, &n); err != nil {
			return nil, fmt.Errorf("add up rows by minute: %w", err)
		}
		m.Minute /= 60
		out[m] = n
	}
	return out, rows.Err()
}
