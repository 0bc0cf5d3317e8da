package silent

import (
	"time"
)

// clockAhead judges event times that lie in the future.
var clockAheadRule = Rule{
	Name: "clock_ahead", Title: "clock that is ahead", Unit: "seconds ahead of the wall clock", Needs: []Input{Streams}, Wall: true,
	Doc:    "The newest event time of a stream lies in the future. Windows then close before their events are there, and freshness is not what it seems.",
	Use:    "Everywhere. It goes by the wall clock, so data that are replayed never trip it.",
	Blind:  "Clocks that are behind look like a delay.",
	Source: "watermark against the wall clock",
	Params: []Param{{"max_ahead", 300, 1, week, "seconds", "clocks of good order differ by less"}},
	Monitor: func(m *Monitor, c Clock, p Params) []Finding {
		var newest *Stream
		for i := range m.Streams {
			if s := &m.Streams[i]; newest == nil || s.Newest.After(newest.Newest) || s.Newest.Equal(newest.Newest) && s.Kind < newest.Kind {
				newest = s
			}
		}
		if newest == nil {
			return []Finding{noData("no record of the tenant was seen")}
		}
		ahead := max(newest.Newest.Sub(c.Wall), 0)
		return []Finding{overdue(ahead, p.duration("max_ahead"), uint64(len(m.Streams)), 0).says(
			"the newest of %s is %s ahead of the clock, at %s", newest.Kind, long(ahead), newest.Newest.UTC().Format(time.RFC3339))}
	},
}
