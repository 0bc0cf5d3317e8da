package detectors

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"math"
	"slices"

	"github.com/driftline/driftline/schemas"
)

// makeOfProduction freezes what spans of production contain. Its version tells
// the rows apart, not the points of merged sketches, whose last digits follow
// the order in which the store merged them: kind, spans, versions and every
// feature's counts, extremes and categories. ok is false when there are no rows.
func (r *referenceRule) makeOfProduction(key schemas.ModelKey, spans []schemas.Span, found []schemas.WindowSummaries) (ref schemas.Reference, ok bool) {
	ref = schemas.Reference{ModelKey: key, Name: r.name, Kind: r.kind, Spans: spans, ModelVersion: r.version, Source: r.source(spans)}
	ref.Features, ref.Rows = mergeVersions(r.of(found))
	if ref.Rows == 0 {
		return ref, false
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s %q", r.kind, r.version)
	for _, s := range spans {
		fmt.Fprintf(h, " %d-%d", s.Start.Unix(), s.End.Unix())
	}
	for i := range ref.Features {
		hashRows(h, &ref.Features[i])
	}
	ref.Version = hex.EncodeToString(h.Sum(nil))[:12]
	return ref, true
}

// of are those of the versions that the reference is made of.
func (r *referenceRule) of(found []schemas.WindowSummaries) (out []schemas.WindowSummaries) {
	for i := range found {
		if r.version == "" || found[i].Version == r.version {
			out = append(out, found[i])
		}
	}
	return out
}

// judged are those of a window's versions that are compared with the reference:
// a version is not compared with itself.
func (r *referenceRule) judged(found []schemas.WindowSummaries) (out []schemas.WindowSummaries) {
	for i := range found {
		if r.version == "" || found[i].Version != r.version {
			out = append(out, found[i])
		}
	}
	return out
}

func (r *referenceRule) source(spans []schemas.Span) string {
	text := r.kind
	if r.version != "" {
		text += " " + r.version
	}
	if n := len(spans); n > 0 {
		text += fmt.Sprintf(" %s/%s", spans[0].Start.Format("2006-01-02T15:04Z"), spans[n-1].End.Format("2006-01-02T15:04Z"))
	}
	return text
}

// mergeVersions makes one reference of the summaries of several versions.
func mergeVersions(versions []schemas.WindowSummaries) (features []schemas.Summary, rows uint64) {
	var all []schemas.Summary
	for i := range versions {
		rows += versions[i].Rows
		all = append(all, versions[i].Features...)
	}
	sortFeatures(all)
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].Kind == all[0].Kind && all[n].Feature == all[0].Feature {
			n++
		}
		features = append(features, Reduce(mergeSummaries(all[:n], rows)))
		all = all[n:]
	}
	return features, rows
}

// mergeSummaries adds up summaries of one feature over disjoint rows: so many
// in all, of which those that no summary counts miss the feature.
func mergeSummaries(parts []schemas.Summary, rows uint64) schemas.Summary {
	out := schemas.Summary{Feature: parts[0].Feature, Kind: parts[0].Kind, Rows: rows}
	var present uint64
	var m2 float64
	categories := map[string]uint64{}
	for i := range parts {
		p := &parts[i]
		n := float64(p.Present())
		if n == 0 {
			continue
		}
		if present == 0 {
			out.Min, out.Max = p.Min, p.Max
		}
		out.Min, out.Max = min(out.Min, p.Min), max(out.Max, p.Max)
		// Chan, Golub and LeVeque 1979: moments of two samples joined.
		d := p.Mean - out.Mean
		total := float64(present) + n
		m2 += p.Variance*n + d*d*n*float64(present)/total
		out.Mean += d * n / total
		present += p.Present()
		out.Points = append(out.Points, p.Points...)
		for _, c := range p.Categories {
			categories[c.Value] += c.Count
		}
	}
	out.Missing = rows - min(present, rows)
	if out.Kind == schemas.Categorical {
		out.Categories = ascending(categories)
		return out
	}
	if present > 0 {
		out.Variance = m2 / float64(present)
	}
	out.Points = joined(out.Points)
	return out
}

// joined are points in order, one for each value.
func joined(points []schemas.Point) []schemas.Point {
	slices.SortFunc(points, func(a, b schemas.Point) int { return cmp.Compare(a.Value, b.Value) })
	out := points[:0]
	for _, p := range points {
		if k := len(out) - 1; k >= 0 && out[k].Value == p.Value {
			out[k].Weight += p.Weight
		} else {
			out = append(out, p)
		}
	}
	return out
}

// hashRows writes what of a summary does not depend on how the store merged it.
func hashRows(h hash.Hash, s *schemas.Summary) {
	fmt.Fprintf(h, "\n%s %q %d %d %x %x", s.Kind, s.Feature, s.Rows, s.Missing, math.Float64bits(s.Min), math.Float64bits(s.Max))
	for _, c := range s.Categories {
		fmt.Fprintf(h, " %q=%d", c.Value, c.Count)
	}
}
