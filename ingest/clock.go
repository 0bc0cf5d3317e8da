package ingest

import (
	"math"
	"time"
)

// clock tells which event times a batch takes. It stands still while the batch
// is open and goes with its intent, so that whoever repeats the batch sorts its
// records alike. The zero value takes all times.
type clock struct{ oldest, newest int64 } // unix milliseconds; 0 is no limit

// The range of event times that the store can hold.
var (
	minTime = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	maxTime = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
)

// clockAt takes times from age before now to ahead after it; 0 is no limit.
func clockAt(now time.Time, age, ahead time.Duration) clock {
	var c clock
	if age > 0 {
		c.oldest = now.Add(-age).UnixMilli()
	}
	if ahead > 0 {
		c.newest = now.Add(ahead).UnixMilli()
	}
	return c
}

// noTime is the event time of a record that has none.
const noTime = math.MinInt64

// check refuses times that the store would refuse, delete at once, or keep in
// a partition of their own until their day comes.
func (c clock) check(millis int64) error {
	switch {
	case millis == noTime:
		return poisonf("missing_field", "timestamp is missing")
	case millis < minTime || millis >= maxTime:
		return poisonf("bad_timestamp", "timestamp %d ms is outside 1970 to 2100: give RFC 3339 or unix milliseconds", millis)
	case millis < c.oldest:
		return poisonf("too_old", "timestamp %s is older than ingest.max_age allows (%s)", stamp(millis), stamp(c.oldest))
	case c.newest != 0 && millis > c.newest:
		return poisonf("in_future", "timestamp %s is further ahead than ingest.max_ahead allows (%s): is the producer's clock right?", stamp(millis), stamp(c.newest))
	}
	return nil
}

func stamp(millis int64) string { return time.UnixMilli(millis).UTC().Format(time.RFC3339) }
