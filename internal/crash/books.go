package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/ingest"
	"github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/internal/kafka"
	"github.com/driftline/driftline/schemas"
)

// entry is one line of the books.
type entry struct {
	name      string
	want, got int64
}

// account is a number that the store must agree on with what was produced.
type account struct {
	name string
	sql  string
	want func(totals) int64
}

// totals of what was produced.
type totals struct {
	rows, sum, least, most, broken int64
}

func (t *truth) totals() totals {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := totals{rows: int64(len(t.good)), broken: int64(len(t.broken)), least: topValue}
	for _, a := range t.good {
		out.sum += int64(a)
		out.least, out.most = min(out.least, int64(a)), max(out.most, int64(a))
	}
	return out
}

func rows(t totals) int64  { return t.rows }
func sum(t totals) int64   { return t.sum }
func least(t totals) int64 { return t.least }
func most(t totals) int64  { return t.most }
func none(totals) int64    { return 0 }

// accounts are all that the store is asked. Arrays count from 1.
var accounts = []account{
	{"rows", "SELECT count() FROM inference_events", rows},
	{"rows: distinct Kafka positions", "SELECT uniqExact(_partition, _offset) FROM inference_events", rows},
	{"rows: distinct request ids", "SELECT uniqExact(request_id) FROM inference_events", rows},
	{"rows: sum of feature a", "SELECT sum(toFloat64(num[3])) FROM inference_events", sum},
	{"rows: least a", "SELECT min(num[3]) FROM inference_events", least},
	{"rows: greatest a", "SELECT max(num[3]) FROM inference_events", most},
	{"states: rows", "SELECT sum(rows) FROM feature_sketches_1m", rows},
	{"states: values of a", "SELECT sumForEachMerge(present)[3] FROM feature_sketches_1m", rows},
	{"states: sum of a", "SELECT sumForEachMerge(sums)[3] FROM feature_sketches_1m", sum},
	{"states: least a", "SELECT minForEachMerge(minima)[3] FROM feature_sketches_1m", least},
	{"states: greatest a", "SELECT maxForEachMerge(maxima)[3] FROM feature_sketches_1m", most},
	{"categories: rows at position 0", "SELECT sum(rows) FROM category_counts_1m WHERE position = 0", rows},
	{"categories: rows at position 1", "SELECT sum(rows) FROM category_counts_1m WHERE position = 1", rows},
	{"minutes whose state is not that of their rows", minutesApart, none},
	{"versions with feature a elsewhere", fmt.Sprintf("SELECT count() FROM model_schemas FINAL WHERE name = '%s' AND position != %d", feature, featurePosition), none},
}

// minutesApart compares rows and states minute by minute.
const minutesApart = `
SELECT countIf(abs(n) + abs(s) > 0) FROM (
	SELECT sum(n) AS n, sum(s) AS s FROM (
		SELECT model, version, segment, toStartOfMinute(toDateTime(timestamp, 'UTC')) AS minute, toInt64(count()) AS n, sum(toFloat64(num[3])) AS s
		FROM inference_events GROUP BY model, version, segment, minute
		UNION ALL
		SELECT model, version, segment, minute, -toInt64(sum(rows)) AS n, -sumForEachMerge(sums)[3] AS s
		FROM feature_sketches_1m GROUP BY model, version, segment, minute
	) GROUP BY model, version, segment, minute)`

// ask fills the store's side of the books.
func ask(ctx context.Context, db *clickhouse.DB, t totals) (out []entry, err error) {
	for _, a := range accounts {
		var got float64 // exact: all are whole numbers below 2^53
		if err := db.Conn().QueryRow(ctx, "SELECT toFloat64(("+a.sql+"))").Scan(&got); err != nil {
			return nil, fmt.Errorf("%s: %w", a.name, err)
		}
		out = append(out, entry{a.name, a.want(t), int64(got)})
	}
	return out, nil
}

