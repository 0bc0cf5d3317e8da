package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"

	"github.com/driftline/driftline/schemas/ddl"
)

// Migrate brings the database to the newest schema: migrations that were not
// applied run in order, those that were are checked against what this binary
// knows, and the retention of every table is made what the configuration
// says. Running it again changes nothing. One process migrates at a time.
func (db *DB) Migrate(ctx context.Context, out io.Writer) error {
	steps, err := ddl.Migrations(db.form)
	if err != nil {
		return err
	}
	if err := db.createDatabase(ctx); err != nil {
		return fmt.Errorf("create database %s: %w", db.cfg.Database, err)
	}
	applied, err := db.applied(ctx)
	if err != nil {
		return err
	}
	for _, m := range steps {
		sum, done := applied[m.ID]
		delete(applied, m.ID)
		switch {
		case done && sum != m.Checksum:
			return fmt.Errorf("migration %s was applied with another content (%.12s, this binary has %.12s): an applied migration is never edited; add a new one", m.ID, sum, m.Checksum)
		case done:
			fmt.Fprintf(out, "%s  applied before\n", m.ID)
		default:
			if err := db.apply(ctx, m); err != nil {
				return err
			}
			fmt.Fprintf(out, "%s  applied\n", m.ID)
		}
	}
	for id := range applied {
		return fmt.Errorf("database %s has migration %s, which this binary does not know: it is older than the database", db.cfg.Database, id)
	}
	return db.retention(ctx, out)
}

// createDatabase connects without a database, since there may be none yet.
func (db *DB) createDatabase(ctx context.Context) error {
	conn, err := dial(db.cfg, "")
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.Exec(ctx, "CREATE DATABASE IF NOT EXISTS "+quote(db.cfg.Database)+" "+db.form.OnCluster()); err != nil {
		return err
	}
	return db.conn.Exec(ctx, "CREATE TABLE IF NOT EXISTS schema_migrations (id String, checksum String, applied_at DateTime64(3, 'UTC')) ENGINE = MergeTree ORDER BY id")
}

func (db *DB) applied(ctx context.Context) (map[string]string, error) {
	rows, err := db.conn.Query(ctx, "SELECT id, checksum FROM schema_migrations")
	if err != nil {
		return nil, fmt.Errorf("read applied migrations: %w", err)
	}
	defer func() { _ = rows.Close() }()
	out := map[string]string{}
	for rows.Next() {
		var id, sum string
		if err := rows.Scan(&id, &sum); err != nil {
			return nil, fmt.Errorf("read applied migrations: %w", err)
		}
		out[id] = sum
	}
	return out, rows.Err()
}

// apply runs a migration's statements. Each is idempotent, so a migration that
// was cut off half-way runs again from its start.
func (db *DB) apply(ctx context.Context, m ddl.Migration) error {
	for i, sql := range m.Statements {
		if err := db.conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("migration %s, statement %d: %w", m.ID, i+1, err)
		}
	}
	err := db.conn.Exec(ctx, "INSERT INTO schema_migrations VALUES (?, ?, now64(3))", m.ID, m.Checksum)
	if err != nil {
		return fmt.Errorf("record migration %s: %w", m.ID, err)
	}
	return nil
}

// retention makes the TTL of every table what the configuration says, and
// alters only tables where it is not.
func (db *DB) retention(ctx context.Context, out io.Writer) error {
	for _, t := range []struct {
		table, column string
		keep          time.Duration
	}{
		{"inference_events", "timestamp", db.cfg.Retention.Raw},
		{"labels", "timestamp", db.cfg.Retention.Raw},
		{"telemetry", "timestamp", db.cfg.Retention.Raw},
		{"job_events", "timestamp", db.cfg.Retention.Raw},
		{"feature_sketches_1m", "minute", db.cfg.Retention.Summaries},
		{"outcomes", "timestamp", db.cfg.Retention.Summaries},
		{"detector_states", "window_end", db.cfg.Retention.Summaries},
		{"outcome_stats", "window_end", db.cfg.Retention.Findings},
		{"signals", "window_end", db.cfg.Retention.Findings},
		{"changes", "timestamp", db.cfg.Retention.Findings},
		{"notifications", "timestamp", db.cfg.Retention.Findings},
		{"retrainings", "updated_at", db.cfg.Retention.Findings},
		{"retraining_log", "timestamp", db.cfg.Retention.Findings},
	} {
		var engine string
		row := db.conn.QueryRow(ctx, "SELECT engine_full FROM system.tables WHERE database = ? AND name = ?", db.cfg.Database, db.form.Local(t.table))
		if err := row.Scan(&engine); err != nil {
			return fmt.Errorf("read retention of %s: %w", t.table, err)
		}
		_, has, _ := strings.Cut(engine, " TTL ")
		has, _, _ = strings.Cut(has, " SETTINGS ")
		want, alter := "", "REMOVE TTL"
		if t.keep > 0 {
			want = fmt.Sprintf("toDateTime(%s) + toIntervalSecond(%d)", t.column, int64(t.keep.Seconds()))
			alter = "MODIFY TTL " + want
		}
		if has == want {
			continue
		}
		if err := db.conn.Exec(ctx, "ALTER TABLE "+quote(db.form.Local(t.table))+" "+db.form.OnCluster()+" "+alter); err != nil {
			return fmt.Errorf("set retention of %s: %w", t.table, err)
		}
		fmt.Fprintf(out, "%s  retention %s\n", t.table, t.keep)
	}
	return nil
}

// ErrSchema says that the database is not what this binary needs; waiting does
// not mend it.
var ErrSchema = errors.New("database schema does not fit")

// CheckSchema tells whether all migrations of this binary were applied, and
// none that it does not know.
func (db *DB) CheckSchema(ctx context.Context) error {
	steps, err := ddl.Migrations(db.form)
	if err != nil {
		return err
	}
	applied, err := db.applied(ctx)
	var e *ch.Exception
	if errors.As(err, &e) && (e.Code == 81 || e.Code == 60) { // no such database, no such table
		return fmt.Errorf("%w: database %s was never migrated: run driftline migrate", ErrSchema, db.cfg.Database)
	}
	if err != nil {
		return err
	}
	for _, m := range steps {
		if applied[m.ID] != m.Checksum {
			return fmt.Errorf("%w: database %s lacks migration %s: run driftline migrate", ErrSchema, db.cfg.Database, m.ID)
		}
	}
	if len(applied) > len(steps) {
		return fmt.Errorf("%w: database %s is newer than this binary", ErrSchema, db.cfg.Database)
	}
	return nil
}
