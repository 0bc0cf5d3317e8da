package query

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/driftline/driftline/detectors"
	"github.com/driftline/driftline/schemas"
)

var distributionKind = Kind{
	Name: "distribution", Title: "Reference against current", Description: "A frame a feature: the shares of each bin in the reference and in the time that is shown, and what each bin contributes to the PSI. Bins are the reference's quantiles.",
	Needs: []string{"models*", "versions", "features"}, limit: 12, sibling: "drift_series",
	ask: func(q *question) (data.Frames, error) {
		key, err := q.one()
		if err != nil {
			return nil, err
		}
		current, err := q.current(key, schemas.Span{Start: q.From, End: q.To})
		if err != nil || current == nil {
			return empty(data.FrameTypeTable), err
		}
		reference, err := q.reference(key, current.Version)
		if err != nil {
			return nil, err
		}
		var out data.Frames
		for _, name := range q.chosen(current) {
			i := slices.IndexFunc(current.Features, func(s schemas.Summary) bool { return s.Feature == name })
			if i < 0 || current.Features[i].Present() == 0 {
				continue
			}
			cur := &current.Features[i]
			ref := &schemas.Summary{Feature: name, Kind: cur.Kind}
			if reference != nil {
				if k := slices.IndexFunc(reference.Features, func(s schemas.Summary) bool { return s.Feature == name && s.Kind == cur.Kind }); k >= 0 {
					ref = &reference.Features[k]
				}
			}
			frame := bins(ref, cur)
			if reference != nil {
				frame.Meta.Custom.(map[string]any)["reference"] = reference.ID()
			}
			frame.Meta.Custom.(map[string]any)["version"] = current.Version
			out = append(out, frame)
		}
		if reference == nil {
			q.notice(data.NoticeSeverityWarning, "%s has no reference with distributions: only the current ones are shown", key.Model)
		}
		if len(out) == 0 {
			return empty(data.FrameTypeTable), nil
		}
		return out, nil
	},
}

// one model is what a question is about that reads distributions.
func (q *question) one() (schemas.ModelKey, error) {
	if len(q.Models) != 1 {
		return schemas.ModelKey{}, mistake("%s is about one model: name it in models", q.Kind)
	}
	return schemas.ModelKey{Tenant: cmp.Or(q.Query.Tenant, schemas.DefaultTenant), Model: q.Models[0]}, nil
}

// current is what was seen of a version in a span: the one asked for, or the one
// with the most rows. Nil: nothing was.
func (q *question) current(key schemas.ModelKey, span schemas.Span) (*schemas.WindowSummaries, error) {
	q.executed = append(q.executed, fmt.Sprintf("merged states of feature_sketches_1m WHERE tenant = '%s' AND model = '%s' AND minute IN [%s, %s)", key.Tenant, key.Model, span.Start.Format(time.RFC3339), span.End.Format(time.RFC3339)))
	span.Start, span.End = span.Start.Truncate(time.Minute), span.End.Add(time.Minute-1).Truncate(time.Minute)
	all, err := q.DB.Summaries(q.ctx, key, span)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", q.Kind, err)
	}
	var out *schemas.WindowSummaries
	for i := range all {
		if len(q.Versions) > 0 && !slices.Contains(q.Versions, all[i].Version) {
			continue
		}
		if out == nil || all[i].Rows > out.Rows {
			out = &all[i]
		}
	}
	if out != nil && out.Rows < lowN {
		q.notice(data.NoticeSeverityWarning, "only %d rows in this time", out.Rows)
	}
	return out, nil
}

// reference that the newest window of this time was compared with and that has
// distributions of its own.
func (q *question) reference(key schemas.ModelKey, version string) (*schemas.Reference, error) {
	w := &where{}
	w.during("window_end", q.From.Add(-longestWindow), q.To)
	w.during("window_start", q.From.Add(-2*longestWindow), q.To)
	w.in("tenant", []string{key.Tenant})
	w.in("model", []string{key.Model})
	w.in("version", []string{version})
	w.add("reference != ''")
	var ids []string
	err := q.each("SELECT reference FROM signals WHERE "+w.String()+" GROUP BY reference ORDER BY max(window_end) DESC, reference LIMIT 10", w.args, func(rows driver.Rows) error {
		var id string
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		name, version, _ := strings.Cut(id, "@")
		ref, err := q.DB.Reference(q.ctx, key, name, version)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", q.Kind, err)
		}
		if ref == nil || len(ref.Features) == 0 {
			continue
		}
		if age := q.To.Sub(ref.CreatedAt); age > stale {
			q.notice(data.NoticeSeverityWarning, "the reference %s is %d days old", ref.ID(), int(age.Hours()/24))
		}
		return ref, nil
	}
	return nil, nil
}

// chosen features: those asked for, or all, up to the limit.
func (q *question) chosen(of *schemas.WindowSummaries) []string {
	out := slices.Clone(q.Features)
	if len(out) == 0 {
		for i := range of.Features {
			out = append(out, of.Features[i].Feature)
		}
	}
	if len(out) > q.Limit {
		out = out[:q.Limit]
		q.notice(data.NoticeSeverityInfo, "only the first %d features are shown; name those that you want", q.Limit)
	}
	return out
}

