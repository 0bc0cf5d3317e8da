package silent

import (
	"slices"
	"time"
)

// telemetryVanished judges how many series of a source have stopped.
var telemetryVanishedRule = Rule{
	Name: "telemetry_vanished", Title: "series that vanished", Unit: "share of series", Needs: []Input{Feeds},
	Doc:    "Series of a source that sampled regularly have stopped while others of it go on: an exporter of another version, a node that is gone, a metric that was renamed. A metric that stopped everywhere counts as all.",
	Use:    "Sources that sample at intervals. Rules that look at such a series say nothing from then on; this one says so.",
	Blind:  "Series that come with events only; places that come and go faster than min_samples.",
	Source: "time since the last sample against factor times the series' own mean gap",
	Params: []Param{
		{"factor", 5, 1, 1000, "times", "of a series' mean gap: it has stopped after that"},
		{"min_silence", 120, 1, week, "seconds", "and after this"},
		{"min_share", 0.2, 0.001, 1, "share of series", "smallest share that counts"},
		{"min_samples", 10, 2, 1e6, "samples", "series with fewer do not count"},
	},
	Feed: telemetryVanished,
}

func telemetryVanished(f *Feed, c Clock, p Params) []Finding {
	if len(f.Series) == 0 {
		return []Finding{noData("no sample of the source was seen")}
	}
	type metric struct{ all, stopped uint64 }
	metrics := map[string]*metric{}
	var all, stopped uint64
	var since time.Time
	for i := range f.Series {
		s := &f.Series[i]
		if s.Samples < p.count("min_samples") {
			continue
		}
		m := metrics[s.Metric]
		if m == nil {
			m = &metric{}
			metrics[s.Metric] = m
		}
		all, m.all = all+1, m.all+1
		if limit := max(p.duration("min_silence"), time.Duration(p["factor"]*float64(s.gap()))); c.since(s.Last) > limit {
			stopped, m.stopped = stopped+1, m.stopped+1
			if since.IsZero() || s.Last.Before(since) {
				since = s.Last
			}
		}
	}
	var gone []string
	for name, m := range metrics {
		if m.stopped == m.all {
			gone = append(gone, name)
		}
	}
	slices.Sort(gone)
	switch {
	case all == 0:
		return []Finding{insufficient(uint64(len(f.Series)), 0, "no series has %d samples", p.count("min_samples"))}
	case stopped == all:
		return []Finding{noData("all %d series have stopped: see stale_source", all)}
	}
	score := share(stopped, all)
	if len(gone) > 0 {
		score = 1
	}
	return []Finding{effect(score, p["min_share"], 1, 1, all, all).says(
		"%d of %d series have stopped, metrics that are gone: %s", stopped, all, list(gone)).from(since)}
}
