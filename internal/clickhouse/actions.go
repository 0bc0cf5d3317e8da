package clickhouse

import (
	"context"
	"fmt"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/driftline/driftline/schemas"
)

// PutAction stores what somebody did about an incident; the same again is
// harmless.
func (db *DB) PutAction(ctx context.Context, a schemas.Action) error {
	return db.insert(ctx, "incident_actions", "", "tenant, model, incident_id, id, timestamp, kind, author, comment, until", func(b driver.Batch) error {
		return b.Append(a.Tenant, a.Model, a.IncidentID, a.ID, a.Time, string(a.Kind), a.Author, a.Comment, a.Until)
	})
}

// Actions since a time, oldest first.
func (db *DB) Actions(ctx context.Context, since time.Time) ([]schemas.Action, error) {
	return db.actionsWhere(ctx, "timestamp >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')", ch.Named("since", fmt.Sprint(since.UnixMilli())))
}

func (db *DB) actionsWhere(ctx context.Context, condition string, args ...any) (out []schemas.Action, err error) {
	rows, err := db.conn.Query(ctx, "SELECT tenant, model, incident_id, id, timestamp, kind, author, comment, until FROM incident_actions FINAL WHERE "+condition+" ORDER BY timestamp, id", args...)
	if err != nil {
		return nil, fmt.Errorf("read actions on incidents: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var a schemas.Action
		var kind string
		if err := rows.Scan(&a.Tenant, &a.Model, &a.IncidentID, &a.ID, &a.Time, &kind, &a.Author, &a.Comment, &a.Until); err != nil {
			return nil, fmt.Errorf("read actions on incidents: %w", err)
		}
		a.Kind = schemas.ActionKind(kind)
		out = append(out, a)
	}
	return out, rows.Err()
}

// JudgedIncidents are those that somebody judged since a time, the last 1000.
func (db *DB) JudgedIncidents(ctx context.Context, since time.Time) ([]schemas.Incident, error) {
	return db.incidentsInOrder(ctx, `id IN (SELECT incident_id FROM incident_actions WHERE kind IN ('confirm', 'wrong_cause', 'false_positive')
		AND timestamp >= fromUnixTimestamp64Milli({since:Int64}, 'UTC'))`, "onset DESC, id LIMIT 1000", ch.Named("since", fmt.Sprint(since.UnixMilli())))
}

// withActions applies to incidents what people did about them: also after they
// were over, when they have no more revisions.
func (db *DB) withActions(ctx context.Context, all []schemas.Incident) error {
	if len(all) == 0 {
		return nil
	}
	at, ids := map[string]*schemas.Incident{}, make([]string, 0, len(all))
	for i := range all {
		at[all[i].ID], ids = &all[i], append(ids, all[i].ID)
	}
	actions, err := db.actionsWhere(ctx, "incident_id IN ({ids:Array(String)})", ch.Named("ids", ids))
	if err != nil {
		return err
	}
	for _, a := range actions {
		at[a.IncidentID].Apply(a)
	}
	return nil
}

// PutAudit stores entries of the audit, all of them or none.
func (db *DB) PutAudit(ctx context.Context, entries ...schemas.AuditEntry) error {
	return db.insert(ctx, "audit_log", "", "chain, seq, timestamp, tenant, actor, action, object, detail, previous, hash", func(b driver.Batch) error {
		for _, e := range entries {
			if err := b.Append(e.Chain, e.Seq, e.Time, e.Tenant, e.Actor, e.Action, e.Object, e.Detail, e.Previous, e.Hash); err != nil {
				return err
			}
		}
		return nil
	})
}

// AuditHeads are the last entries of all chains, by chain.
func (db *DB) AuditHeads(ctx context.Context) ([]schemas.AuditEntry, error) {
	return db.audit(ctx, "(chain, seq) IN (SELECT chain, max(seq) FROM audit_log GROUP BY chain)")
}

// AuditLog is all of it from a time on, chain by chain.
func (db *DB) AuditLog(ctx context.Context, since time.Time) ([]schemas.AuditEntry, error) {
	return db.audit(ctx, "timestamp >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')", ch.Named("since", fmt.Sprint(since.UnixMilli())))
}

func (db *DB) audit(ctx context.Context, condition string, args ...any) (out []schemas.AuditEntry, err error) {
	rows, err := db.conn.Query(ctx, "SELECT chain, seq, timestamp, tenant, actor, action, object, detail, previous, hash FROM audit_log FINAL WHERE "+condition+" ORDER BY chain, seq, hash", args...)
	if err != nil {
		return nil, fmt.Errorf("read audit: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var e schemas.AuditEntry
		if err := rows.Scan(&e.Chain, &e.Seq, &e.Time, &e.Tenant, &e.Actor, &e.Action, &e.Object, &e.Detail, &e.Previous, &e.Hash); err != nil {
			return nil, fmt.Errorf("read audit: %w", err)
		}
		out = append(out, e)
	}
	return out, rows.Err()
}
