package kafka

import (
	"math"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// fetched is a fetch of one record a second from an offset on.
func fetched(from, n int, end int64, epoch time.Time) *kgo.FetchPartition {
	p := &kgo.FetchPartition{HighWatermark: end}
	for i := from; i < from+n; i++ {
		p.Records = append(p.Records, &kgo.Record{Offset: int64(i), Timestamp: epoch.Add(time.Duration(i) * time.Second)})
	}
	return p
}

func TestLag(t *testing.T) {
	epoch := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	at := func(second int) time.Time { return epoch.Add(time.Duration(second) * time.Second) }
	for name, tc := range map[string]struct {
		committed    int64
		do           func(l *lag)
		records, age float64 // the latter at second 100
	}{
		"nobody knows yet":                 {-1, func(*lag) {}, math.NaN(), 0},
		"nothing committed, nothing there": {-1, func(l *lag) { l.list(0, 0, at(90)) }, 0, 0},
		"nothing committed":                {-1, func(l *lag) { l.list(0, 10, at(90)) }, 10, 10},
		"seen for some time":               {-1, func(l *lag) { l.list(0, 10, at(80)); l.list(0, 12, at(90)) }, 12, 20},
		"a log that was cut off":           {5, func(l *lag) { l.list(8, 10, at(90)) }, 2, 10},
		"all of the log is gone":           {5, func(l *lag) { l.list(10, 10, at(90)) }, 0, 0},
		"fetched and not committed":        {0, func(l *lag) { l.fetch(fetched(0, 10, 10, epoch)) }, 10, 100},
		"more is there than was fetched":   {0, func(l *lag) { l.fetch(fetched(0, 10, 50, epoch)) }, 50, 100},
		"the first fetch is committed":     {0, func(l *lag) { l.fetch(fetched(0, 10, 20, epoch)); l.fetch(fetched(10, 10, 20, epoch)); l.commit(10) }, 10, 90},
		"half a fetch is committed":        {0, func(l *lag) { l.fetch(fetched(0, 10, 20, epoch)); l.fetch(fetched(10, 10, 20, epoch)); l.commit(15) }, 5, 90},
		"all is committed":                 {0, func(l *lag) { l.fetch(fetched(0, 10, 10, epoch)); l.commit(10) }, 0, 0},
		"nothing new is fetched": {0, func(l *lag) {
			l.fetch(fetched(0, 10, 10, epoch))
			l.commit(10)
			l.list(0, 30, at(70))
		}, 20, 30},
		"an answer older than a fetch": {0, func(l *lag) { l.fetch(fetched(0, 10, 10, epoch)); l.list(0, 5, at(90)) }, 10, 100},
		"a clock that is ahead":        {0, func(l *lag) { l.fetch(fetched(200, 10, 210, epoch)) }, 210, 0},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLag(tc.committed)
			tc.do(l)
			if got := l.records(); got != tc.records && !(math.IsNaN(got) && math.IsNaN(tc.records)) {
				t.Errorf("%v records, want %v", got, tc.records)
			}
			if got := l.age(at(100)); got != tc.age {
				t.Errorf("%v seconds, want %v", got, tc.age)
			}
		})
	}
}

// A handler that does not commit for long does not make its marks grow.
func TestLagForgetsMarks(t *testing.T) {
	l, epoch := newLag(0), time.Unix(0, 0)
	const n = 100_000
	for i := range n {
		l.fetch(fetched(i, 1, n, epoch))
	}
	if len(l.marks) > maxMarks || l.marks[0].offset != 0 {
		t.Errorf("%d marks from %d on", len(l.marks), l.marks[0].offset)
	}
	l.commit(n / 2)
	if age := l.age(time.Unix(n, 0)); age < n/2 || age > n/2+2*n/maxMarks {
		t.Errorf("the oldest is %v s old, want about %d", age, n/2)
	}
	if l.commit(n); len(l.marks) != 0 || l.records() != 0 {
		t.Errorf("%d marks and %v records are left", len(l.marks), l.records())
	}
}
