package query

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/driftline/driftline/schemas"
)

var incidentsKind = Kind{
	Name: "incidents", Title: "Incidents", Description: "Incidents that were open in the time, newest onset first, with their likeliest cause and the advice. In alert rules: how many are open.",
	Alertable: true, Needs: []string{"models", "states"}, limit: 100,
	ask: func(q *question) (data.Frames, error) {
		w := &where{}
		w.in("model", q.Models)
		w.in("state", q.States)
		q.filters(w, "tenant", "model", "state")
		w.add("onset < " + w.time(q.To))
		w.add("(resolved_at IS NULL OR resolved_at >= " + w.time(q.From) + ")")
		if q.Alert {
			all, err := q.table("", "SELECT tenant, model, toFloat64(countIf(state != 'resolved')) AS open FROM incidents FINAL WHERE "+w.String()+" GROUP BY tenant, model ORDER BY tenant, model", w.args)
			if err != nil {
				return nil, err
			}
			if len(all.Fields) == 0 { // none at all is a number too
				return data.Frames{data.NewFrame("", data.NewField("open", nil, []float64{0})).SetMeta(&data.FrameMeta{Type: data.FrameTypeNumericMulti, TypeVersion: data.FrameTypeVersion{0, 1}})}, nil
			}
			return numericMulti(all, "open", "tenant", "model"), nil
		}
		cause := func(field, as string) string {
			return "JSONExtractString(JSONExtractRaw(JSONExtractRaw(diagnosis, 'causes'), 1), '" + field + "') AS " + as
		}
		sql := fmt.Sprintf(`SELECT id, state, severity, title, tenant, model, %s, %s, if(diagnosis = '', NULL, JSONExtractFloat(JSONExtractRaw(JSONExtractRaw(diagnosis, 'causes'), 1), 'confidence')) AS confidence,
  toBool(JSONExtractBool(diagnosis, 'retrain')) AS retrain, JSONExtractString(diagnosis, 'advice') AS advice, onset, opened_at AS opened, updated_at AS updated, resolved_at AS resolved,
  arrayStringConcat(features, ', ') AS features, toUInt64(JSONLength(signals)) AS n_signals, merged_into
FROM incidents FINAL WHERE %s ORDER BY onset DESC, id LIMIT %d`, cause("title", "cause"), cause("kind", "cause_kind"), w, q.Limit)
		frame, err := q.table("", sql, w.args)
		if err != nil {
			return nil, err
		}
		if f, i := frame.FieldByName("confidence"); i >= 0 {
			f.Config = &data.FieldConfig{Unit: "percentunit", Description: "probability that it is the cause"}
		}
		return data.Frames{frame}, nil
	},
}

// around an incident, how much of its evidence's series is shown before the
// onset and after the last word.
const around = 30 * time.Minute

// mostSeries of evidence of one incident.
const mostSeries = 12

var causesKind = Kind{
	Name: "incident_causes", Title: "Causes of an incident", Description: "Ranked causes with their evidence, what was ruled out and why, what could not be observed, and the series that the evidence is of.",
	Needs: []string{"id*"}, limit: 1, sibling: "incidents",
	ask: func(q *question) (data.Frames, error) {
		q.executed = append(q.executed, fmt.Sprintf("SELECT * FROM incidents FINAL WHERE id = '%s'", strings.ReplaceAll(q.ID, "'", `\'`)))
		inc, err := q.DB.FindIncident(q.ctx, q.Query.Tenant, q.ID)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", q.Kind, err)
		}
		if inc == nil {
			return nil, mistake("there is no incident %s", q.ID)
		}
		frames := told(inc)
		if inc.Diagnosis == nil {
			q.notice(data.NoticeSeverityInfo, "causes were not looked for yet")
			return frames, nil
		}
		evidence, err := q.evidence(inc)
		return append(frames, evidence...), err
	},
}

// told is what an incident's diagnosis says, as tables.
func told(inc *schemas.Incident) data.Frames {
	d := inc.Diagnosis
	if d == nil {
		d = &schemas.Diagnosis{}
	}
	type column struct {
		name  string
		value any
	}
	sheet := func(name string, columns ...column) *data.Frame {
		f := data.NewFrame(name)
		for _, c := range columns {
			f.Fields = append(f.Fields, data.NewField(c.name, nil, c.value))
		}
		return f.SetMeta(&data.FrameMeta{Type: data.FrameTypeTable, TypeVersion: data.FrameTypeVersion{0, 1}})
	}
	var c struct {
		rank                                         []int64
		entity, kind, mechanism, title, metric, path []string
		score, confidence, lead                      []float64
		onset                                        []time.Time
	}
	var e struct {
		rank, n                []int64
		entity, metric, text   []string
		before, after, z, lead []float64
		onset                  []time.Time
	}
	for i, cause := range d.Causes {
		rank := int64(i + 1)
		lead := 0.
		if !cause.Onset.IsZero() {
			lead = inc.Onset.Sub(cause.Onset).Seconds()
		}
		c.rank, c.entity, c.kind, c.mechanism = append(c.rank, rank), append(c.entity, cause.Entity), append(c.kind, string(cause.Kind)), append(c.mechanism, cause.Mechanism)
		c.title, c.metric, c.score, c.confidence = append(c.title, cause.Title), append(c.metric, cause.Metric), append(c.score, cause.Score), append(c.confidence, cause.Confidence)
		c.onset, c.lead, c.path = append(c.onset, cause.Onset), append(c.lead, lead), append(c.path, strings.Join(cause.Path, " → "))
		for _, x := range cause.Evidence {
			e.rank, e.entity, e.metric, e.text = append(e.rank, rank), append(e.entity, x.Entity), append(e.metric, x.Metric), append(e.text, x.Text)
			e.before, e.after, e.z, e.n = append(e.before, x.Before), append(e.after, x.After), append(e.z, x.Z), append(e.n, int64(x.N))
			e.onset, e.lead = append(e.onset, x.Onset), append(e.lead, x.LeadS)
		}
	}
	var entities, metrics, reasons []string
	for _, r := range d.RuledOut {
		entities, metrics, reasons = append(entities, r.Entity), append(metrics, r.Metric), append(reasons, r.Reason)
	}
	causes := sheet("causes", column{"rank", c.rank}, column{"entity", c.entity}, column{"kind", c.kind}, column{"mechanism", c.mechanism}, column{"title", c.title}, column{"metric", c.metric},
		column{"score", c.score}, column{"confidence", c.confidence}, column{"onset", c.onset}, column{"lead_s", c.lead}, column{"path", c.path})
	causes.Meta.Custom = map[string]any{"incident": inc}
	return data.Frames{
		causes,
		sheet("evidence", column{"rank", e.rank}, column{"entity", e.entity}, column{"metric", e.metric}, column{"before", e.before}, column{"after", e.after}, column{"z", e.z}, column{"n", e.n},
			column{"onset", e.onset}, column{"lead_s", e.lead}, column{"text", e.text}),
		sheet("ruled_out", column{"entity", entities}, column{"metric", metrics}, column{"reason", reasons}),
		sheet("unobserved", column{"entity", append([]string(nil), d.Unobserved...)}),
	}
}

