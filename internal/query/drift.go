package query

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/grafana/grafana-plugin-sdk-go/data"
)

var driftSeriesKind = Kind{
	Name: "drift_series", Title: "Drift over time", Description: "Scores of detectors, a series a feature and detector, with their thresholds. The strongest come first; in coarse views the largest of each bucket is kept.",
	Alertable: true, Needs: []string{"models", "versions", "segments", "features", "detectors"}, limit: 100,
	ask: func(q *question) (data.Frames, error) {
		w := q.signals(q.From, q.To)
		inner := fmt.Sprintf(`SELECT %s AS t, max(score) AS v, max(%s) AS w, count() AS c, any(s.unit) AS u, argMax(s.threshold, window_end) AS bound, tenant, model, version, segment, feature, detector
    FROM signals AS s FINAL WHERE %s AND %s GROUP BY t, tenant, model, version, segment, feature, detector`, q.bucket("window_end"), ratio, w, judged)
		all, err := q.series(inner, w.args, "tenant", "model", "version", "segment", "feature", "detector")
		if err != nil {
			return nil, err
		}
		if err := q.aboutWindows(w); err != nil {
			return nil, err
		}
		return q.multi("score", all, func(s *series, f *data.Field) {
			f.Config.DisplayNameFromDS = called(s.labels)
			f.Config.Unit = unit(s.unit)
			if s.unit != "" {
				f.Config.Description = "in " + s.unit
			}
			if s.limit > 0 {
				f.Config.Thresholds = &data.ThresholdsConfig{Mode: data.ThresholdsModeAbsolute, Steps: []data.Threshold{
					data.NewThreshold(math.Inf(-1), "green", ""), data.NewThreshold(s.limit, "red", ""),
				}}
			}
		}), nil
	},
}

// called is how people tell series of signals apart.
func called(l data.Labels) string {
	var parts []string
	for _, k := range []string{"model", "version", "segment", "feature", "detector"} {
		if l[k] != "" {
			parts = append(parts, l[k])
		}
	}
	return strings.Join(parts, " ")
}

// unit in Grafana's terms; the others are told in the field's description.
func unit(of string) string {
	switch of {
	case "share", "fraction", "of rows":
		return "percentunit"
	case "s", "seconds":
		return "s"
	case "ms":
		return "ms"
	}
	return ""
}

// lowN is how many rows a window needs for its scores to say much.
const lowN = 100

// aboutWindows warns of windows with few rows and of old references.
func (q *question) aboutWindows(w *where) error {
	return q.each(`SELECT countIf(n_window < `+fmt.Sprint(lowN)+`), count(), argMax(reference, window_end) FROM signals WHERE `+w.String()+` AND `+judged, w.args, func(rows driver.Rows) error {
		var few, all uint64
		var reference string
		if err := rows.Scan(&few, &all, &reference); err != nil {
			return err
		}
		if few > 0 {
			q.notice(data.NoticeSeverityWarning, "%d of %d scores are of fewer than %d rows: they tell large changes only", few, all, lowN)
		}
		if name, version, ok := strings.Cut(reference, "@"); ok {
			return q.aboutReference(name, version)
		}
		return nil
	})
}

// stale is how old a reference may get before its age is worth a word.
const stale = 90 * 24 * time.Hour

func (q *question) aboutReference(name, version string) error {
	w := &where{}
	w.in("name", []string{name})
	w.in("version", []string{version})
	w.in("model", q.Models)
	whose := *q // a reference has no other dimensions, of which nothing need be said here
	whose.Filters = slices.DeleteFunc(slices.Clone(q.Filters), func(f Filter) bool { return f.Key != "tenant" && f.Key != "model" })
	whose.filters(w, "tenant", "model")
	return q.each("SELECT min(created_at), count() FROM `references` WHERE "+w.String(), w.args, func(rows driver.Rows) error {
		var made time.Time
		var n uint64
		if err := rows.Scan(&made, &n); err != nil {
			return err
		}
		if age := q.To.Sub(made); n > 0 && age > stale {
			q.notice(data.NoticeSeverityWarning, "the reference %s@%s is %d days old", name, version, int(age.Hours()/24))
		}
		return nil
	})
}

