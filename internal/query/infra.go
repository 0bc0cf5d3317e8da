package query

import (
	"fmt"
	"strings"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

var infraKind = Kind{
	Name: "infra", Title: "Telemetry", Description: "Telemetry of GPUs, nodes, pods and servers, a series a metric and place. Of the samples of a point: their largest, mean or last one, or the rate of a counter per second.",
	Alertable: true, Needs: []string{"metrics", "models"}, Measures: []string{"max", "mean", "last", "rate"}, limit: 100,
	ask: func(q *question) (data.Frames, error) {
		w := &where{}
		w.during("timestamp", q.From, q.To)
		w.in("metric", q.Metrics)
		w.in("model", q.Models)
		q.filters(w, "tenant", "model", "metric", "source", "node", "gpu", "pod", "deployment")
		labels := []string{"tenant", "metric", "source", "model", "deployment", "pod", "node", "gpu"}
		by := strings.Join(labels, ", ")
		value := map[string]string{"max": "max(value)", "mean": "avg(value)", "last": "argMax(value, timestamp)"}[q.Measure]
		inner := fmt.Sprintf(`SELECT %s AS t, %s AS v, 0. AS w, count() AS c, any(unit) AS u, 0 AS bound, %s FROM telemetry WHERE %s AND isFinite(value) GROUP BY t, %s`, q.bucket("timestamp"), value, by, w, by)
		if q.Measure == "rate" {
			// A counter that falls began anew: what it shows then is what was added.
			inner = fmt.Sprintf(`SELECT %s AS t, sum(if(before > value, value, value - before)) / %f AS v, 0. AS w, count() AS c, any(unit) AS u, 0 AS bound, %s FROM (
      SELECT *, lagInFrame(value, 1, value) OVER (PARTITION BY %s, labels ORDER BY timestamp ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS before FROM telemetry WHERE %s AND isFinite(value)
    ) GROUP BY t, %s`, q.bucket("timestamp"), q.step.Seconds(), by, by, w, by)
		}
		all, err := q.series(inner, w.args, labels...)
		if err != nil {
			return nil, err
		}
		return q.multi("value", all, func(s *series, f *data.Field) {
			f.Name = s.labels["metric"]
			f.Config.DisplayNameFromDS = placed(s.labels)
			if q.Measure != "rate" {
				f.Config.Unit = telemetryUnit(s.unit)
			}
		}), nil
	},
}

func placed(l data.Labels) string {
	parts := []string{l["metric"]}
	for _, k := range []string{"model", "deployment", "pod", "node", "gpu"} {
		if l[k] != "" {
			parts = append(parts, l[k])
		}
	}
	return strings.Join(parts, " ")
}

// telemetryUnit in Grafana's terms.
func telemetryUnit(u string) string {
	switch strings.ToLower(u) {
	case "%", "percent":
		return "percent"
	case "1", "ratio":
		return "percentunit"
	case "c", "°c", "celsius", "cel":
		return "celsius"
	case "w", "watt", "watts":
		return "watt"
	case "mib":
		return "mbytes"
	case "by", "bytes", "byte":
		return "bytes"
	case "mhz":
		return "rotmhz"
	case "s", "seconds":
		return "s"
	case "ms":
		return "ms"
	}
	return ""
}

var pipelineKind = Kind{
	Name: "pipeline", Title: "Driftline's own pipeline", Description: "What comes in by kind of record (events per second, seconds since the newest), how long after its end a window is judged, verdicts by state, and what receivers were told.",
	Alertable: true, Needs: nil, Measures: []string{"events", "freshness", "delay", "signals", "notifications"}, limit: 200,
	ask: func(q *question) (data.Frames, error) {
		w := &where{}
		var inner, value string
		var labels []string
		records := func(each string) string {
			var parts []string
			for _, s := range [][2]string{{"inference", "inference_events"}, {"labels", "labels"}, {"telemetry", "telemetry"}, {"jobs", "job_events"}, {"changes", "changes"}} {
				part := &where{args: w.args}
				part.during("timestamp", q.From, q.To)
				part.in("model", q.Models)
				q.filters(part, "tenant", "model")
				w.args = part.args
				parts = append(parts, fmt.Sprintf("SELECT %s AS t, %s AS v, 0. AS w, count() AS c, '' AS u, 0 AS bound, '%s' AS source FROM %s WHERE %s GROUP BY t", q.bucket("timestamp"), each, s[0], s[1], part))
			}
			return strings.Join(parts, " UNION ALL ")
		}
		switch q.Measure {
		case "events":
			value, labels = "events_s", []string{"source"}
			inner = records(fmt.Sprintf("count() / %f", q.step.Seconds()))
		case "freshness":
			// Seconds from the newest record of a bucket to the bucket's end.
			value, labels = "seconds", []string{"source"}
			inner = records(fmt.Sprintf("greatest(0., dateDiff('millisecond', max(timestamp), least(toDateTime64(t, 3, 'UTC') + INTERVAL %d SECOND, %s)) / 1000)", int64(q.step.Seconds()), w.time(q.To)))
		case "delay":
			value, labels = "seconds", []string{"tenant", "model"}
			s := q.signals(q.From, q.To)
			w.args = s.args
			inner = fmt.Sprintf(`SELECT %s AS t, max(dateDiff('millisecond', window_end, evaluated_at)) / 1000 AS v, 0. AS w, count() AS c, '' AS u, 0 AS bound, tenant, model FROM signals FINAL WHERE %s AND NOT startsWith(detector, 'silent_') GROUP BY t, tenant, model`, q.bucket("window_end"), s)
		case "signals":
			value, labels = "signals", []string{"state"}
			s := q.signals(q.From, q.To)
			w.args = s.args
			inner = fmt.Sprintf(`SELECT %s AS t, toFloat64(count()) AS v, 0. AS w, count() AS c, '' AS u, 0 AS bound, state FROM signals FINAL WHERE %s GROUP BY t, state`, q.bucket("window_end"), s)
		case "notifications":
			value, labels = "notifications", []string{"receiver", "status"}
			w.during("timestamp", q.From, q.To)
			q.filters(w, "tenant")
			inner = fmt.Sprintf(`SELECT %s AS t, toFloat64(count()) AS v, 0. AS w, count() AS c, '' AS u, 0 AS bound, receiver, status FROM notifications WHERE %s GROUP BY t, receiver, status`, q.bucket("timestamp"), w)
		}
		all, err := q.series(inner, w.args, labels...)
		if err != nil {
			return nil, err
		}
		return q.multi(value, all, func(s *series, f *data.Field) {
			if value == "seconds" {
				f.Config.Unit = "s"
			}
			if value == "events_s" {
				f.Config.Unit = "short"
			}
			var name []string
			for _, l := range labels {
				if s.labels[l] != "" {
					name = append(name, s.labels[l])
				}
			}
			f.Config.DisplayNameFromDS = strings.Join(name, " ")
		}), nil
	},
}
