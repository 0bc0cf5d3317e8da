package clickhouse

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/driftline/driftline/schemas"
)

func named(key schemas.ModelKey) []any {
	return []any{ch.Named("tenant", key.Tenant), ch.Named("model", key.Model)}
}

// within is the condition that a column of times lies in one of some spans.
func within(column string, spans []schemas.Span) string {
	var b strings.Builder
	for i, s := range spans {
		if i > 0 {
			b.WriteString(" OR ")
		}
		fmt.Fprintf(&b, "%s >= toDateTime(%d, 'UTC') AND %s < toDateTime(%d, 'UTC')", column, s.Start.Unix(), column, s.End.Unix())
	}
	return "(" + b.String() + ")"
}

// PutFeatureSchema stores entries of feature schemas; repeating it is harmless.
func (db *DB) PutFeatureSchema(ctx context.Context, entries []schemas.SchemaEntry) error {
	return db.insert(ctx, "model_schemas", "", "tenant, model, version, kind, position, name", func(b driver.Batch) error {
		for _, e := range entries {
			if err := b.Append(e.Tenant, e.Model, e.Version, string(e.Kind), uint16(e.Position), e.Name); err != nil {
				return err
			}
		}
		return nil
	})
}

// PutSignals stores the signals of an evaluation; a newer evaluation of the
// same window replaces them.
func (db *DB) PutSignals(ctx context.Context, signals []schemas.Signal) error {
	if len(signals) == 0 {
		return nil
	}
	columns := "tenant, model, version, segment, feature, detector, window_start, window_end, score, unit, threshold, p_value, minimal_effect, n_reference, n_window, reference, importance, strongest_segment, segment_share, state, reason, evaluated_at"
	return db.insert(ctx, "signals", "", columns, func(b driver.Batch) error {
		for _, s := range signals {
			err := b.Append(s.Tenant, s.Model, s.Version, s.Segment, s.Feature, s.Detector, s.WindowStart, s.WindowEnd, s.Score, s.Unit,
				s.Threshold, s.PValue, s.MinimalEffect, s.NReference, s.NWindow, s.Reference,
				s.Importance, s.StrongestSegment, s.SegmentShare, string(s.State), s.Reason, s.EvaluatedAt)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// PutIncident stores a revision; the highest one is what readers see.
func (db *DB) PutIncident(ctx context.Context, i schemas.Incident) error {
	signals, err := json.Marshal(i.Signals)
	if err != nil {
		return fmt.Errorf("encode incident %s: %w", i.ID, err)
	}
	diagnosis := ""
	if i.Diagnosis != nil {
		b, err := json.Marshal(i.Diagnosis)
		if err != nil {
			return fmt.Errorf("encode diagnosis of incident %s: %w", i.ID, err)
		}
		diagnosis = string(b)
	}
	columns := "tenant, model, id, revision, state, severity, title, summary, onset, opened_at, updated_at, resolved_at, versions, features, signals, diagnosis, merged_into"
	return db.insert(ctx, "incidents", "", columns, func(b driver.Batch) error {
		return b.Append(i.Tenant, i.Model, i.ID, i.Revision, string(i.State), string(i.Severity), i.Title, i.Summary,
			i.Onset, i.OpenedAt, i.UpdatedAt, i.ResolvedAt, i.Versions, i.Features, string(signals), diagnosis, i.MergedInto)
	})
}

// Incidents of a state, oldest onset first; all states when it is empty. Those
// that somebody is at are open too.
func (db *DB) Incidents(ctx context.Context, state schemas.IncidentState) ([]schemas.Incident, error) {
	if state == schemas.IncidentOpen {
		return db.incidentsWhere(ctx, `state != 'resolved'`)
	}
	return db.incidentsWhere(ctx, `{state:String} IN ('', state)`, ch.Named("state", string(state)))
}

// MergedInto are the incidents of a tenant that another one stands for, oldest
// onset first.
func (db *DB) MergedInto(ctx context.Context, tenant, id string) ([]schemas.Incident, error) {
	return db.incidentsWhere(ctx, "tenant = {tenant:String} AND merged_into = {id:String}", ch.Named("tenant", tenant), ch.Named("id", id))
}

// LatelyOver are the incidents that were resolved since a time, oldest onset
// first.
func (db *DB) LatelyOver(ctx context.Context, since time.Time) ([]schemas.Incident, error) {
	return db.incidentsWhere(ctx, "state = 'resolved' AND resolved_at >= {since:DateTime('UTC')}", ch.Named("since", since.UTC().Format(time.DateTime)))
}

// Incident of a model by its id, nil when there is none.
func (db *DB) Incident(ctx context.Context, key schemas.ModelKey, id string) (*schemas.Incident, error) {
	found, err := db.incidentsWhere(ctx, "tenant = {tenant:String} AND model = {model:String} AND id = {id:String}", append(named(key), ch.Named("id", id))...)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// incidentsWhere reads the newest revisions for which a condition holds, oldest
// onset first.
func (db *DB) incidentsWhere(ctx context.Context, condition string, args ...any) ([]schemas.Incident, error) {
	return db.incidentsInOrder(ctx, condition, "onset, id", args...)
}

func (db *DB) incidentsInOrder(ctx context.Context, condition, order string, args ...any) ([]schemas.Incident, error) {
	rows, err := db.conn.Query(ctx, `SELECT tenant, model, id, revision, state, severity, title, summary, onset, opened_at, updated_at, resolved_at, versions, features, signals, diagnosis, merged_into
		FROM incidents FINAL WHERE `+condition+` ORDER BY `+order, args...)
	if err != nil {
		return nil, fmt.Errorf("read incidents: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []schemas.Incident
	for rows.Next() {
		var i schemas.Incident
		var state, severity, signals, diagnosis string
		err := rows.Scan(&i.Tenant, &i.Model, &i.ID, &i.Revision, &state, &severity, &i.Title, &i.Summary,
			&i.Onset, &i.OpenedAt, &i.UpdatedAt, &i.ResolvedAt, &i.Versions, &i.Features, &signals, &diagnosis, &i.MergedInto)
		if err == nil {
			err = json.Unmarshal([]byte(signals), &i.Signals)
		}
		if err == nil && diagnosis != "" {
			err = json.Unmarshal([]byte(diagnosis), &i.Diagnosis)
		}
		if err != nil {
			return nil, fmt.Errorf("read incidents: %w", err)
		}
		i.State, i.Severity = schemas.IncidentState(state), schemas.Severity(severity)
		out = append(out, i)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read incidents: %w", err)
	}
	return out, db.withActions(ctx, out)
}
