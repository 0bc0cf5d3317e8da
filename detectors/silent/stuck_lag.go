package silent

import (
	"slices"

	"github.com/driftline/driftline/schemas"
)

// stuckLag judges whether a consumer moves while its log grows.
var stuckLagRule = Rule{
	Name: "stuck_lag", Title: "consumer that stands still", Unit: "polls", Needs: []Input{Consumers},
	Doc:    "A consumer has a lag, its committed offset has not moved for a number of polls, and its log has grown meanwhile.",
	Use:    "Consumer groups whose offsets are in telemetry: committed offset and end of log, as exporters of Kafka's groups give them.",
	Blind:  "A consumer that is merely slow; one that commits without doing the work; a log that does not grow since its producer is stuck (see stale and throughput).",
	Source: "the size of a lag says little, its standing still says much",
	Params: []Param{
		{"polls", 5, 2, 1000, "polls", "in a row without a move"},
		{"min_lag", 1, 1, 1e12, "records", "a smaller lag never alarms"},
	},
	Consumer: stuckLag,
}

func stuckLag(g *Consumer, _ Clock, p Params) []Finding {
	if len(g.Polls) == 0 {
		return []Finding{noData("no offsets of the consumer were seen")}
	}
	polls := slices.SortedFunc(slices.Values(g.Polls), func(a, b Poll) int { return a.Time.Compare(b.Time) })
	last := polls[len(polls)-1]
	still := len(polls) - 1 // index of the first poll with the newest committed offset
	for still > 0 && polls[still-1].Committed == last.Committed {
		still--
	}
	n := len(polls) - still
	if len(polls) < int(p["polls"]) {
		return []Finding{insufficient(uint64(len(polls)), 0, "%d polls are too few, %d are needed", len(polls), int(p["polls"]))}
	}
	lag, grown := last.End-last.Committed, last.End-polls[still].End
	f := effect(float64(n), p["polls"], 1, 1, uint64(len(polls)), 0)
	if grown <= 0 || lag < int64(p["min_lag"]) {
		f.Score, f.State = 0, schemas.StateOK
	}
	return []Finding{f.says("offset %d is committed for %d polls, the log grew by %d to a lag of %d", last.Committed, n, max(grown, 0), max(lag, 0)).from(polls[still].Time)}
}
