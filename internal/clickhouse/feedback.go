package clickhouse

import (
	"context"
	"fmt"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/driftline/driftline/schemas"
)

// labelSkew is how long before its prediction the time of a label may lie:
// clocks differ.
const labelSkew = time.Hour

// spill lets a question about many rows use the server's disk beyond some
// memory.
var spill = ch.Settings{
	"join_algorithm": "grace_hash", "max_bytes_in_join": 512 << 20,
	"max_bytes_before_external_sort": 512 << 20, "max_bytes_before_external_group_by": 512 << 20,
}

func feedbackArgs(key schemas.ModelKey, span schemas.Span) []any {
	return append(named(key), namedTime("from", span.Start), namedTime("to", span.End), namedTime("labels_from", span.Start.Add(-labelSkew)))
}

const (
	eventsOfSpan = ` tenant = {tenant:String} AND model = {model:String} AND timestamp >= {from:DateTime64(3, 'UTC')} AND timestamp < {to:DateTime64(3, 'UTC')}`
	labelsOfSpan = ` tenant = {tenant:String} AND model = {model:String} AND timestamp >= {labels_from:DateTime64(3, 'UTC')}`
)

// CountLabelled counts the request ids of a span that have a label.
func (db *DB) CountLabelled(ctx context.Context, key schemas.ModelKey, span schemas.Span) (n uint64, err error) {
	sql := `SELECT uniqExact(request_id) FROM inference_events WHERE` + eventsOfSpan + ` AND request_id IN (SELECT request_id FROM labels WHERE` + labelsOfSpan + ` AND request_id != '')
		SETTINGS distributed_product_mode = 'global'`
	if err := db.conn.QueryRow(ctx, sql, feedbackArgs(key, span)...).Scan(&n); err != nil {
		return 0, fmt.Errorf("count labelled rows of %s: %w", key.Model, err)
	}
	return n, nil
}

// FeatureSchemas of the versions of a model that have events in a span,
// ascending by version.
func (db *DB) FeatureSchemas(ctx context.Context, key schemas.ModelKey, span schemas.Span) ([]*schemas.FeatureSchema, error) {
	var out []*schemas.FeatureSchema
	by := map[string]*schemas.FeatureSchema{}
	err := db.each(ctx, "read versions of "+key.Model, "SELECT DISTINCT version FROM inference_events WHERE"+eventsOfSpan+" ORDER BY version", feedbackArgs(key, span), func(rows driver.Rows) error {
		var version string
		err := rows.Scan(&version)
		by[version] = schemas.NewFeatureSchema(schemas.SchemaKey{Tenant: key.Tenant, Model: key.Model, Version: version})
		out = append(out, by[version])
		return err
	})
	if err != nil {
		return nil, err
	}
	names, err := db.featureNames(ctx, key)
	if err != nil {
		return nil, err
	}
	for k, name := range names {
		if s := by[k.version]; s != nil {
			list := &s.Numeric
			if k.kind == schemas.Categorical {
				list = &s.Categorical
			}
			for len(*list) <= k.position {
				*list = append(*list, "")
			}
			(*list)[k.position] = name
		}
	}
	return out, nil
}

// EachLabelled streams the events of a span that have a label, one of each
// request id, ascending by time and request id, the first limit ones. The
// newest label of a request id counts.
func (db *DB) EachLabelled(ctx context.Context, key schemas.ModelKey, span schemas.Span, limit uint64, do func(*schemas.LabelledEvent) error) error {
	sql := `SELECT e.timestamp AS at, e.request_id AS id, e.version, e.segment, e.num, e.cat, l.said.1, l.said.2, l.labelled_at
		FROM (SELECT timestamp, request_id, version, segment, num, cat, _topic, _partition, _offset FROM inference_events WHERE` + eventsOfSpan + ` AND request_id != '') AS e
		GLOBAL INNER JOIN (
			SELECT request_id, argMax((label, value), (timestamp, _topic, _partition, _offset)) AS said, max(timestamp) AS labelled_at
			FROM labels WHERE` + labelsOfSpan + ` AND request_id != '' GROUP BY request_id
		) AS l ON e.request_id = l.request_id
		ORDER BY at, id, e._topic, e._partition, e._offset
		LIMIT 1 BY id LIMIT {limit:UInt64}`
	args := append(feedbackArgs(key, span), ch.Named("limit", fmt.Sprint(limit)))
	var e schemas.LabelledEvent
	return db.each(ch.Context(ctx, ch.WithSettings(spill)), "read labelled rows of "+key.Model, sql, args, func(rows driver.Rows) error {
		e = schemas.LabelledEvent{}
		if err := rows.Scan(&e.Time, &e.RequestID, &e.Version, &e.Segment, &e.Numeric, &e.Categorical, &e.Label, &e.Value, &e.LabelledAt); err != nil {
			return err
		}
		return do(&e)
	})
}
