package silent

import "time"

// monitorBlind judges whether anything arrives at all.
var monitorBlindRule = Rule{
	Name: "monitor_blind", Title: "monitor is blind", Unit: "seconds without any new record", Needs: []Input{Streams}, Wall: true,
	Doc: "Nothing of a tenant has arrived for a while, by the wall clock: its producers, Kafka, ingest or the store have stopped. All rules that go by event time stand still then. " +
		"Its signal while all is well is a heartbeat: let somebody outside watch for it, since a monitor that is down cannot say so.",
	Use:    "Everywhere; raise max_silence for tenants that send now and then.",
	Blind:  "A detect role that is down itself: watch driftline_silent_last_judged_timestamp_seconds from outside. After a restart the silence counts from there, and data of a replay that ended long ago are left alone.",
	Source: "dead-man switch by the wall clock",
	Params: []Param{
		{"max_silence", 900, 10, week, "seconds", "nothing new in any stream for longer alarms"},
		{"live", 86400, 60, 365 * 86400, "seconds", "newest data older than this when first seen are a replay that is over, not a failure"},
	},
	Monitor: monitorBlind,
}

func monitorBlind(m *Monitor, c Clock, p Params) []Finding {
	if len(m.Streams) == 0 {
		return []Finding{noData("no record of the tenant was seen")}
	}
	var last, newest time.Time
	var kind string
	moved := false
	for _, s := range m.Streams {
		at := s.Seen
		if !s.Advanced.IsZero() {
			at, moved = s.Advanced, true
		}
		if at.After(last) || at.Equal(last) && (kind == "" || s.Kind < kind) {
			last, kind = at, s.Kind
		}
		if s.Newest.After(newest) {
			newest = s.Newest
		}
	}
	n := uint64(len(m.Streams))
	if age := c.Wall.Sub(newest); !moved && age > p.duration("live") {
		return []Finding{insufficient(n, 0, "the newest data are %s old and nothing has moved since the start: a replay that is over", long(age))}
	}
	silence := max(c.Wall.Sub(last), 0)
	return []Finding{overdue(silence, p.duration("max_silence"), n, 0).says(
		"nothing new has arrived in any of %d streams for %s, %s was last", n, long(silence), kind).from(last)}
}
