package query

import (
	"fmt"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// recent is how far back of the end "now" looks: what was not judged since then
// is not how a model is.
const recent = 24 * time.Hour

// dimensionOf is the expression of what a signal is about, of four.
const dimensionOf = `multiIf(startsWith(detector, 'silent_'), 'silent', startsWith(detector, 'performance_') OR startsWith(detector, 'estimated_') OR startsWith(detector, 'concept_gap_') OR startsWith(detector, 'sequential_') OR detector = 'challenger', 'performance',
    detector IN ('missing', 'out_of_range', 'type_change', 'constant', 'frozen', 'default_value', 'unit_change', 'new_category', 'vanished_category', 'duplicate_rows'), 'data', 'drift')`

var fleetKind = Kind{
	Name: "fleet", Title: "Models", Description: "A row a model, the worst first: how it is at the end of the time, what it is asked, its strongest signal, performance and open incidents.",
	Needs: []string{"models"}, limit: 500, sibling: "health_matrix",
	ask: func(q *question) (data.Frames, error) {
		since := q.From
		if q.To.Sub(since) > recent {
			since = q.To.Add(-recent)
		}
		w := &where{}
		condition := func(column string, columns ...string) string {
			part := &where{args: w.args}
			if column != "" {
				part.during(column, since, q.To)
			}
			part.in("model", q.Models)
			q.filters(part, columns...)
			w.args = part.args
			return part.String()
		}
		events := condition("minute", "tenant", "model", "version")
		signals := condition("window_end", "tenant", "model", "version", "feature", "detector")
		start := w.time(since.Add(-longestWindow))
		outcomes := condition("window_end", "tenant", "model", "version")
		open := &where{args: w.args}
		open.in("model", q.Models)
		q.filters(open, "tenant", "model")
		open.add("state != 'resolved'")
		open.add("onset < " + open.time(q.To))
		w.args = open.args
		seconds := max(1, q.To.Sub(since).Seconds())
		sql := fmt.Sprintf(`SELECT tenant, model, versions, if(incidents > 0 OR alarms > 0, 'alarm', if(rows = 0, 'silent', if(judged = 0, 'no_data', 'ok'))) AS state, incidents, title,
  rows / %[1]f AS events_s, if(rows = 0, NULL, last) AS last_event, worst_feature, worst_ratio, worst_detector, metric, estimated, realised, coverage, n, if(judged = 0, NULL, evaluated) AS evaluated
FROM (
  SELECT tenant, model, max(vs) AS versions, max(rs) AS rows, max(la) AS last, max(wf) AS worst_feature, max(wr) AS worst_ratio, max(wd) AS worst_detector, max(al) AS alarms, max(ju) AS judged, max(nn) AS n, max(ev) AS evaluated,
    max(me) AS metric, max(es) AS estimated, max(re) AS realised, max(co) AS coverage, max(inc) AS incidents, max(ti) AS title
  FROM (
    SELECT tenant, model, arrayStringConcat(arraySort(groupUniqArray(20)(toString(version))), ', ') AS vs, sum(rows) AS rs, toDateTime64(max(minute), 3, 'UTC') AS la,
      '' AS wf, 0. AS wr, '' AS wd, toUInt64(0) AS al, toUInt64(0) AS ju, toUInt64(0) AS nn, toDateTime64(0, 3, 'UTC') AS ev, '' AS me, CAST(NULL AS Nullable(Float64)) AS es, CAST(NULL AS Nullable(Float64)) AS re, CAST(NULL AS Nullable(Float64)) AS co, toUInt64(0) AS inc, '' AS ti
    FROM feature_sketches_1m WHERE %[2]s GROUP BY tenant, model
    UNION ALL
    SELECT tenant, model, '', toUInt64(0), toDateTime64(0, 3, 'UTC'), argMax(feature, r), max(r), argMax(detector, r), countIf(last_state = 'alarm'), countIf(last_state IN ('ok', 'alarm')), max(nw), max(at), '', NULL, NULL, NULL, 0, ''
    FROM (
      SELECT tenant, model, toString(feature) AS feature, toString(detector) AS detector, argMax(%[3]s, window_end) AS r, argMax(state, window_end) AS last_state, argMax(n_window, window_end) AS nw, max(window_end) AS at
      FROM signals FINAL WHERE %[4]s AND window_start >= %[5]s AND segment = '' GROUP BY tenant, model, version, segment, feature, detector
    ) GROUP BY tenant, model
    UNION ALL
    SELECT tenant, model, '', 0, toDateTime64(0, 3, 'UTC'), '', 0., '', 0, 0, 0, toDateTime64(0, 3, 'UTC'), argMax(toString(metric), at), argMax(es, at), argMax(re, at), argMax(co, at), 0, ''
    FROM (
      SELECT tenant, model, metric, argMaxIf(estimated, window_end, isNotNull(estimated)) AS es, argMaxIf(realised, window_end, isNotNull(realised)) AS re, argMax(labelled / greatest(predictions, 1), window_end) AS co, max(window_end) AS at
      FROM outcome_stats FINAL WHERE %[6]s AND segment = '' GROUP BY tenant, model, metric
    ) GROUP BY tenant, model
    UNION ALL
    SELECT tenant, model, '', 0, toDateTime64(0, 3, 'UTC'), '', 0., '', 0, 0, 0, toDateTime64(0, 3, 'UTC'), '', NULL, NULL, NULL, count(), argMax(title, indexOf(['info', 'warning', 'error', 'critical'], toString(severity)))
    FROM incidents FINAL WHERE %[7]s GROUP BY tenant, model
  ) GROUP BY tenant, model
) ORDER BY incidents DESC, state = 'alarm' DESC, worst_ratio DESC, tenant, model LIMIT %[8]d`,
			seconds, events, ratio, signals, start, outcomes, open, q.Limit)
		frame, err := q.table("", sql, w.args)
		if err != nil {
			return nil, err
		}
		describe(frame, map[string]string{
			"state": "alarm: an open incident or a series that alarmed last; silent: not asked; no_data: asked, not judged", "worst_ratio": "score against threshold; an alarm at 1 and above",
			"coverage": "share of the newest window's predictions that have labels", "n": "rows of the largest newest window", "events_s": "events per second, on average",
		})
		if f, i := frame.FieldByName("coverage"); i >= 0 {
			f.Config.Unit = "percentunit"
		}
		if since.After(q.From) {
			q.notice(data.NoticeSeverityInfo, "how models are is told of the last %v of this time", recent)
		}
		return data.Frames{frame}, nil
	},
}

// States of the health matrix, rising.
const (
	healthOK = iota
	healthInsufficient
	healthNoData
	healthAlarm
)

var healthKind = Kind{
	Name: "health_matrix", Title: "Health of models", Description: "The worst state of each model in each bucket of time by what it is about: input data, drift, performance, silent failures. 0 ok, 1 insufficient, 2 no data, 3 alarm.",
	Alertable: true, Needs: []string{"models", "versions", "features", "detectors"}, limit: 400,
	ask: func(q *question) (data.Frames, error) {
		w := q.signals(q.From, q.To)
		inner := fmt.Sprintf(`SELECT %s AS t, toFloat64(max(transform(toString(state), ['ok', 'insufficient', 'no_data', 'alarm'], [%d, %d, %d, %d], %d))) AS v, toFloat64(countIf(state = 'alarm')) AS w, uniqExact(window_end) AS c, '' AS u, 0 AS bound, tenant, model, %s AS dimension
    FROM signals FINAL WHERE %s GROUP BY t, tenant, model, dimension`, q.bucket("window_end"), healthOK, healthInsufficient, healthNoData, healthAlarm, healthNoData, dimensionOf, w)
		all, err := q.series(inner, w.args, "tenant", "model", "dimension")
		if err != nil {
			return nil, err
		}
		return q.multi("state", all, func(s *series, f *data.Field) {
			f.Config.DisplayNameFromDS = s.labels["model"] + " " + s.labels["dimension"]
			f.Config.Mappings = data.ValueMappings{data.ValueMapper{
				"0": {Text: "ok", Color: "green", Index: 0}, "1": {Text: "insufficient", Color: "super-light-yellow", Index: 1},
				"2": {Text: "no data", Color: "text", Index: 2}, "3": {Text: "alarm", Color: "red", Index: 3},
			}}
		}), nil
	},
}
