package clickhouse

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/driftline/driftline/schemas"
)

// PutReference stores a reference once: the same name, version and calibration
// again changes nothing. Another calibration replaces the stored one.
func (db *DB) PutReference(ctx context.Context, r *schemas.Reference) error {
	calibration, err := encodeCalibration(r)
	if err != nil {
		return err
	}
	stored, err := db.storedCalibrations(ctx, r)
	if err != nil {
		return fmt.Errorf("look up reference %s of %s: %w", r.ID(), r.Model, err)
	}
	if slices.Contains(stored, calibration) {
		return nil
	}
	features, err := json.Marshal(r.Features)
	if err != nil {
		return fmt.Errorf("encode reference %s of %s: %w", r.ID(), r.Model, err)
	}
	spans := ""
	if len(r.Spans) > 0 {
		b, err := json.Marshal(r.Spans)
		if err != nil {
			return fmt.Errorf("encode spans of reference %s of %s: %w", r.ID(), r.Model, err)
		}
		spans = string(b)
	}
	columns := "tenant, model, name, version, kind, model_version, spans, source, created_at, rows, features, calibration"
	return db.insert(ctx, "references", "", columns, func(b driver.Batch) error {
		return b.Append(r.Tenant, r.Model, r.Name, r.Version, r.Kind, r.ModelVersion, spans, r.Source, r.CreatedAt, r.Rows, string(features), calibration)
	})
}

// Reference that was stored under a name and version; nil when there is none.
// One that served a single window has no features.
func (db *DB) Reference(ctx context.Context, key schemas.ModelKey, name, version string) (*schemas.Reference, error) {
	rows, err := db.conn.Query(ctx, "SELECT kind, model_version, spans, source, created_at, rows, features, calibration FROM `references` FINAL WHERE tenant = {tenant:String} AND model = {model:String} AND name = {name:String} AND version = {version:String}",
		append(named(key), ch.Named("name", name), ch.Named("version", version))...)
	if err != nil {
		return nil, fmt.Errorf("read reference %s@%s of %s: %w", name, version, key.Model, err)
	}
	defer func() { _ = rows.Close() }()
	var out *schemas.Reference
	for rows.Next() {
		r := &schemas.Reference{ModelKey: key, Name: name, Version: version}
		var spans, features, calibration string
		err := rows.Scan(&r.Kind, &r.ModelVersion, &spans, &r.Source, &r.CreatedAt, &r.Rows, &features, &calibration)
		for _, f := range []struct {
			text string
			into any
		}{{spans, &r.Spans}, {features, &r.Features}, {calibration, &r.Calibration}} {
			if err == nil && f.text != "" {
				err = json.Unmarshal([]byte(f.text), f.into)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("read reference %s@%s of %s: %w", name, version, key.Model, err)
		}
		out = r
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read reference %s@%s of %s: %w", name, version, key.Model, err)
	}
	return out, nil
}

// judgedWithin is how far back LastJudged looks by the clock.
const judgedWithin = 40 * day

// LastJudged is the end of the newest window of every model that signals are
// stored of, silent failures apart.
func (db *DB) LastJudged(ctx context.Context) (map[schemas.ModelKey]time.Time, error) {
	rows, err := db.conn.Query(ctx, "SELECT tenant, model, max(window_end) FROM signals WHERE window_start >= {since:DateTime('UTC')} AND NOT startsWith(detector, {silent:String}) GROUP BY tenant, model",
		ch.Named("since", time.Now().Add(-judgedWithin).UTC().Format(time.DateTime)), ch.Named("silent", schemas.SilentPrefix))
	if err != nil {
		return nil, fmt.Errorf("read the newest windows judged: %w", err)
	}
	defer func() { _ = rows.Close() }()
	out := map[schemas.ModelKey]time.Time{}
	for rows.Next() {
		var key schemas.ModelKey
		var at time.Time
		if err := rows.Scan(&key.Tenant, &key.Model, &at); err != nil {
			return nil, fmt.Errorf("read the newest windows judged: %w", err)
		}
		out[key] = at.UTC()
	}
	return out, rows.Err()
}

// stillOpen ends the span of an incident that is not over.
var stillOpen = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)

// IncidentSpans are the times of a model's incidents that were not over at since,
// from onset to end, ascending and in whole minutes; those of open ones end in the
// far future. What somebody judged a false positive was no incident.
func (db *DB) IncidentSpans(ctx context.Context, key schemas.ModelKey, since time.Time) ([]schemas.Span, error) {
	rows, err := db.conn.Query(ctx, `SELECT id, onset, resolved_at FROM incidents FINAL WHERE tenant = {tenant:String} AND model = {model:String}
		AND (resolved_at IS NULL OR resolved_at > {since:DateTime('UTC')}) ORDER BY onset, id`, append(named(key), ch.Named("since", since.UTC().Format(time.DateTime)))...)
	if err != nil {
		return nil, fmt.Errorf("read times of incidents of %s: %w", key.Model, err)
	}
	defer func() { _ = rows.Close() }()
	var all []schemas.Incident
	for rows.Next() {
		var i schemas.Incident
		if err := rows.Scan(&i.ID, &i.Onset, &i.ResolvedAt); err != nil {
			return nil, fmt.Errorf("read times of incidents of %s: %w", key.Model, err)
		}
		all = append(all, i)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read times of incidents of %s: %w", key.Model, err)
	}
	if err := db.withActions(ctx, all); err != nil {
		return nil, err
	}
	var out []schemas.Span
	for i := range all {
		if all[i].FalsePositive() {
			continue
		}
		span := schemas.Span{Start: all[i].Onset.UTC().Truncate(time.Minute), End: stillOpen}
		if r := all[i].ResolvedAt; r != nil {
			span.End = r.UTC().Add(time.Minute - time.Nanosecond).Truncate(time.Minute)
		}
		out = append(out, span)
	}
	return out, nil
}

// storedCalibrations of a reference; none when it is not stored.
func (db *DB) storedCalibrations(ctx context.Context, r *schemas.Reference) (out []string, err error) {
	rows, err := db.conn.Query(ctx, "SELECT calibration FROM `references` FINAL WHERE tenant = {tenant:String} AND model = {model:String} AND name = {name:String} AND version = {version:String}",
		append(named(r.ModelKey), ch.Named("name", r.Name), ch.Named("version", r.Version))...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var c string
		if err := rows.Scan(&c); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

func encodeCalibration(r *schemas.Reference) (string, error) {
	if r.Calibration == nil {
		return "", nil
	}
	b, err := json.Marshal(r.Calibration)
	if err != nil {
		return "", fmt.Errorf("encode calibration of reference %s of %s: %w", r.ID(), r.Model, err)
	}
	return string(b), nil
}