// evidence is the telemetry behind the evidence, and the strongest signals of
// the incident, on one axis.
func (q *question) evidence(inc *schemas.Incident) (data.Frames, error) {
	from, to := inc.Onset.Add(-around), inc.UpdatedAt.Add(around)
	for _, c := range inc.Diagnosis.Causes {
		if !c.Onset.IsZero() && c.Onset.Before(inc.Onset) && inc.Onset.Sub(c.Onset) < 24*time.Hour {
			from = minTime(from, c.Onset.Add(-around))
		}
	}
	if to.Sub(from) > 48*time.Hour {
		to = from.Add(48 * time.Hour)
	}
	part := *q
	part.Query = Query{Kind: q.Kind, Tenant: inc.Tenant, Limit: 3}
	part.From, part.To, part.MaxPoints = from, to, 300
	part.step = step(Range{From: from, To: to, MaxPoints: part.MaxPoints, Interval: 15 * time.Second})
	var out data.Frames
	seen := map[[2]string]bool{}
	for i, c := range inc.Diagnosis.Causes {
		for _, e := range c.Evidence {
			if key := [2]string{e.Entity, e.Metric}; seen[key] || len(out) >= mostSeries {
				continue
			} else {
				seen[key] = true
			}
			s, err := part.seriesOf(e)
			if err != nil {
				return nil, err
			}
			for k := range s {
				labels := data.Labels{"rank": fmt.Sprint(i + 1), "entity": e.Entity, "metric": e.Metric}
				v := data.NewField("value", labels, s[k].values)
				v.Config = &data.FieldConfig{DisplayNameFromDS: e.Metric + " " + e.Entity, Unit: telemetryUnit(s[k].unit)}
				out = append(out, data.NewFrame("series", data.NewField("time", nil, s[k].times), v).SetMeta(&data.FrameMeta{Type: data.FrameTypeTimeSeriesMulti, TypeVersion: data.FrameTypeVersion{0, 1}}))
			}
		}
	}
	for i := range inc.Signals {
		if s := &inc.Signals[i]; i < 3 {
			p := part
			p.Query = Query{Kind: q.Kind, Tenant: s.Tenant, Models: []string{s.Model}, Versions: []string{s.Version}, Segments: []string{s.Segment}, Features: []string{s.Feature}, Detectors: []string{s.Detector}, Limit: 1}
			p.kind = &driftSeriesKind
			frames, err := driftSeriesKind.ask(&p)
			if err != nil {
				return nil, err
			}
			for _, f := range frames {
				if len(f.Fields) == 2 {
					f.Name = "series"
					f.Fields[1].Labels = data.Labels{"rank": "0", "entity": "model/" + s.Model, "metric": strings.TrimSpace(s.Feature + " " + s.Detector)}
					out = append(out, f)
				}
			}
			q.executed = append(q.executed, p.executed...)
		}
	}
	return out, nil
}

// seriesOf a piece of evidence, where it is telemetry of one place.
func (q *question) seriesOf(e schemas.Evidence) ([]series, error) {
	if math.IsNaN(e.Z) || e.Metric == "" {
		return nil, nil
	}
	kind, id, ok := strings.Cut(e.Entity, "/")
	if !ok {
		return nil, nil
	}
	w := &where{}
	w.during("timestamp", q.From, q.To)
	w.in("metric", []string{e.Metric})
	if q.Query.Tenant != "" {
		w.in("tenant", []string{q.Query.Tenant})
	}
	switch kind {
	case "gpu":
		node, gpu := id, ""
		if at := strings.LastIndexAny(id, ":/"); at >= 0 {
			node, gpu = id[:at], id[at+1:]
		}
		w.in("node", []string{node})
		w.in("gpu", []string{gpu})
	case "node", "pod", "deployment", "model", "source":
		w.in(kind, []string{id})
	default:
		return nil, nil
	}
	inner := fmt.Sprintf(`SELECT %s AS t, max(value) AS v, 0. AS w, count() AS c, any(unit) AS u, 0 AS bound FROM telemetry WHERE %s AND isFinite(value) GROUP BY t`, q.bucket("timestamp"), w)
	q.kind = &infraKind
	q.Measure = "max"
	all, err := q.series(inner, w.args)
	return all, err
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