var driftRankKind = Kind{
	Name: "drift_rank", Title: "Features by impact", Description: "How each feature is now: its strongest detector, score against threshold, importance, and since when. Impact is that ratio times the importance. In alert rules: the impact of each.",
	Alertable: true, Needs: []string{"models", "versions", "segments", "features", "detectors"}, limit: 200,
	ask: func(q *question) (data.Frames, error) {
		w := q.signals(q.From, q.To)
		// The newest window of each series, the strongest detector of each feature.
		sql := fmt.Sprintf(`SELECT tenant, model, version, segment, feature, argMax(detector, r) AS detector, argMax(last_score, r) AS score, argMax(u, r) AS unit, argMax(last_threshold, r) AS threshold,
  max(r) AS ratio, argMax(p, r) AS p_value, max(i) AS importance, ratio * if(importance > 0, importance, 1.) AS impact, argMax(n, r) AS n, argMax(nr, r) AS n_reference,
  if(has(groupArray(last_state), 'alarm'), 'alarm', argMax(last_state, r)) AS state, if(countIf(alarms > 0) = 0, NULL, minIf(first_alarm, alarms > 0)) AS first_seen,
  if(countIf(alarms > 0) = 0, NULL, maxIf(last_alarm_at, alarms > 0)) AS last_alarm, max(at) AS evaluated, argMax(why, r) AS reason
FROM (
  SELECT tenant, model, version, segment, feature, detector, argMax(%[1]s, window_end) AS r, argMax(s.score, window_end) AS last_score, any(s.unit) AS u, argMax(s.threshold, window_end) AS last_threshold,
    argMax(s.p_value, window_end) AS p, argMax(s.importance, window_end) AS i, argMax(n_window, window_end) AS n, argMax(s.n_reference, window_end) AS nr, argMax(s.state, window_end) AS last_state,
    countIf(s.state = 'alarm') AS alarms, minIf(window_start, s.state = 'alarm') AS first_alarm, maxIf(window_end, s.state = 'alarm') AS last_alarm_at, max(window_end) AS at, argMax(s.reason, window_end) AS why
  FROM signals AS s FINAL WHERE %[2]s GROUP BY tenant, model, version, segment, feature, detector
) GROUP BY tenant, model, version, segment, feature ORDER BY impact DESC, tenant, model, version, segment, feature LIMIT %[3]d`, ratio, w, q.Limit)
		frame, err := q.table("", sql, w.args)
		if err != nil {
			return nil, err
		}
		if err := q.aboutWindows(w); err != nil {
			return nil, err
		}
		frame.Meta.Type = data.FrameTypeNumericLong
		if len(frame.Fields) == 0 {
			return data.Frames{frame}, nil
		}
		if !q.Alert {
			describe(frame, map[string]string{
				"ratio": "score against threshold; an alarm at 1 and above", "impact": "ratio times importance", "n": "rows of the newest window", "n_reference": "rows of the reference",
				"p_value": "adjusted for the features and detectors of the window", "first_seen": "start of the first window of this time that alarmed",
			})
			return data.Frames{frame}, nil
		}
		return numericMulti(frame, "impact", "tenant", "model", "version", "segment", "feature"), nil
	},
}

func describe(frame *data.Frame, texts map[string]string) {
	for _, f := range frame.Fields {
		if text := texts[f.Name]; text != "" {
			f.Config = &data.FieldConfig{Description: text}
		}
	}
}

// numericMulti is one number a row, told apart by labels: what alert rules take.
func numericMulti(table *data.Frame, value string, labels ...string) data.Frames {
	var out data.Frames
	v, _ := table.FieldByName(value)
	for row := range v.Len() {
		l := data.Labels{}
		for _, name := range labels {
			if f, i := table.FieldByName(name); i >= 0 {
				if s, ok := f.At(row).(string); ok && s != "" {
					l[name] = s
				}
			}
		}
		number, _ := v.FloatAt(row)
		out = append(out, data.NewFrame("", data.NewField(value, l, []float64{number})).
			SetMeta(&data.FrameMeta{Type: data.FrameTypeNumericMulti, TypeVersion: data.FrameTypeVersion{0, 1}}))
	}
	return out
}

// frameTypeHeatmapRows is Grafana's name for a wide series whose fields are the
// rows of a heat map, from the first.
const frameTypeHeatmapRows data.FrameType = "heatmap-rows"

var driftHeatmapKind = Kind{
	Name: "drift_heatmap", Title: "Drift by feature and time", Description: "A row a feature, those of the greatest impact first: the largest score against its threshold; at 1 and above it is an alarm. Empty: nothing was judged.",
	Needs: []string{"models", "versions", "segments", "features", "detectors"}, limit: 500, sibling: "drift_series",
	ask: func(q *question) (data.Frames, error) {
		w := q.signals(q.From, q.To)
		w.add("feature != ''")
		inner := fmt.Sprintf(`SELECT %[1]s AS t, max(%[2]s) AS v, max(%[2]s * if(importance > 0, importance, 1.)) AS w, uniqExact(window_end) AS c, '' AS u, 0 AS bound, model, feature
    FROM signals FINAL WHERE %[3]s AND %[4]s GROUP BY t, model, feature`, q.bucket("window_end"), ratio, w, judged)
		all, err := q.series(inner, w.args, "model", "feature")
		if err != nil {
			return nil, err
		}
		if len(all) == 0 {
			return empty(frameTypeHeatmapRows), nil
		}
		if err := q.aboutWindows(w); err != nil {
			return nil, err
		}
		several := slices.ContainsFunc(all, func(s series) bool { return s.labels["model"] != all[0].labels["model"] })
		frame := wide(all, func(s *series) string {
			if several {
				return s.labels["model"] + " " + s.labels["feature"]
			}
			return s.labels["feature"]
		})
		frame.Meta = &data.FrameMeta{Type: frameTypeHeatmapRows, TypeVersion: data.FrameTypeVersion{0, 1}, Custom: map[string]any{"step": q.step.Milliseconds()}}
		return data.Frames{frame}, nil
	},
}

// wide puts series side by side over all of their times; where one has no point
// it is null.
func wide(all []series, name func(*series) string) *data.Frame {
	var times []time.Time
	for i := range all {
		times = append(times, all[i].times...)
	}
	slices.SortFunc(times, time.Time.Compare)
	times = slices.CompactFunc(times, time.Time.Equal)
	at := make(map[int64]int, len(times))
	for i, t := range times {
		at[t.UnixMilli()] = i
	}
	frame := data.NewFrame("", data.NewField("time", nil, times))
	for i := range all {
		s := &all[i]
		values := make([]*float64, len(times))
		for k, t := range s.times {
			values[at[t.UnixMilli()]] = &s.values[k]
		}
		f := data.NewField(name(s), s.labels, values)
		f.Config = &data.FieldConfig{DisplayNameFromDS: f.Name}
		frame.Fields = append(frame.Fields, f)
	}
	return frame
}
