package clickhouse

import (
	"context"
	"fmt"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/driftline/driftline/schemas"
)

// each asks a question and hands on every row.
func (db *DB) each(ctx context.Context, what, sql string, args []any, do func(driver.Rows) error) error {
	rows, err := db.conn.Query(ctx, sql, args...)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := do(rows); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

func namedTime(name string, t time.Time) any {
	return ch.Named(name, t.UTC().Format("2006-01-02 15:04:05.000"))
}

// PutRetraining stores a revision; the highest one is what readers see.
func (db *DB) PutRetraining(ctx context.Context, r schemas.Retraining) error {
	columns := "tenant, model, incident_id, revision, state, reason, detail, cause, target, key, versions, reference, window_start, window_end, rows, dataset, manifest, sha256, run_id, new_version, attempts, error, seen_at, decided_at, served_at, state_at, updated_at"
	return db.insert(ctx, "retrainings", "", columns, func(b driver.Batch) error {
		return b.Append(r.Tenant, r.Model, r.IncidentID, r.Revision, string(r.State), r.Reason, r.Detail, string(r.Cause), r.Target, r.Key, append([]string{}, r.Versions...), r.Reference,
			stamped(r.WindowStart), stamped(r.WindowEnd), r.Rows, r.Dataset, r.Manifest, r.SHA256, r.RunID, r.NewVersion, r.Attempts, r.Error, r.SeenAt, r.DecidedAt, r.ServedAt, r.StateAt, r.UpdatedAt)
	})
}

// stamped is a time that the tables can hold: no time at all is 1970.
func stamped(t time.Time) time.Time {
	if t.IsZero() {
		return time.Unix(0, 0).UTC()
	}
	return t
}

// unstamped is the time that stamped was given.
func unstamped(t time.Time) time.Time {
	if t.Unix() == 0 {
		return time.Time{}
	}
	return t.UTC()
}

// Retrainings are the newest revisions of all.
func (db *DB) Retrainings(ctx context.Context) (out []schemas.Retraining, err error) {
	sql := `SELECT tenant, model, incident_id, revision, state, reason, detail, cause, target, key, versions, reference, window_start, window_end, rows, dataset, manifest, sha256,
		run_id, new_version, attempts, error, seen_at, decided_at, served_at, state_at, updated_at FROM retrainings FINAL ORDER BY seen_at, tenant, model, incident_id`
	err = db.each(ctx, "read retrainings", sql, nil, func(rows driver.Rows) error {
		var r schemas.Retraining
		var state, cause string
		err := rows.Scan(&r.Tenant, &r.Model, &r.IncidentID, &r.Revision, &state, &r.Reason, &r.Detail, &cause, &r.Target, &r.Key, &r.Versions, &r.Reference, &r.WindowStart, &r.WindowEnd, &r.Rows,
			&r.Dataset, &r.Manifest, &r.SHA256, &r.RunID, &r.NewVersion, &r.Attempts, &r.Error, &r.SeenAt, &r.DecidedAt, &r.ServedAt, &r.StateAt, &r.UpdatedAt)
		r.State, r.Cause = schemas.RetrainingState(state), schemas.CauseKind(cause)
		r.WindowStart, r.WindowEnd = unstamped(r.WindowStart), unstamped(r.WindowEnd)
		out = append(out, r)
		return err
	})
	return out, err
}

// Audit appends to the log of retrainings.
func (db *DB) Audit(ctx context.Context, e schemas.RetrainingEntry) error {
	columns := "timestamp, tenant, model, incident_id, kind, state, reason, detail, actor, key, run_id, version"
	return db.insert(ctx, "retraining_log", "", columns, func(b driver.Batch) error {
		return b.Append(e.Time, e.Tenant, e.Model, e.IncidentID, e.Kind, e.State, e.Reason, e.Detail, e.Actor, e.Key, e.RunID, e.Version)
	})
}

// RetrainingInputs are what people and pipelines said, oldest first.
func (db *DB) RetrainingInputs(ctx context.Context) ([]schemas.RetrainingEntry, error) {
	return db.retrainingLog(ctx, "kind IN ('"+schemas.RetrainingApproval+"', '"+schemas.RetrainingDenial+"', '"+schemas.RetrainingCallback+"')")
}

// RetrainingLog is everything that was logged of one retraining, oldest first;
// of all of them when the key is empty.
func (db *DB) RetrainingLog(ctx context.Context, key string) ([]schemas.RetrainingEntry, error) {
	return db.retrainingLog(ctx, "{key:String} IN ('', key)", ch.Named("key", key))
}

// RetrainingsOf an incident of a model: what was logged, oldest first.
func (db *DB) RetrainingsOf(ctx context.Context, key schemas.ModelKey, incidentID string) ([]schemas.RetrainingEntry, error) {
	return db.retrainingLog(ctx, "tenant = {tenant:String} AND model = {model:String} AND incident_id = {id:String}", append(named(key), ch.Named("id", incidentID))...)
}

func (db *DB) retrainingLog(ctx context.Context, where string, args ...any) (out []schemas.RetrainingEntry, err error) {
	sql := "SELECT timestamp, tenant, model, incident_id, kind, state, reason, detail, actor, key, run_id, version FROM retraining_log WHERE " + where + " ORDER BY timestamp, tenant, model, incident_id"
	err = db.each(ctx, "read log of retrainings", sql, args, func(rows driver.Rows) error {
		var e schemas.RetrainingEntry
		err := rows.Scan(&e.Time, &e.Tenant, &e.Model, &e.IncidentID, &e.Kind, &e.State, &e.Reason, &e.Detail, &e.Actor, &e.Key, &e.RunID, &e.Version)
		out = append(out, e)
		return err
	})
	return out, err
}

// LastAlarm is the end of the newest window that begins at a time or after it
// and in which one of the features alarmed; zero for none.
func (db *DB) LastAlarm(ctx context.Context, key schemas.ModelKey, features []string, since time.Time) (time.Time, error) {
	var last time.Time
	row := db.conn.QueryRow(ctx, "SELECT max(window_end) FROM signals FINAL WHERE tenant = ? AND model = ? AND state = 'alarm' AND window_start >= ? AND feature IN (?)",
		key.Tenant, key.Model, since, append([]string{"\x00"}, features...)) // never empty
	if err := row.Scan(&last); err != nil {
		return last, fmt.Errorf("read alarms of %s: %w", key.Model, err)
	}
	return unstamped(last), nil
}

// VersionsSince are the versions of a model that had events since a time.
func (db *DB) VersionsSince(ctx context.Context, key schemas.ModelKey, since time.Time) (out []schemas.VersionTraffic, err error) {
	sql := `SELECT version, min(minute), minIf(minute, minute >= {since:DateTime('UTC')}), sumIf(rows, minute >= {since:DateTime('UTC')}) AS n
		FROM feature_sketches_1m WHERE tenant = {tenant:String} AND model = {model:String} GROUP BY version HAVING n > 0 ORDER BY version`
	args := append(named(key), ch.Named("since", since.UTC().Format(time.DateTime)))
	err = db.each(ctx, "read versions of "+key.Model, sql, args, func(rows driver.Rows) error {
		var v schemas.VersionTraffic
		err := rows.Scan(&v.Version, &v.First, &v.FirstSince, &v.Rows)
		out = append(out, v)
		return err
	})
	return out, err
}

// VersionHealth is what the signals say of a version in windows that begin at
// a time or after it.
func (db *DB) VersionHealth(ctx context.Context, key schemas.ModelKey, version string, since time.Time) (h schemas.VersionHealth, err error) {
	row := db.conn.QueryRow(ctx, `SELECT maxIf(window_end, state IN ('ok', 'alarm')), maxIf(window_end, state = 'alarm'), countIf(state = 'ok') FROM signals FINAL
		WHERE tenant = {tenant:String} AND model = {model:String} AND version = {version:String} AND window_start >= {since:DateTime64(3, 'UTC')}`,
		append(named(key), ch.Named("version", version), namedTime("since", since))...)
	if err := row.Scan(&h.Newest, &h.LastAlarm, &h.OK); err != nil {
		return h, fmt.Errorf("read signals of %s version %s: %w", key.Model, version, err)
	}
	h.Newest, h.LastAlarm = unstamped(h.Newest), unstamped(h.LastAlarm)
	return h, nil
}
