package query

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// Presets of events.
const (
	presetDeploys   = "deploys"
	presetChanges   = "changes"
	presetRetrains  = "retrains"
	presetIncidents = "incidents"
	presetOnsets    = "drift_onsets"
	presetJobs      = "jobs"
)

var eventsKind = Kind{
	Name: "events", Title: "Events", Description: "What happened, for annotations and tables: deploys, other changes, retrainings, incidents as regions, first windows that alarmed, failed jobs.",
	Needs: []string{"models", "presets"}, Presets: []string{presetDeploys, presetChanges, presetRetrains, presetIncidents, presetOnsets, presetJobs}, limit: 500, sibling: "pipeline",
	ask: func(q *question) (data.Frames, error) {
		wanted := q.Presets
		if len(wanted) == 0 {
			wanted = []string{presetDeploys, presetChanges, presetRetrains, presetIncidents, presetOnsets}
		}
		w := &where{}
		condition := func(time string, columns ...string) string {
			part := &where{args: w.args}
			if time != "" {
				part.during(time, q.From, q.To)
			}
			part.in("model", q.Models)
			q.filters(part, columns...)
			w.args = part.args
			return part.String()
		}
		var parts []string
		if slices.Contains(wanted, presetDeploys) || slices.Contains(wanted, presetChanges) {
			c := condition("timestamp", "tenant", "model")
			switch {
			case !slices.Contains(wanted, presetChanges):
				c += " AND kind = 'deploy'"
			case !slices.Contains(wanted, presetDeploys):
				c += " AND kind != 'deploy'"
			}
			parts = append(parts, "SELECT timestamp AS time, CAST(NULL AS Nullable(DateTime64(3, 'UTC'))) AS timeEnd, concat(kind, ' ', if(model != '', model, entity), if(`to` != '', concat(' ', `to`), '')) AS title, "+
				"concat(if(`from` != '', concat(`from`, ' → ', `to`, '. '), ''), description, if(author != '', concat(' (', author, ')'), '')) AS text, concat(kind, ',', model) AS tags, id, if(kind = 'deploy', 'blue', 'orange') AS color FROM changes WHERE "+c)
		}
		if slices.Contains(wanted, presetRetrains) {
			parts = append(parts, "SELECT timestamp AS time, NULL AS timeEnd, concat('retraining ', state, ' ', model) AS title, detail AS text, concat('retrain,', state, ',', model) AS tags, concat(incident_id, '/', state) AS id, 'purple' AS color FROM retraining_log WHERE "+
				condition("timestamp", "tenant", "model"))
		}
		if slices.Contains(wanted, presetIncidents) {
			// Those that overlap the time, as regions.
			c := condition("", "tenant", "model")
			c += " AND onset < " + w.time(q.To) + " AND (resolved_at IS NULL OR resolved_at >= " + w.time(q.From) + ")"
			parts = append(parts, "SELECT greatest(onset, "+w.time(q.From)+") AS time, CAST(if(resolved_at IS NULL, "+w.time(q.To)+", resolved_at) AS Nullable(DateTime64(3, 'UTC'))) AS timeEnd, title, summary AS text, concat('incident,', severity, ',', model) AS tags, id, "+
				"if(severity IN ('critical', 'error'), 'red', 'orange') AS color FROM incidents FINAL WHERE "+c)
		}
		if slices.Contains(wanted, presetOnsets) {
			s := &where{args: w.args}
			s.during("window_end", q.From, q.To)
			s.during("window_start", q.From.Add(-longestWindow), q.To)
			s.in("model", q.Models)
			s.in("feature", q.Features)
			q.filters(s, "tenant", "model", "version", "segment", "feature", "detector")
			w.args = s.args
			// A series begins to alarm where the window before it did not.
			parts = append(parts, "SELECT window_start AS time, NULL AS timeEnd, concat('drift begins: ', model, ' ', feature, ' (', detector, ')') AS title, reason AS text, concat('drift,', model, ',', feature) AS tags, concat(feature, '/', detector) AS id, 'red' AS color FROM ("+
				"SELECT *, lagInFrame(toString(state), 1, 'ok') OVER (PARTITION BY tenant, model, version, segment, feature, detector ORDER BY window_end ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS before FROM signals FINAL WHERE "+s.String()+" AND segment = ''"+
				") WHERE state = 'alarm' AND before != 'alarm'")
		}
		if slices.Contains(wanted, presetJobs) {
			parts = append(parts, "SELECT timestamp AS time, NULL AS timeEnd, concat('job ', job, ' ', state) AS title, error AS text, concat('job,', state, ',', model) AS tags, run_id AS id, 'red' AS color FROM job_events WHERE state NOT IN ('started', 'running', 'heartbeat', 'succeeded') AND "+
				condition("timestamp", "tenant", "model"))
		}
		for i := range parts {
			parts[i] = "SELECT toDateTime64(time, 3, 'UTC') AS time, CAST(timeEnd AS Nullable(DateTime64(3, 'UTC'))) AS timeEnd, toString(title) AS title, toString(text) AS text, toString(tags) AS tags, toString(id) AS id, toString(color) AS color FROM (" + parts[i] + ")"
		}
		frame, err := q.table("", fmt.Sprintf("SELECT * FROM (%s) ORDER BY time, title LIMIT %d", strings.Join(parts, "\nUNION ALL\n"), q.Limit), w.args)
		if err != nil {
			return nil, err
		}
		if len(frame.Fields) > 0 && frame.Rows() == q.Limit {
			q.notice(data.NoticeSeverityInfo, "only the first %d events are shown; choose a shorter time", q.Limit)
		}
		return data.Frames{frame}, nil
	},
}

