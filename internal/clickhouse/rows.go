package clickhouse

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"

	"github.com/driftline/driftline/schemas"
)

const (
	// sampleFrom is out of how many times as many rows a sample is drawn: rows
	// are ordered by a hash, so that those that are kept are any of them.
	sampleFrom = 20
	// sampleSlices is in how many places a larger window is read. Rows lie in
	// the order of time, so a place costs a block or two whatever the traffic.
	sampleSlices = 64
)

// Rows is a sample of at most limit rows of a version's window: numeric
// features by name, NaN where a row has none. Of the total rows of a window
// about 20·limit are looked at; those of a larger one lie in 64 slices of time,
// one in each part of the window. Where traffic comes in bursts that these
// miss, they are made longer until half of the limit is found. The same stored
// rows give the same sample, in the same order.
func (db *DB) Rows(ctx context.Context, key schemas.ModelKey, version string, span schemas.Span, total uint64, columns []string, limit int) ([][]float64, error) {
	names, err := db.featureNames(ctx, key)
	if err != nil {
		return nil, err
	}
	places := map[string]int{}
	for i, name := range schemas.NewFeatureSchema(schemas.SchemaKey{}).Names(schemas.Numeric) {
		places[name] = i
	}
	for k, name := range names {
		if k.version == version && k.kind == schemas.Numeric {
			places[name] = k.position
		}
	}
	var out [][]float64
	for from := uint64(sampleFrom * limit); ; from *= 8 {
		if out, err = db.sample(ctx, key, version, stretches(span, version, total, from), places, columns, limit); err != nil {
			return nil, fmt.Errorf("sample rows of %s: %w", key.Model, err)
		}
		if from >= total || 2*len(out) >= limit {
			return out, nil
		}
	}
}

// sample the rows that a condition on their times leaves.
func (db *DB) sample(ctx context.Context, key schemas.ModelKey, version, times string, places map[string]int, columns []string, limit int) ([][]float64, error) {
	rows, err := db.conn.Query(ctx, `SELECT num FROM inference_events
		WHERE tenant = {tenant:String} AND model = {model:String} AND version = {version:String} AND (`+times+`)
		ORDER BY cityHash64(_topic, _partition, _offset, request_id, timestamp, num) LIMIT {limit:UInt32}`,
		append(named(key), ch.Named("version", version), ch.Named("limit", limit))...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var out [][]float64
	for rows.Next() {
		var num []float32
		if err := rows.Scan(&num); err != nil {
			return nil, err
		}
		row := make([]float64, len(columns))
		for i, c := range columns {
			row[i] = math.NaN()
			if at, ok := places[c]; ok && at < len(num) {
				row[i] = float64(num[at])
			}
		}
		out = append(out, row)
	}
	return out, rows.Err()
}

// stretches is a condition on the times to look at, so that of total rows about
// wanted are: all of a small window, else one stretch in each of its parts, at
// a place that the window itself decides.
func stretches(span schemas.Span, version string, total, wanted uint64) string {
	between := func(from, to time.Time) string {
		return fmt.Sprintf("timestamp >= fromUnixTimestamp64Milli(toInt64(%d), 'UTC') AND timestamp < fromUnixTimestamp64Milli(toInt64(%d), 'UTC')", from.UnixMilli(), to.UnixMilli())
	}
	if total <= wanted {
		return between(span.Start, span.End)
	}
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%d %d %q", span.Start.Unix(), span.End.Unix(), version)
	rng := rand.New(rand.NewPCG(h.Sum64(), 1))
	part := span.End.Sub(span.Start) / sampleSlices
	length := max(time.Millisecond, time.Duration(float64(part)*float64(wanted)/float64(total)))
	var out []string
	for k := range sampleSlices {
		from := span.Start.Add(time.Duration(k)*part + time.Duration(rng.Float64()*float64(part-length)))
		out = append(out, between(from, from.Add(length)))
	}
	return strings.Join(out, " OR ")
}
