package clickhouse

import (
	"context"
	"fmt"
	"strings"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/driftline/driftline/schemas"
)

// where collects conditions with their values, which are never part of the text.
type where struct {
	conditions []string
	args       []any
}

// is adds a condition on a column, unless the value is empty.
func (w *where) is(column, value string) {
	if value != "" {
		w.add(fmt.Sprintf("%s = {%s:String}", column, column), ch.Named(column, value))
	}
}

// during adds a half-open time from..to; a zero time leaves that side open.
func (w *where) during(column string, from, to time.Time) {
	if !from.IsZero() {
		w.add(column+" >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')", ch.Named("from", fmt.Sprint(from.UnixMilli())))
	}
	if !to.IsZero() {
		w.add(column+" < fromUnixTimestamp64Milli({to:Int64}, 'UTC')", ch.Named("to", fmt.Sprint(to.UnixMilli())))
	}
}

func (w *where) add(condition string, args ...any) {
	w.conditions, w.args = append(w.conditions, condition), append(w.args, args...)
}

func (w *where) String() string {
	if len(w.conditions) == 0 {
		return "1"
	}
	return strings.Join(w.conditions, " AND ")
}

// SignalFilter says which signals are wanted. Empty fields do not matter.
type SignalFilter struct {
	Tenant, Model, Version, Segment, Feature, Detector string

	State    schemas.State
	From, To time.Time // of the windows' ends
	After    *schemas.Signal
	Limit    int // at least 1
}

// signalOrder is total: newest windows first.
const signalOrder = "tenant, model, feature, detector, version, segment, window_start"

// FindSignals are those of a filter, newest windows first. After is the last one
// of the page before.
func (db *DB) FindSignals(ctx context.Context, f SignalFilter) (out []schemas.Signal, err error) {
	var w where
	w.is("tenant", f.Tenant)
	w.is("model", f.Model)
	w.is("version", f.Version)
	w.is("segment", f.Segment)
	w.is("feature", f.Feature)
	w.is("detector", f.Detector)
	w.is("state", string(f.State))
	w.during("window_end", f.From, f.To)
	if a := f.After; a != nil {
		end := fmt.Sprint(a.WindowEnd.UnixMilli())
		w.add(`(window_end < fromUnixTimestamp64Milli({after_end:Int64}, 'UTC') OR window_end = fromUnixTimestamp64Milli({after_end:Int64}, 'UTC')
			AND (`+signalOrder+`) > ({after_tenant:String}, {after_model:String}, {after_feature:String}, {after_detector:String}, {after_version:String}, {after_segment:String}, fromUnixTimestamp64Milli({after_start:Int64}, 'UTC')))`,
			ch.Named("after_end", end), ch.Named("after_tenant", a.Tenant), ch.Named("after_model", a.Model), ch.Named("after_feature", a.Feature),
			ch.Named("after_detector", a.Detector), ch.Named("after_version", a.Version), ch.Named("after_segment", a.Segment), ch.Named("after_start", fmt.Sprint(a.WindowStart.UnixMilli())))
	}
	return db.signalsWhere(ctx, w.String()+" ORDER BY window_end DESC, "+signalOrder+fmt.Sprintf(" LIMIT %d", f.Limit), w.args...)
}

// NewestSignals are the newest of each series of a model in a time.
func (db *DB) NewestSignals(ctx context.Context, key schemas.ModelKey, from, to time.Time, limit int) ([]schemas.Signal, error) {
	var w where
	w.is("tenant", key.Tenant)
	w.is("model", key.Model)
	w.during("window_end", from, to)
	return db.signalsWhere(ctx, w.String()+fmt.Sprintf(" ORDER BY feature, detector, version, segment, window_end DESC LIMIT 1 BY feature, detector, version, segment LIMIT %d", limit), w.args...)
}

func (db *DB) signalsWhere(ctx context.Context, condition string, args ...any) (out []schemas.Signal, err error) {
	err = db.each(ctx, "read signals", `SELECT tenant, model, version, segment, feature, detector, window_start, window_end, score, unit, threshold, p_value, minimal_effect,
		n_reference, n_window, reference, importance, strongest_segment, segment_share, state, reason, evaluated_at FROM signals FINAL WHERE `+condition, args, func(rows driver.Rows) error {
		var s schemas.Signal
		var state string
		if err := rows.Scan(&s.Tenant, &s.Model, &s.Version, &s.Segment, &s.Feature, &s.Detector, &s.WindowStart, &s.WindowEnd, &s.Score, &s.Unit, &s.Threshold, &s.PValue, &s.MinimalEffect,
			&s.NReference, &s.NWindow, &s.Reference, &s.Importance, &s.StrongestSegment, &s.SegmentShare, &state, &s.Reason, &s.EvaluatedAt); err != nil {
			return err
		}
		s.State = schemas.State(state)
		out = append(out, s)
		return nil
	})
	return out, err
}