// letters fills the dead letters' side. A letter may come twice after a
// crash; what counts is whose it is.
func (t *truth) letters(ctx context.Context, cl *kgo.Client, topic string) ([]entry, error) {
	seen, strangers, mute := map[origin]bool{}, int64(0), int64(0)
	err := readAll(ctx, cl, kafka.DLQ(topic), func(r *kgo.Record) error {
		at, reason, err := whence(r)
		if err != nil {
			return err
		}
		if !t.broken[at] {
			strangers++
		}
		if reason == "" {
			mute++
		}
		seen[at] = true
		return nil
	})
	return []entry{
		{"dead letters: distinct origins", int64(len(t.broken)), int64(len(seen))},
		{"dead letters of records that are not broken", 0, strangers},
		{"dead letters without a reason", 0, mute},
	}, err
}

func whence(r *kgo.Record) (at origin, reason string, err error) {
	for _, h := range r.Headers {
		var n int64
		switch h.Key {
		case ingest.HeaderReason:
			reason = string(h.Value)
		case ingest.HeaderPartition, ingest.HeaderOffset:
			if n, err = strconv.ParseInt(string(h.Value), 10, 64); err != nil {
				return at, "", fmt.Errorf("dead letter %d: header %s: %w", r.Offset, h.Key, err)
			}
		}
		switch h.Key {
		case ingest.HeaderPartition:
			at.partition = int32(n)
		case ingest.HeaderOffset:
			at.offset = n
		}
	}
	return at, reason, nil
}

// announced counts the minutes with rows that no announcement named.
func announced(ctx context.Context, cl *kgo.Client, windows string, db *clickhouse.DB) (entry, error) {
	type minute struct {
		model string
		at    int64
	}
	told := map[minute]bool{}
	err := readAll(ctx, cl, windows, func(r *kgo.Record) error {
		var touch schemas.Touch
		if err := json.Unmarshal(r.Value, &touch); err != nil {
			return fmt.Errorf("announcement %d: %w", r.Offset, err)
		}
		for _, s := range touch.Spans {
			for at := s.Start.Unix() / 60; at < s.End.Unix()/60; at++ {
				told[minute{touch.Model, at}] = true
			}
		}
		return nil
	})
	e := entry{name: "minutes with rows that were not announced"}
	if err != nil {
		return e, err
	}
	rows, err := db.Conn().Query(ctx, "SELECT DISTINCT model, intDiv(toInt64(toUnixTimestamp(toDateTime(timestamp, 'UTC'))), 60) FROM inference_events")
	if err != nil {
		return e, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var m minute
		if err := rows.Scan(&m.model, &m.at); err != nil {
			return e, err
		}
		if !told[m] {
			e.got++
		}
	}
	return e, rows.Err()
}

// differences are the entries that do not agree.
func differences(all []entry) []entry {
	return slices.DeleteFunc(slices.Clone(all), func(e entry) bool { return e.want == e.got })
}

// whichRows tells, where rows are missing or too many, which ones.
func (t *truth) whichRows(ctx context.Context, db *clickhouse.DB) ([]string, error) {
	rows, err := db.Conn().Query(ctx, "SELECT _partition, _offset, count() FROM inference_events GROUP BY ALL")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	times := map[origin]uint64{}
	for rows.Next() {
		var at origin
		var n uint64
		if err := rows.Scan(&at.partition, &at.offset, &n); err != nil {
			return nil, err
		}
		times[at] = n
	}
	return t.explain(times), rows.Err()
}

// explain lists ranges of positions that are stored another number of times
// than once.
func (t *truth) explain(times map[origin]uint64) (out []string) {
	for p, end := range t.ends {
		for o := int64(0); o < end; {
			at := origin{p, o}
			from, n := o, times[at]
			want := t.wanted(at)
			for o++; o < end && times[origin{p, o}] == n && t.wanted(origin{p, o}) == want; o++ {
			}
			if n != want {
				out = append(out, fmt.Sprintf("partition %d offsets [%d,%d): stored %d times instead of %d", p, from, o, n, want))
			}
		}
	}
	slices.Sort(out)
	return out
}

func (t *truth) wanted(at origin) uint64 {
	if _, ok := t.good[at]; ok {
		return 1
	}
	return 0
}
