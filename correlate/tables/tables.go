// Package tables reads what the ranking of causes needs from the tables of the
// store: places and latency of a model's requests, telemetry by minute, jobs
// and changes. Every question is about one tenant and a bounded time, and the
// store adds up: what comes back has a row a minute and series.
package tables

import (
	"context"
	"fmt"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/driftline/driftline/correlate/anomaly"
	"github.com/driftline/driftline/correlate/graph"
	"github.com/driftline/driftline/correlate/metric"
	"github.com/driftline/driftline/schemas"
)

// Store asks the tables. It is safe for concurrent use.
type Store struct{ conn driver.Conn }

// New makes a store of a connection to the database that has the tables.
func New(conn driver.Conn) *Store { return &Store{conn} }

// Question is what one incident asks.
type Question struct {
	Tenant   string
	Model    string // whose requests are read; empty: of all models, for the graph alone
	From     time.Time
	Until    time.Time // exclusive, so that the last minute is whole
	Registry *metric.Registry

	MaxSeries int    // of telemetry
	MaxEvents uint64 // inference events read
}

// Answer is what the tables hold.
type Answer struct {
	Graph  *graph.Graph
	Series []*anomaly.Series
	Events []anomaly.Event
	Cut    bool // there was more than was read
}

// question under way.
type question struct {
	Question
	*Store
	out Answer
}

// Ask reads everything. The same tables give the same answer.
func (s *Store) Ask(ctx context.Context, ask Question) (*Answer, error) {
	q := &question{Question: ask, Store: s, out: Answer{Graph: graph.New()}}
	for _, part := range []struct {
		what string
		read func(context.Context) error
	}{{"requests", q.requests}, {"telemetry", q.telemetry}, {"jobs", q.jobs}, {"changes", q.changes}} {
		if err := part.read(ctx); err != nil {
			return nil, fmt.Errorf("read %s: %w", part.what, err)
		}
	}
	return &q.out, nil
}

const millis = "2006-01-02 15:04:05.000"

func (q *question) args(from time.Time) []any {
	return []any{
		ch.Named("tenant", q.Tenant), ch.Named("model", q.Model),
		ch.Named("from", from.UTC().Format(millis)), ch.Named("until", q.Until.UTC().Format(millis)),
	}
}

// within is the condition of every question.
const within = "tenant = {tenant:String} AND timestamp >= {from:DateTime64(3, 'UTC')} AND timestamp < {until:DateTime64(3, 'UTC')}"

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

// jobs reads which job ran where for whom, and runs that ended badly.
func (q *question) jobs(ctx context.Context) error {
	sql := `SELECT job, model, node, gpu, toString(state), max(timestamp), argMax(run_id, timestamp), state IN ('failed', 'cancelled') AS ended
		FROM job_events WHERE ` + within + ` GROUP BY job, model, node, gpu, state ORDER BY job, model, node, gpu, state LIMIT 20000`
	return q.each(ctx, sql, q.args(q.From), func(rows driver.Rows) error {
		var j schemas.JobEvent
		var state string
		var ended uint8
		if err := rows.Scan(&j.Job, &j.Model, &j.Node, &j.GPU, &state, &j.Time, &j.RunID, &ended); err != nil {
			return err
		}
		j.State = schemas.JobState(state)
		q.out.Graph.SeeJob(&j)
		if e, is := anomaly.OfJob(&j); is {
			q.out.Events = append(q.out.Events, e)
		}
		return nil
	})
}

// changes reads what people and machines altered.
func (q *question) changes(ctx context.Context) error {
	sql := "SELECT id, timestamp, toString(kind), entity, model, `from`, `to`, author, description FROM changes WHERE " + within + " ORDER BY timestamp, id LIMIT 5000"
	return q.each(ctx, sql, q.args(q.From), func(rows driver.Rows) error {
		var c schemas.Change
		var kind string
		if err := rows.Scan(&c.ID, &c.Time, &kind, &c.Entity, &c.Model, &c.From, &c.To, &c.Author, &c.Description); err != nil {
			return err
		}
		c.Kind = schemas.ChangeKind(kind)
		q.out.Graph.SeeChange(&c)
		q.out.Events = append(q.out.Events, anomaly.OfChange(&c))
		return nil
	})
}
