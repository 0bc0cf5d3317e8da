package schemas

import "time"

// Origin names rows by where they came from: the record of one partition of a
// topic, and the day of event time. All rows of one origin are stored in one
// step, since a day is never divided between partitions of a table.
type Origin struct {
	Offset int64 // of the record
	Day    int64 // see [Day]
}

// Day is the day of event time in UTC, counted from 1970-01-01.
func Day(t time.Time) int64 {
	const seconds = 24 * 60 * 60
	s := t.Unix()
	if s < 0 {
		s -= seconds - 1 // down, not towards zero
	}
	return s / seconds
}

// Minute is what one row of a table of summaries sums up: the events of a model
// version and segment in one minute of event time.
type Minute struct {
	SchemaKey
	Segment string
	Minute  int64 // counted from 1970-01-01 00:00 UTC
}

// Day that the minute lies in; see [Day].
func (m Minute) Day() int64 { return Day(time.Unix(m.Minute*60, 0)) }
