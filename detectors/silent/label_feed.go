package silent

import (
	"time"
)

// labelFeed judges how long no label has come.
var labelFeedRule = Rule{
	Name: "label_feed", Title: "label feed that stopped", Unit: "seconds since the newest label", Needs: []Input{Labels},
	Doc:    "Labels of a model have come again and again, and none has for longer than their pauses are. What is said of its accuracy is old from then on.",
	Use:    "Models with labels, streamed or in batches.",
	Blind:  "A model that never had labels gives no_data: its accuracy is unknown, not fine. Labels that come for fewer and fewer predictions: see label_join.",
	Source: "largest of 3 times the median gap, 1.5 times its 99th percentile, 8 standard deviations above its mean, min_silence",
	Params: append([]Param{
		{"min_silence", 3600, 60, 30 * 86400, "seconds", "a shorter silence never alarms"},
		{"min_bins", 10, 2, 1e6, "bins of 5 minutes", "fewer with labels give insufficient"},
	}, silenceParams...),
	Model: labelFeed,
}

func labelFeed(m *Model, c Clock, p Params) []Finding {
	if len(m.Labels) == 0 {
		return []Finding{noData("no label of the model was seen: how good it is is unknown")}
	}
	var bins []time.Time
	var newest time.Time
	var rows uint64
	for _, b := range m.Labels {
		bins, rows = append(bins, b.Start), rows+b.Rows
		if b.Start.After(newest) {
			newest = b.Start
		}
	}
	if len(bins) < int(p["min_bins"]) {
		return []Finding{insufficient(uint64(len(bins)), rows, "%d bins with labels are too few to know the usual pauses, %d are needed", len(bins), int(p["min_bins"]))}
	}
	limit, _ := silenceLimit(bins, p, p.duration("min_silence"))
	age := c.since(newest.Add(Bin))
	return []Finding{overdue(age, limit, uint64(len(bins)), rows).says(
		"the newest label is about %s old, up to %s is usual (%d labels)", long(age), long(limit), rows).from(newest.Add(Bin))}
}
