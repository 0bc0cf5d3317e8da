// Package tables reads what the rules of silent failures need from the tables
// of the store. Every question is about one tenant and a bounded time, and
// gives summaries: what is read of raw events is bounded by max_rows.
package tables

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/driftline/driftline/detectors/silent"
)

// Store asks the tables. It is safe for concurrent use.
type Store struct{ conn driver.Conn }

// New makes a store of a connection to the database that has the tables.
func New(conn driver.Conn) *Store { return &Store{conn} }

// recently is how much older than the newest record of a table a tenant's may
// be for the tenant to be judged.
const recently = "INTERVAL 1 DAY"

// watermarks are queries of tenant and newest event time, by stream. The events
// go by their one-minute sketches, whose newest minute may be under way.
var watermarks = []struct{ stream, sql string }{
	{silent.StreamEvents, "SELECT tenant, toDateTime64(max(minute), 3, 'UTC') FROM feature_sketches_1m WHERE minute >= (SELECT max(minute) FROM feature_sketches_1m) - " + recently + " GROUP BY tenant"},
	{silent.StreamLabels, newest("labels")},
	{silent.StreamTelemetry, newest("telemetry")},
	{silent.StreamJobs, newest("job_events")},
}

func newest(table string) string {
	return "SELECT tenant, max(timestamp) FROM " + table + " WHERE timestamp >= (SELECT max(timestamp) FROM " + table + ") - " + recently + " GROUP BY tenant"
}

// Watermarks are the newest event times of the tenants that have sent within a
// day of the newest of all.
func (s *Store) Watermarks(ctx context.Context) (out []silent.Watermark, err error) {
	for _, w := range watermarks {
		err := s.each(ctx, w.sql, nil, func(rows driver.Rows) error {
			m := silent.Watermark{Stream: w.stream}
			if err := rows.Scan(&m.Tenant, &m.Newest); err != nil {
				return err
			}
			out = append(out, m)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read watermarks of %s: %w", w.stream, err)
		}
	}
	return out, nil
}

// question is one snapshot under way.
type question struct {
	silent.Question
	*Store
	snapshot *silent.Snapshot
	models   map[string]*silent.Model
	span     time.Duration // of raw events
}

// Snapshot asks for all that a question needs.
func (s *Store) Snapshot(ctx context.Context, ask silent.Question) (*silent.Snapshot, error) {
	q := &question{Question: ask, Store: s, snapshot: &silent.Snapshot{}, models: map[string]*silent.Model{}}
	for _, part := range []struct {
		input silent.Input
		what  string
		read  func(context.Context) error
	}{
		{silent.Jobs, "runs of jobs", q.jobs},
		{silent.Counts, "events by bin", q.counts},
		{silent.Requests, "requests by bin", q.requests},
		{silent.Blocks, "features by bin", q.blocks},
		{silent.Classes, "classes", q.classes},
		{silent.IDs, "request ids", q.ids},
		{silent.Replicas, "replicas", q.replicas},
		{silent.GPUs, "scores by GPU", q.gpus},
		{silent.Labels, "labels by bin", q.labels},
		{silent.Joins, "predictions with labels", q.joins},
		{silent.Feeds, "series of telemetry", q.feeds},
		{silent.Consumers, "offsets of consumers", q.consumers},
	} {
		if !q.Wants(part.input) {
			continue
		}
		if err := part.read(ctx); err != nil {
			return nil, fmt.Errorf("read %s: %w", part.what, err)
		}
	}
	for _, m := range q.models {
		q.snapshot.Models = append(q.snapshot.Models, *m)
	}
	slices.SortFunc(q.snapshot.Models, func(a, b silent.Model) int { return strings.Compare(a.Name, b.Name) })
	return q.snapshot, nil
}

func (q *question) model(name string) *silent.Model {
	if q.models[name] == nil {
		q.models[name] = &silent.Model{Name: name}
	}
	return q.models[name]
}

// each runs a query and hands over its rows.
func (s *Store) each(ctx context.Context, sql string, args []any, do func(driver.Rows) error) error {
	rows, err := s.conn.Query(ctx, sql, args...)
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

// args of a query: the tenant, and times by name.
func (q *question) args(times map[string]time.Time) []any {
	out := []any{ch.Named("tenant", q.Tenant)}
	for name, t := range times {
		out = append(out, ch.Named(name, t.UTC().Format("2006-01-02 15:04:05.000")))
	}
	return out
}

// between is the condition that a column lies in the span of two named times.
func between(column, from, to string) string {
	return fmt.Sprintf("tenant = {tenant:String} AND %s >= %s AND %s < %s", column, at(from), column, at(to))
}

func at(name string) string { return "{" + name + ":DateTime64(3, 'UTC')}" }

// binOf is the start of the bin of a column.
func binOf(column string) string {
	return fmt.Sprintf("toDateTime(toStartOfInterval(%s, INTERVAL %d SECOND), 'UTC')", column, int(silent.Bin.Seconds()))
}

// rawSpan is how much of the judged time is read of raw events: all of it, or
// as much as has about max_rows.
func (q *question) rawSpan(ctx context.Context) (time.Duration, error) {
	if q.span > 0 {
		return q.span, nil
	}
	var rows uint64
	err := q.each(ctx, "SELECT sum(rows) FROM feature_sketches_1m WHERE "+between("minute", "from", "until"),
		q.args(map[string]time.Time{"from": q.From(), "until": q.Until()}), func(r driver.Rows) error { return r.Scan(&rows) })
	q.span = shortened(q.Recent, rows, q.MaxRows)
	return q.span, err
}

// shortened is the part of a span that has at most a number of rows, in whole
// seconds and at least one.
func shortened(span time.Duration, rows, most uint64) time.Duration {
	if rows <= most {
		return span
	}
	return max(time.Duration(float64(span)*float64(most)/float64(rows)).Truncate(time.Second), time.Second)
}
