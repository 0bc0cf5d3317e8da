package tables

import (
	"cmp"
	"context"
	"slices"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/driftline/driftline/detectors/silent"
)

func named(name string, v any) any { return ch.Named(name, v) }

// feeds reads the series of each source. Series that differ in labels only are
// one, and samples of one time are one.
func (q *question) feeds(ctx context.Context) error {
	sql := `SELECT source, metric, concatWithSeparator('/', node, gpu, pod) AS place, min(model), max(model), min(timestamp), max(timestamp), uniqExact(timestamp)
		FROM telemetry WHERE ` + between("timestamp", "from", "until") + ` GROUP BY source, metric, place ORDER BY source, metric, place LIMIT 100000`
	args := q.args(map[string]time.Time{"from": q.Now.Add(-q.Before - q.Recent), "until": q.Now})
	return q.each(ctx, sql, args, func(rows driver.Rows) error {
		var source, low, high string
		var s silent.Series
		if err := rows.Scan(&source, &s.Metric, &s.Place, &low, &high, &s.First, &s.Last, &s.Samples); err != nil {
			return err
		}
		source = cmp.Or(source, "telemetry")
		model := low
		if low != high {
			model = ""
		}
		all := &q.snapshot.Feeds
		i := slices.IndexFunc(*all, func(f silent.Feed) bool { return f.Name == source })
		if i < 0 {
			i = len(*all)
			*all = append(*all, silent.Feed{Name: source, Model: model})
		}
		f := &(*all)[i]
		if f.Model != model {
			f.Model = ""
		}
		f.Series = append(f.Series, s)
		return nil
	})
}

// consumers reads the offsets that exporters of consumer groups tell.
func (q *question) consumers(ctx context.Context) error {
	type partition struct{ topic, number string }
	ends := map[partition][]silent.Poll{}
	sql := `SELECT metric = {end:String}, labels['consumergroup'], labels['topic'], labels['partition'], timestamp, toInt64(max(value))
		FROM telemetry WHERE ` + between("timestamp", "from", "until") + ` AND metric IN ({committed:String}, {end:String}) AND value >= 0 AND isFinite(value)
		GROUP BY 1, 2, 3, 4, 5 ORDER BY 1 DESC, 2, 3, 4, 5 LIMIT 1000000`
	args := q.args(map[string]time.Time{"from": q.Now.Add(-q.Recent), "until": q.Now})
	args = append(args, named("committed", q.CommittedMetric), named("end", q.EndMetric))
	return q.each(ctx, sql, args, func(rows driver.Rows) error {
		var isEnd uint8
		var group string
		var p partition
		var at time.Time
		var offset int64
		if err := rows.Scan(&isEnd, &group, &p.topic, &p.number, &at, &offset); err != nil {
			return err
		}
		if isEnd > 0 { // all of them come first
			ends[p] = append(ends[p], silent.Poll{Time: at, End: offset})
			return nil
		}
		end, known := endAt(ends[p], at)
		if !known {
			return nil
		}
		all := &q.snapshot.Consumers
		if n := len(*all); n == 0 || (*all)[n-1].Group != group || (*all)[n-1].Topic != p.topic || (*all)[n-1].Partition != p.number {
			*all = append(*all, silent.Consumer{Group: group, Topic: p.topic, Partition: p.number})
		}
		c := &(*all)[len(*all)-1]
		c.Polls = append(c.Polls, silent.Poll{Time: at, Committed: offset, End: end})
		return nil
	})
}

// endAt is the newest end of a log at a time; false when none is known yet.
func endAt(ends []silent.Poll, at time.Time) (int64, bool) {
	i, found := slices.BinarySearchFunc(ends, at, func(p silent.Poll, t time.Time) int { return p.Time.Compare(t) })
	if found {
		i++
	}
	if i == 0 {
		return 0, false
	}
	return ends[i-1].End, true
}