// IncidentFilter says which incidents are wanted. Empty fields do not matter.
type IncidentFilter struct {
	Tenant, Model string
	States        []schemas.IncidentState
	From, To      time.Time // of the onset
	After         *schemas.Incident
	Limit         int
}

// FindIncidents are those of a filter, newest onset first. After is the last one
// of the page before.
func (db *DB) FindIncidents(ctx context.Context, f IncidentFilter) ([]schemas.Incident, error) {
	var w where
	w.is("tenant", f.Tenant)
	w.is("model", f.Model)
	w.during("onset", f.From, f.To)
	if len(f.States) > 0 {
		states := make([]string, len(f.States))
		for i, s := range f.States {
			states[i] = string(s)
		}
		w.add("state IN ({states:Array(String)})", ch.Named("states", states))
	}
	if a := f.After; a != nil {
		w.add("(onset < fromUnixTimestamp64Milli({after:Int64}, 'UTC') OR onset = fromUnixTimestamp64Milli({after:Int64}, 'UTC') AND id > {after_id:String})",
			ch.Named("after", fmt.Sprint(a.Onset.UnixMilli())), ch.Named("after_id", a.ID))
	}
	return db.incidentsInOrder(ctx, w.String(), fmt.Sprintf("onset DESC, id LIMIT %d", f.Limit), w.args...)
}

