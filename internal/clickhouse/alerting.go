package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/driftline/driftline/schemas"
)

// Append journals notifications, all of them or none.
func (db *DB) Append(ctx context.Context, rows ...schemas.Notification) error {
	if len(rows) == 0 {
		return nil
	}
	columns := "tenant, timestamp, incident_id, revision, receiver, kind, action, key, attempt, status, http_status, duration_ms, error"
	return db.insert(ctx, "notifications", "", columns, func(b driver.Batch) error {
		for _, n := range rows {
			if err := b.Append(n.Tenant, n.Time, n.IncidentID, n.Revision, n.Receiver, n.Kind, n.Action, n.Key, n.Attempt,
				string(n.Status), int32(n.HTTPStatus), n.DurationMS, n.Error); err != nil {
				return err
			}
		}
		return nil
	})
}

// Delivered is the highest revision of an incident that the journal says was
// settled with a receiver, delivered or given up; 0 for none.
func (db *DB) Delivered(ctx context.Context, incidentID, receiver string) (uint64, error) {
	var revision uint64
	row := db.conn.QueryRow(ctx, `SELECT max(revision) FROM notifications WHERE incident_id = {id:String} AND receiver = {receiver:String} AND status IN ('delivered', 'dropped')`,
		ch.Named("id", incidentID), ch.Named("receiver", receiver))
	if err := row.Scan(&revision); err != nil {
		return 0, errors.Join(fmt.Errorf("read journal of incident %s", incidentID), err)
	}
	return revision, nil
}

// Standing is where an incident stands with a receiver, by the journal.
type Standing struct {
	IncidentID, Receiver string
	Queued               uint64    // highest revision that a route led there
	Settled              uint64    // highest revision delivered or given up
	Told                 uint64    // highest revision delivered
	Over                 uint64    // highest revision delivered as resolved
	QueuedAt, ToldAt     time.Time // of the newest; zero for none
}

// Standings are those of all incidents that are open, or of which a receiver
// has not had all that was queued for it.
func (db *DB) Standings(ctx context.Context) (out []Standing, err error) {
	rows, err := db.conn.Query(ctx, `SELECT incident_id, receiver,
			maxIf(revision, status = 'queued') AS queued, maxIf(revision, status IN ('delivered', 'dropped')) AS settled,
			maxIf(revision, status = 'delivered') AS told, maxIf(revision, status = 'delivered' AND action = 'resolve'),
			maxIf(timestamp, status = 'queued'), maxIf(timestamp, status = 'delivered')
		FROM notifications GROUP BY incident_id, receiver
		HAVING queued > settled OR incident_id IN (SELECT id FROM incidents FINAL WHERE state != 'resolved')
		ORDER BY incident_id, receiver`)
	if err != nil {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var s Standing
		if err := rows.Scan(&s.IncidentID, &s.Receiver, &s.Queued, &s.Settled, &s.Told, &s.Over, &s.QueuedAt, &s.ToldAt); err != nil {
			return nil, fmt.Errorf("read journal: %w", err)
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

// StandingIncidents are those that Standings tells of, and all others that are
// open.
func (db *DB) StandingIncidents(ctx context.Context) ([]schemas.Incident, error) {
	return db.incidentsWhere(ctx, `state != 'resolved' OR id IN (
		SELECT incident_id FROM notifications GROUP BY incident_id, receiver
		HAVING maxIf(revision, status = 'queued') > maxIf(revision, status IN ('delivered', 'dropped')))`)
}

// PutSilence stores a silence; it replaces an older one of the same id.
func (db *DB) PutSilence(ctx context.Context, s schemas.Silence) error {
	return db.insert(ctx, "silences", "", "tenant, id, matchers, starts_at, ends_at, author, comment, updated_at", func(b driver.Batch) error {
		return b.Append(s.Tenant, s.ID, s.Matchers, s.StartsAt, s.EndsAt, s.Author, s.Comment, s.UpdatedAt)
	})
}

// Silences that end after a time, the first to end first.
func (db *DB) Silences(ctx context.Context, after time.Time) (out []schemas.Silence, err error) {
	rows, err := db.conn.Query(ctx, `SELECT tenant, id, matchers, starts_at, ends_at, author, comment, updated_at FROM silences FINAL
		WHERE ends_at > toDateTime64({after:String}, 3, 'UTC') ORDER BY ends_at, id`, ch.Named("after", after.UTC().Format("2006-01-02 15:04:05.000")))
	if err != nil {
		return nil, fmt.Errorf("read silences: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var s schemas.Silence
		if err := rows.Scan(&s.Tenant, &s.ID, &s.Matchers, &s.StartsAt, &s.EndsAt, &s.Author, &s.Comment, &s.UpdatedAt); err != nil {
			return nil, fmt.Errorf("read silences: %w", err)
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

// Verdicts are the windows of every model in the time before its newest one,
// ascending by model and end: what all detectors together said of them. Windows
// without a verdict (no data, or too little) and silent failures are left out,
// models without a signal since the wall-clock time since as well.
func (db *DB) Verdicts(ctx context.Context, before time.Duration, since time.Time) (out []schemas.WindowVerdict, err error) {
	rows, err := db.conn.Query(ctx, `SELECT s.tenant, s.model, s.window_end, max(s.state = 'alarm') FROM signals AS s FINAL
		INNER JOIN (
			SELECT tenant, model, max(window_end) AS newest FROM signals
			WHERE evaluated_at >= toDateTime64({since:String}, 3, 'UTC') AND NOT startsWith(detector, {silent:String}) GROUP BY tenant, model
		) AS n ON s.tenant = n.tenant AND s.model = n.model
		WHERE s.window_end > n.newest - toIntervalSecond({before:Int64}) AND s.state IN ('ok', 'alarm') AND NOT startsWith(s.detector, {silent:String})
		GROUP BY s.tenant, s.model, s.window_end ORDER BY s.tenant, s.model, s.window_end`,
		ch.Named("since", since.UTC().Format("2006-01-02 15:04:05.000")), ch.Named("silent", schemas.SilentPrefix), ch.Named("before", fmt.Sprint(int64(before.Seconds()))))
	if err != nil {
		return nil, fmt.Errorf("read verdicts: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var v schemas.WindowVerdict
		var bad uint8
		if err := rows.Scan(&v.Tenant, &v.Model, &v.End, &bad); err != nil {
			return nil, fmt.Errorf("read verdicts: %w", err)
		}
		v.Bad = bad == 1
		out = append(out, v)
	}
	return out, rows.Err()
}
