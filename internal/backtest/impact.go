package backtest

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/driftline/driftline/schemas"
)

// Impact is how much one feature drifted over a run.
type Impact struct {
	Feature string
	Windows int     // in alarm
	Excess  float64 // score over threshold of the strongest detector, mean over the windows in alarm; 0 without any
	Mean    float64 // the same over all windows

	Strongest map[time.Time]*schemas.Signal // by start of the window: the detector farthest above, or least below, its threshold
}

// Impacts of all features, the most drifted first: by windows in alarm times
// their excess, then by the mean.
func (r *Report) Impacts() []*Impact {
	var out []*Impact
	by := map[string]*Impact{}
	for i := range r.Signals {
		s := &r.Signals[i]
		f := by[s.Feature]
		if f == nil {
			f = &Impact{Feature: s.Feature, Strongest: map[time.Time]*schemas.Signal{}}
			by[s.Feature] = f
			out = append(out, f)
		}
		if old := f.Strongest[s.WindowStart]; old == nil || Stronger(s, old) {
			f.Strongest[s.WindowStart] = s
		}
	}
	for _, f := range out {
		for _, at := range slices.SortedFunc(maps.Keys(f.Strongest), time.Time.Compare) {
			s := f.Strongest[at]
			if s.State == schemas.StateAlarm {
				f.Windows++
				f.Excess += Ratio(s)
			}
			if rank(s.State) >= rank(schemas.StateOK) {
				f.Mean += Ratio(s) / float64(len(f.Strongest))
			}
		}
		f.Excess /= max(1, float64(f.Windows))
	}
	slices.SortStableFunc(out, func(a, b *Impact) int {
		return cmp.Or(cmp.Compare(float64(b.Windows)*b.Excess, float64(a.Windows)*a.Excess), cmp.Compare(b.Mean, a.Mean), cmp.Compare(a.Feature, b.Feature))
	})
	return out
}

// Ratio is a score in thresholds: at 1 an effect begins to count.
func Ratio(s *schemas.Signal) float64 { return s.Score / max(s.Threshold, 1e-12) }

// Stronger orders signals by state, then by score in thresholds.
func Stronger(a, b *schemas.Signal) bool {
	return cmp.Or(cmp.Compare(rank(a.State), rank(b.State)), cmp.Compare(Ratio(a), Ratio(b))) > 0
}
