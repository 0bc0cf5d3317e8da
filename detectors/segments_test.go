package detectors

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/schemas"
)

// An alarm names the segment that the change is in, whether the reference is a file
// or production; one that is in all alike names none.
func TestSegmentOfAChange(t *testing.T) {
	for _, c := range []struct {
		name     string
		drifts   []string
		trailing bool
		want     string
	}{
		{"one segment, production", []string{"eu"}, true, "eu"},
		{"one segment, a file", []string{"eu"}, false, "eu"},
		{"all segments", []string{"eu", "us", "apac"}, true, ""},
		{"all segments, a file", []string{"eu", "us", "apac"}, false, ""},
		{"rows without a segment", []string{""}, true, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(6, uint64(len(c.name))))
			segments := []string{"eu", "us", "apac", ""}
			var rows []row
			for i := range 6000 {
				r := row{at: day(2).Add(time.Duration(i) * 10 * time.Hour / 6000), version: "1", segment: segments[rng.IntN(4)], x: rng.NormFloat64(), c: "a"}
				if r.segment == "us" {
					r.x++ // differs, as before
				}
				if i >= 4800 && (slices.Contains(c.drifts, r.segment) || len(c.drifts) == 3) {
					r.x += 2.5
				}
				rows = append(rows, r)
			}
			config := DefaultConfig()
			config.Detectors, config.Calibrate = []string{"ks", "wasserstein", "psi"}, false
			m := Model{Name: "m", Window: Every(time.Hour)}
			var ref *schemas.Reference
			if c.trailing {
				m.Reference = ReferenceFile{Kind: ReferenceTrailing, Length: lengthOf(t, "6h"), Guard: lengthOf(t, "1m"), Refresh: lengthOf(t, "1h")}
			} else {
				features, _ := mergeVersions(must(newTablesOf(rows[:4800]).Summaries(t.Context(), m.Key(), span(day(1), day(28)))))
				made := MakeReference(m.Key(), "training", "test", features)
				ref = &made
			}
			s := newTables()
			s.run(t, rng, config, m, ref, [][]row{rows[:5400], rows[5400:]}, false)
			for _, d := range config.Detectors {
				g := s.signals[fmt.Sprintf("2 08:00 2 09:00 %v", schemas.SeriesKey{Tenant: "default", Model: "m", Version: "1", Feature: "x", Detector: d})]
				if g.State != schemas.StateAlarm || g.StrongestSegment != c.want {
					t.Errorf("%s names %q (%.2f), want %q: %s", g.State, g.StrongestSegment, g.SegmentShare, c.want, g.Reason)
				}
				if named := strings.Contains(g.Reason, "strongest in segment"); named != (c.want != "") || named && (g.SegmentShare < 0.5 || g.SegmentShare > 1) {
					t.Errorf("share %.2f: %s", g.SegmentShare, g.Reason)
				}
				t.Log(g.Reason)
			}
		})
	}
}
