package query

import (
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// confidence is how many standard errors the bands are wide to either side: 95 %.
const confidence = 1.959964

var performanceKind = Kind{
	Name: "performance", Title: "Performance", Description: "What labels say of each window, and what is estimated without them, with 95 % bands, the share of predictions with labels, and whether labels are still waited for.",
	Alertable: true, Needs: []string{"models", "versions", "segments", "metrics"}, limit: 40,
	ask: func(q *question) (data.Frames, error) {
		w := &where{}
		w.during("window_end", q.From, q.To)
		w.during("window_start", q.From.Add(-longestWindow), q.To)
		w.in("model", q.Models)
		w.in("version", q.Versions)
		w.in("metric", q.Metrics)
		if len(q.Segments) == 0 {
			w.add("segment = ''")
		} else {
			w.in("segment", q.Segments)
		}
		q.filters(w, "tenant", "model", "version", "segment", "metric")
		// Of the windows of one point the newest is kept: an average of windows
		// is no performance of any.
		sql := fmt.Sprintf(`SELECT toString(tenant), toString(model), toString(version), toString(segment), toString(metric), %s AS t, argMax(realised, window_end), argMax(realised_se, window_end), argMax(estimated, window_end), argMax(estimated_se, window_end),
  argMax(if(predictions = 0, NULL, labelled / predictions), window_end), argMax(toUInt8(final), window_end), toFloat64(argMax(predictions, window_end)), count()
FROM outcome_stats FINAL WHERE %s GROUP BY tenant, model, version, segment, metric, t ORDER BY tenant, model, version, segment, metric, t`, q.bucket("window_end"), w)
		type row struct {
			at                                                     time.Time
			realised, realisedSE, estimated, estimatedSE, coverage *float64
			final                                                  uint8
			predictions                                            float64
		}
		type part struct {
			labels data.Labels
			rows   []row
		}
		var parts []part
		var provisional, windows, merged uint64
		err := q.each(sql, w.args, func(rows driver.Rows) error {
			var tenant, model, version, segment, metric string
			var r row
			var n uint64
			if err := rows.Scan(&tenant, &model, &version, &segment, &metric, &r.at, &r.realised, &r.realisedSE, &r.estimated, &r.estimatedSE, &r.coverage, &r.final, &r.predictions, &n); err != nil {
				return err
			}
			l := data.Labels{"tenant": tenant, "model": model, "version": version, "metric": metric}
			if segment != "" {
				l["segment"] = segment
			}
			if k := len(parts); k == 0 || !parts[k-1].labels.Equals(l) {
				parts = append(parts, part{labels: l})
			}
			p := &parts[len(parts)-1]
			p.rows = append(p.rows, r)
			if windows++; r.final == 0 {
				provisional++
			}
			merged = max(merged, n)
			return nil
		})
		if err != nil {
			return nil, err
		}
		if len(parts) > q.Limit {
			parts = parts[:q.Limit]
			q.notice(data.NoticeSeverityInfo, "only the first %d series are shown; narrow the question, or raise its limit", q.Limit)
		}
		if len(parts) == 0 {
			return empty(data.FrameTypeTimeSeriesWide), nil
		}
		if provisional > 0 {
			q.notice(data.NoticeSeverityInfo, "labels are still waited for in %d of %d windows: their realised values may change", provisional, windows)
		}
		if merged > 1 {
			q.notice(data.NoticeSeverityInfo, "a point stands for up to %d windows and shows the newest of them", merged)
		}
		var all []series
		for _, p := range parts {
			add := func(name string, value func(row) *float64) {
				l := p.labels.Copy()
				l["of"] = name
				s := series{labels: l}
				for _, r := range p.rows {
					if v := value(r); v != nil {
						s.times, s.values = append(s.times, r.at.UTC()), append(s.values, *v)
					}
				}
				all = append(all, s)
			}
			band := func(v, se *float64, by float64) *float64 {
				if v == nil || se == nil {
					return nil
				}
				edge := *v + by**se
				return &edge
			}
			add("realised", func(r row) *float64 { return r.realised })
			add("realised_lower", func(r row) *float64 { return band(r.realised, r.realisedSE, -confidence) })
			add("realised_upper", func(r row) *float64 { return band(r.realised, r.realisedSE, confidence) })
			add("estimated", func(r row) *float64 { return r.estimated })
			add("estimated_lower", func(r row) *float64 { return band(r.estimated, r.estimatedSE, -confidence) })
			add("estimated_upper", func(r row) *float64 { return band(r.estimated, r.estimatedSE, confidence) })
			add("coverage", func(r row) *float64 { return r.coverage })
			add("final", func(r row) *float64 { v := float64(r.final); return &v })
			add("predictions", func(r row) *float64 { return &r.predictions })
		}
		frame := wide(all, func(s *series) string { return s.labels["of"] })
		for _, f := range frame.Fields[1:] {
			delete(f.Labels, "of")
			f.Config.DisplayNameFromDS = called(f.Labels) + " " + f.Labels["metric"] + " " + f.Name
			if f.Name == "coverage" {
				f.Config.Unit = "percentunit"
			}
		}
		frame.Meta = &data.FrameMeta{Type: data.FrameTypeTimeSeriesWide, TypeVersion: data.FrameTypeVersion{0, 1}}
		return data.Frames{frame}, nil
	},
}