// FindIncident by its id among those of a tenant, of all where it is empty; nil
// for none.
func (db *DB) FindIncident(ctx context.Context, tenant, id string) (*schemas.Incident, error) {
	var w where
	w.is("tenant", tenant)
	w.add("id = {id:String}", ch.Named("id", id))
	found, err := db.incidentsWhere(ctx, w.String(), w.args...)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// Notifications are the journal of an incident, oldest first.
func (db *DB) Notifications(ctx context.Context, incidentID string) (out []schemas.Notification, err error) {
	err = db.each(ctx, "read journal", `SELECT tenant, timestamp, incident_id, revision, receiver, kind, action, key, attempt, status, http_status, duration_ms, error
		FROM notifications WHERE incident_id = {id:String} ORDER BY timestamp, receiver, revision, attempt LIMIT 10000`, []any{ch.Named("id", incidentID)}, func(rows driver.Rows) error {
		var n schemas.Notification
		var status string
		var code int32
		if err := rows.Scan(&n.Tenant, &n.Time, &n.IncidentID, &n.Revision, &n.Receiver, &n.Kind, &n.Action, &n.Key, &n.Attempt, &status, &code, &n.DurationMS, &n.Error); err != nil {
			return err
		}
		n.Status, n.HTTPStatus = schemas.NotificationStatus(status), int(code)
		out = append(out, n)
		return nil
	})
	return out, err
}

// ModelActivity is what one model has been asked and found lately.
type ModelActivity struct {
	Tenant     string    `json:"tenant"`
	Model      string    `json:"model"`
	Events     uint64    `json:"events"`      // inference events in the time asked about
	LastEvent  time.Time `json:"last_event"`  // to the minute
	Versions   []string  `json:"versions"`    // that answered, ascending
	Windows    uint64    `json:"windows"`     // judged in that time
	Alarmed    uint64    `json:"alarmed"`     // of them, with at least one alarm
	LastWindow time.Time `json:"last_window"` // end of the newest one judged; the zero time for none
}

// Activity of all models of a tenant (empty: of all tenants) since a time.
func (db *DB) Activity(ctx context.Context, tenant string, since time.Time) (out []ModelActivity, err error) {
	args := []any{ch.Named("tenant", tenant), ch.Named("since", fmt.Sprint(since.Unix()))}
	err = db.each(ctx, "read activity of models", `SELECT e.tenant, e.model, e.events, e.last, e.versions, w.windows, w.alarmed, w.newest
		FROM (
			SELECT tenant, model, sum(rows) AS events, max(minute) AS last, arraySort(groupUniqArray(100)(toString(version))) AS versions
			FROM feature_sketches_1m WHERE {tenant:String} IN ('', tenant) AND minute >= toDateTime({since:Int64}, 'UTC') GROUP BY tenant, model
		) AS e LEFT JOIN (
			SELECT tenant, model, uniqExact(window_end) AS windows, uniqExactIf(window_end, state = 'alarm') AS alarmed, max(window_end) AS newest
			FROM signals FINAL WHERE {tenant:String} IN ('', tenant) AND window_end >= toDateTime({since:Int64}, 'UTC') GROUP BY tenant, model
		) AS w ON e.tenant = w.tenant AND e.model = w.model
		ORDER BY e.tenant, e.model LIMIT 10000`, args, func(rows driver.Rows) error {
		var m ModelActivity
		if err := rows.Scan(&m.Tenant, &m.Model, &m.Events, &m.LastEvent, &m.Versions, &m.Windows, &m.Alarmed, &m.LastWindow); err != nil {
			return err
		}
		out = append(out, m)
		return nil
	})
	return out, err
}

// Outcomes of a model's windows in a time, newest first.
func (db *DB) Outcomes(ctx context.Context, key schemas.ModelKey, metric string, from, to time.Time, limit int) (out []schemas.OutcomeStats, err error) {
	var w where
	w.is("tenant", key.Tenant)
	w.is("model", key.Model)
	w.is("metric", metric)
	w.during("window_end", from, to)
	err = db.each(ctx, "read outcomes", `SELECT tenant, model, version, segment, metric, window_start, window_end, predictions, labelled, one_of, realised, realised_se, estimated, estimated_se, deficit, final, evaluated_at
		FROM outcome_stats FINAL WHERE `+w.String()+fmt.Sprintf(" ORDER BY window_end DESC, metric, version, segment LIMIT %d", limit), w.args, func(rows driver.Rows) error {
		var s schemas.OutcomeStats
		if err := rows.Scan(&s.Tenant, &s.Model, &s.Version, &s.Segment, &s.Metric, &s.WindowStart, &s.WindowEnd, &s.Predictions, &s.Labelled, &s.OneOf,
			&s.Realised, &s.RealisedSE, &s.Estimated, &s.EstimatedSE, &s.Deficit, &s.Final, &s.EvaluatedAt); err != nil {
			return err
		}
		out = append(out, s)
		return nil
	})
	return out, err
}

// Changes of a tenant in a time, newest first; an empty tenant stands for all.
func (db *DB) Changes(ctx context.Context, tenant, model string, from, to time.Time, limit int) (out []schemas.Change, err error) {
	var w where
	w.is("tenant", tenant)
	w.is("model", model)
	w.during("timestamp", from, to)
	err = db.each(ctx, "read changes", "SELECT tenant, id, timestamp, kind, entity, model, `from`, `to`, author, description FROM changes WHERE "+w.String()+
		fmt.Sprintf(" ORDER BY timestamp DESC, id LIMIT %d", limit), w.args, func(rows driver.Rows) error {
		var c schemas.Change
		var kind string
		if err := rows.Scan(&c.Tenant, &c.ID, &c.Time, &kind, &c.Entity, &c.Model, &c.From, &c.To, &c.Author, &c.Description); err != nil {
			return err
		}
		c.Kind = schemas.ChangeKind(kind)
		out = append(out, c)
		return nil
	})
	return out, err
}

// Source is what came of one kind of record in the time asked about.
type Source struct {
	Kind   string    `json:"kind"` // events, labels, telemetry, jobs or changes
	Topic  string    `json:"topic"`
	Rows   uint64    `json:"rows"`
	Newest time.Time `json:"newest"` // event time
}

// sourceTables are the tables of records by kind.
var sourceTables = [][2]string{{"events", "inference_events"}, {"labels", "labels"}, {"telemetry", "telemetry"}, {"jobs", "job_events"}, {"changes", "changes"}}

// Sources are what came by kind and topic since a time.
func (db *DB) Sources(ctx context.Context, tenant string, since time.Time) (out []Source, err error) {
	for _, t := range sourceTables {
		var w where
		w.is("tenant", tenant)
		w.during("timestamp", since, time.Time{})
		err := db.each(ctx, "read sources", "SELECT _topic, count(), max(timestamp) FROM "+t[1]+" WHERE "+w.String()+" GROUP BY _topic ORDER BY _topic", w.args, func(rows driver.Rows) error {
			s := Source{Kind: t[0]}
			if err := rows.Scan(&s.Topic, &s.Rows, &s.Newest); err != nil {
				return err
			}
			out = append(out, s)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// StoredReference is what there is of a reference, without its distributions.
type StoredReference struct {
	Tenant    string    `json:"tenant"`
	Model     string    `json:"model"`
	Name      string    `json:"name"`
	Version   string    `json:"version"`
	Source    string    `json:"source"`
	CreatedAt time.Time `json:"created_at"`
	Rows      uint64    `json:"rows"`
}

// References that are stored, newest first.
func (db *DB) References(ctx context.Context, tenant, model string, limit int) (out []StoredReference, err error) {
	var w where
	w.is("tenant", tenant)
	w.is("model", model)
	err = db.each(ctx, "read references", "SELECT tenant, model, name, version, source, created_at, rows FROM `references` FINAL WHERE "+w.String()+
		fmt.Sprintf(" ORDER BY created_at DESC, model, name LIMIT %d", limit), w.args, func(rows driver.Rows) error {
		var r StoredReference
		if err := rows.Scan(&r.Tenant, &r.Model, &r.Name, &r.Version, &r.Source, &r.CreatedAt, &r.Rows); err != nil {
			return err
		}
		out = append(out, r)
		return nil
	})
	return out, err
}