// bins of a feature as a table.
func bins(ref, cur *schemas.Summary) *data.Frame {
	var low, high []*float64
	var label []string
	var reference, current, contribution []float64
	total := 0.
	for _, b := range detectors.Overlay(ref, cur, detectors.DefaultParams()) {
		var lo, hi *float64
		if cur.Kind == schemas.Numeric {
			lo, hi = &b.Low, &b.High
		}
		low, high, label = append(low, lo), append(high, hi), append(label, b.Label)
		reference, current, contribution = append(reference, b.Reference), append(current, b.Current), append(contribution, b.Contribution)
		total += b.Contribution
	}
	frame := data.NewFrame(cur.Feature,
		data.NewField("bin_lo", nil, low), data.NewField("bin_hi", nil, high), data.NewField("label", nil, label),
		data.NewField("reference", data.Labels{"feature": cur.Feature}, reference), data.NewField("current", data.Labels{"feature": cur.Feature}, current),
		data.NewField("contribution", data.Labels{"feature": cur.Feature}, contribution))
	for _, name := range []string{"reference", "current"} {
		f, _ := frame.FieldByName(name)
		f.Config = &data.FieldConfig{Unit: "percentunit", Description: "share of rows with a value"}
	}
	frame.Meta = &data.FrameMeta{Type: data.FrameTypeTable, TypeVersion: data.FrameTypeVersion{0, 1}, Custom: map[string]any{
		"feature": cur.Feature, "kind": string(cur.Kind), "reference": "", "n_reference": ref.Present(), "n_current": cur.Present(), "missing_reference": ref.Missing, "missing_current": cur.Missing, "psi": total,
	}}
	return frame
}

// frameTypeHeatmapCells is Grafana's name for cells with their own extents.
const frameTypeHeatmapCells data.FrameType = "heatmap-cells"

// slices of time that a series of distributions has at most, and bins of each.
const (
	mostSlices = 48
	cellBins   = 40
)

var distributionSeriesKind = Kind{
	Name: "distribution_series", Title: "Distribution over time", Description: "A numeric feature as cells of time and value, for ridgelines and heat maps: the share of rows with a value of each slice of time.",
	Needs: []string{"models*", "versions", "features*"}, limit: 1, sibling: "drift_series",
	ask: func(q *question) (data.Frames, error) {
		key, err := q.one()
		if err != nil {
			return nil, err
		}
		if len(q.Features) != 1 {
			return nil, mistake("distribution_series is about one feature: name it in features")
		}
		width := step(Range{From: q.From, To: q.To, MaxPoints: mostSlices, Interval: time.Minute})
		type slice struct {
			span schemas.Span
			of   *schemas.Summary
		}
		var all []slice
		low, high := math.Inf(1), math.Inf(-1)
		for at := q.From.Truncate(width); at.Before(q.To); at = at.Add(width) {
			span := schemas.Span{Start: at, End: at.Add(width)}
			found, err := q.current(key, span)
			if err != nil {
				return nil, err
			}
			if found == nil {
				continue
			}
			i := slices.IndexFunc(found.Features, func(s schemas.Summary) bool { return s.Feature == q.Features[0] && s.Kind == schemas.Numeric })
			if i < 0 || len(found.Features[i].Points) == 0 {
				continue
			}
			s := &found.Features[i]
			all = append(all, slice{span, s})
			lo, hi := middle(s.Points)
			low, high = min(low, lo), max(high, hi)
		}
		if len(all) == 0 {
			return empty(frameTypeHeatmapCells), nil
		}
		if high <= low {
			low, high = low-0.5, low+0.5
		}
		var x, xMax []time.Time
		var yMin, yMax, share []float64
		size := (high - low) / cellBins
		for _, s := range all {
			counts := make([]float64, cellBins)
			total := 0.
			for _, p := range s.of.Points {
				counts[min(cellBins-1, max(0, int((p.Value-low)/size)))] += p.Weight
				total += p.Weight
			}
			for i, c := range counts {
				x, xMax = append(x, s.span.Start), append(xMax, s.span.End)
				yMin, yMax, share = append(yMin, low+float64(i)*size), append(yMax, low+float64(i+1)*size), append(share, c/total)
			}
		}
		labels := data.Labels{"feature": q.Features[0]}
		frame := data.NewFrame(q.Features[0], data.NewField("x", nil, x), data.NewField("xMax", nil, xMax), data.NewField("yMin", nil, yMin), data.NewField("yMax", nil, yMax), data.NewField("count", labels, share))
		frame.Meta = &data.FrameMeta{Type: frameTypeHeatmapCells, TypeVersion: data.FrameTypeVersion{0, 1}, Custom: map[string]any{"feature": q.Features[0], "slice": width.Milliseconds()}}
		return data.Frames{frame}, nil
	},
}

// middle is the range of a distribution without the outermost half percent of
// either side: a few stray rows would squeeze everything else into one bin.
func middle(points []schemas.Point) (low, high float64) {
	total := 0.
	for _, p := range points {
		total += p.Weight
	}
	sum := 0.
	low, high = points[0].Value, points[len(points)-1].Value
	seen := false
	for _, p := range points {
		sum += p.Weight
		if !seen && sum >= 0.005*total {
			low, seen = p.Value, true
		}
		if sum >= 0.995*total {
			return low, p.Value
		}
	}
	return low, high
}
