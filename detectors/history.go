package detectors

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/driftline/driftline/schemas"
)

// History is how windows of the reference's own period score against the
// reference as a whole. Each window is a block of consecutive rows, so their
// scores carry whatever dependence rows have within a window (subsampling:
// Politis, Romano and Wolf, 1999). It is plain data, for JSON too.
type History struct {
	Window string          `json:"window"`
	Series []HistorySeries `json:"series"` // ascending by feature, kind and detector
}

// HistorySeries are the scores of one detector and feature, ascending by Start.
type HistorySeries struct {
	Feature  string              `json:"feature"`
	Kind     schemas.FeatureKind `json:"kind"`
	Detector string              `json:"detector"`
	Starts   []int64             `json:"starts"` // Unix seconds
	Rows     []float64           `json:"rows"`   // of the comparison, NM/(N+M)
	Scores   []float64           `json:"scores"`
}

// Score compares windows of the reference's period with the reference. Windows
// with too few rows are left out.
func (p *Plan) Score(ref *schemas.Reference, windows []schemas.WindowSummaries) History {
	h := History{Window: p.Window.String()}
	for i := range ref.Features {
		r := &ref.Features[i]
		if p.features[r.Feature].Ignore {
			continue
		}
		for j := range p.detectors {
			if d := &p.detectors[j]; d.Applies(r.Kind) {
				h.Series = append(h.Series, p.series(d, r, windows))
			}
		}
	}
	h.sort()
	return h
}

func (p *Plan) series(d *Detector, ref *schemas.Summary, windows []schemas.WindowSummaries) HistorySeries {
	s := HistorySeries{Feature: ref.Feature, Kind: ref.Kind, Detector: d.Name}
	for i := range windows {
		w := &windows[i]
		k := slices.IndexFunc(w.Features, func(f schemas.Summary) bool { return f.Feature == ref.Feature && f.Kind == ref.Kind })
		if k < 0 || min(d.Rows(&w.Features[k]), d.Rows(ref)) < p.MinRows {
			continue
		}
		r := d.Compare(ref, &w.Features[k], p.paramsOf(ref.Feature))
		if r.NoData || math.IsNaN(r.Score) || math.IsInf(r.Score, 0) {
			continue
		}
		s.add(w.Span.Start.Unix(), pairSize(d.Rows(ref), d.Rows(&w.Features[k])), r.Score)
	}
	return s
}

// pairSize is the size of a comparison, NM/(N+M).
func pairSize(n, m uint64) float64 { return float64(n) * float64(m) / float64(n+m) }

// add a score; one of the same window replaces it.
func (s *HistorySeries) add(start int64, rows, score float64) {
	i, found := slices.BinarySearch(s.Starts, start)
	if found {
		s.Rows[i], s.Scores[i] = rows, score
		return
	}
	s.Starts = slices.Insert(s.Starts, i, start)
	s.Rows = slices.Insert(s.Rows, i, rows)
	s.Scores = slices.Insert(s.Scores, i, score)
}

func (s *HistorySeries) key() [3]string { return [3]string{s.Feature, string(s.Kind), s.Detector} }

func (h *History) sort() {
	slices.SortFunc(h.Series, func(a, b HistorySeries) int {
		return cmp.Or(cmp.Compare(a.Feature, b.Feature), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Detector, b.Detector))
	})
}

// Merge joins two histories that were scored against the same reference with
// windows of the same length; where both have a window, the other's score
// counts. The result shares no memory with either.
func (h History) Merge(other History) History {
	out := History{Window: h.Window}
	at := map[[3]string]int{}
	for _, part := range [][]HistorySeries{h.Series, other.Series} {
		for i := range part {
			s := &part[i]
			k, known := at[s.key()]
			if !known {
				k = len(out.Series)
				at[s.key()] = k
				out.Series = append(out.Series, HistorySeries{Feature: s.Feature, Kind: s.Kind, Detector: s.Detector})
			}
			for j := range s.Starts {
				out.Series[k].add(s.Starts[j], s.Rows[j], s.Scores[j])
			}
		}
	}
	out.sort()
	return out
}

// times of the windows.
func (s *HistorySeries) times() []time.Time {
	out := make([]time.Time, len(s.Starts))
	for i, t := range s.Starts {
		out[i] = time.Unix(t, 0).UTC()
	}
	return out
}