var logsKind = Kind{
	Name: "logs", Title: "Decisions", Description: "What Driftline decided and did, newest first: retrainings and why not, what receivers were told, what people did about incidents.",
	Needs: []string{"models"}, limit: 500, sibling: "pipeline",
	ask: func(q *question) (data.Frames, error) {
		w := &where{}
		condition := func(columns ...string) string {
			part := &where{args: w.args}
			part.during("timestamp", q.From, q.To)
			if slices.Contains(columns, "model") {
				part.in("model", q.Models)
			}
			q.filters(part, columns...)
			w.args = part.args
			return part.String()
		}
		sql := fmt.Sprintf(`SELECT timestamp, body, severity, id, labels FROM (
  SELECT timestamp, concat('retraining of ', model, ': ', if(state != '', concat(state, ': '), ''), detail, if(actor != '', concat(' (', actor, ')'), '')) AS body, if(state IN ('escalating', 'escalated'), 'error', 'info') AS severity,
    concat(incident_id, '/', kind, '/', state, '/', toString(toUnixTimestamp64Milli(timestamp))) AS id, toJSONString(map('of', 'retraining', 'tenant', toString(tenant), 'model', toString(model), 'incident', incident_id, 'kind', toString(kind))) AS labels FROM retraining_log WHERE %s
  UNION ALL
  SELECT timestamp, concat(receiver, ' ', action, ' of ', incident_id, ': ', status, if(error != '', concat(': ', error), '')), if(error != '', 'error', 'info'),
    concat(incident_id, '/', receiver, '/', toString(revision), '/', toString(attempt)), toJSONString(map('of', 'notification', 'tenant', toString(tenant), 'incident', incident_id, 'receiver', toString(receiver), 'status', toString(status))) FROM notifications WHERE %s
  UNION ALL
  SELECT timestamp, concat(author, ': ', kind, ' ', incident_id, if(comment != '', concat(': ', comment), '')), 'info', id, toJSONString(map('of', 'action', 'tenant', toString(tenant), 'model', toString(model), 'incident', incident_id, 'kind', toString(kind))) FROM incident_actions FINAL WHERE %s
) ORDER BY timestamp DESC, id LIMIT %d`, condition("tenant", "model"), condition("tenant"), condition("tenant", "model"), q.Limit)
		found, err := q.table("", sql, w.args)
		if err != nil {
			return nil, err
		}
		found.Meta.Type, found.Meta.TypeVersion, found.Meta.PreferredVisualization = data.FrameTypeLogLines, data.FrameTypeVersion{0, 0}, data.VisTypeLogs
		return data.Frames{asJSON(found, "labels")}, nil
	},
}

// asJSON turns a column of text into one of JSON.
func asJSON(frame *data.Frame, name string) *data.Frame {
	f, i := frame.FieldByName(name)
	if i < 0 {
		return frame
	}
	values := make([]json.RawMessage, f.Len())
	for k := range values {
		text, _ := f.At(k).(string)
		values[k] = json.RawMessage(text)
	}
	frame.Fields[i] = data.NewField(name, nil, values)
	return frame
}
