package silent

import (
	"time"
)

// staleSource judges the age of the newest sample of a feed.
var staleSourceRule = Rule{
	Name: "stale_source", Title: "stale source", Unit: "seconds since the newest sample", Needs: []Input{Feeds},
	Doc:    "A source of telemetry has sent nothing for much longer than the time between its samples.",
	Use:    "Every source that is scraped or pushes at intervals. min_silence is its freshness objective.",
	Blind:  "A source that repeats its last values for ever; single series of it (see telemetry_vanished).",
	Source: "watermark age against factor times the mean time between samples",
	Params: []Param{
		{"min_silence", 300, 1, week, "seconds", "freshness objective: a shorter silence never alarms"},
		{"factor", 5, 1, 1000, "times", "of the longest of the usual times between two samples of its regular series"},
		{"min_samples", 10, 2, 1e6, "samples", "a series with fewer is not used to learn from"},
	},
	Feed: staleSource,
}

func staleSource(f *Feed, c Clock, p Params) []Finding {
	if len(f.Series) == 0 {
		return []Finding{noData("no sample of the source was seen")}
	}
	var newest time.Time
	var gap time.Duration
	var samples uint64
	for i := range f.Series {
		s := &f.Series[i]
		samples += s.Samples
		if s.Samples >= p.count("min_samples") && (gap == 0 || s.gap() < gap) {
			gap = s.gap()
		}
		if s.Last.After(newest) {
			newest = s.Last
		}
	}
	if gap == 0 {
		return []Finding{insufficient(samples, 0, "no series of the source has %d samples to learn from", p.count("min_samples"))}
	}
	limit := max(p.duration("min_silence"), time.Duration(p["factor"]*float64(gap)))
	age := c.since(newest)
	return []Finding{overdue(age, limit, samples, samples).says(
		"the newest sample is %s old, up to %s is expected (every %s)", long(age), long(limit), long(gap)).from(newest)}
}

// staleModel judges the age of the newest event of a model.
var staleModelRule = Rule{
	Name: "stale_model", Title: "model that fell silent", Unit: "seconds since the newest event", Needs: []Input{Counts},
	Doc:    "A model that answers all the time has not for much longer than its pauses are.",
	Use:    "Models with traffic around the clock, from their first hour on; throughput needs more past and sees more.",
	Blind:  "Pauses shorter than min_silence; models that are quiet by night raise their own limit only once a night was seen.",
	Source: "largest of 3 times the median gap, 1.5 times its 99th percentile, 8 standard deviations above its mean, min_silence",
	Params: append([]Param{
		{"min_silence", 900, 300, week, "seconds", "freshness objective: a shorter silence never alarms"},
		{"min_bins", 12, 2, 1e6, "bins of 5 minutes", "fewer with events give insufficient"},
	}, silenceParams...),
	Model: staleModel,
}

func staleModel(m *Model, c Clock, p Params) []Finding {
	if len(m.Counts) == 0 {
		return []Finding{noData("no event of the model was seen")}
	}
	var bins []time.Time
	var newest time.Time
	var rows uint64
	for _, b := range m.Counts {
		rows += b.Rows
		if b.Start.After(c.Now.Add(-Trailing)) {
			bins = append(bins, b.Start)
		}
		if b.Start.After(newest) {
			newest = b.Start
		}
	}
	if len(bins) < int(p["min_bins"]) {
		return []Finding{insufficient(uint64(len(bins)), rows, "%d bins with events are too few to know the usual pauses, %d are needed", len(bins), int(p["min_bins"]))}
	}
	limit, _ := silenceLimit(bins, p, p.duration("min_silence"))
	age := c.since(newest.Add(Bin))
	return []Finding{overdue(age, limit, uint64(len(bins)), rows).says(
		"the newest event is about %s old, up to %s is usual", long(age), long(limit)).from(newest.Add(Bin))}
}
