package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/ingest"
	"github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/internal/embedded/embeddedtest"
	"github.com/driftline/driftline/internal/kafka"
	"github.com/driftline/driftline/schemas/ddl"
)

// aStore with a hundred good records in it, as ingest would have stored them.
func aStore(t *testing.T) (*clickhouse.DB, *truth) {
	t.Helper()
	embeddedtest.RequireLibrary(t)
	s, err := startStore(t.Context(), filepath.Join(t.TempDir(), "store"))
	check(t, err)
	t.Cleanup(s.close)
	db, err := s.open()
	check(t, err)
	t.Cleanup(func() { _ = db.Close() })
	tr := newTruth()
	var values []string
	for i := range 100 {
		at, a := origin{int32(i % 2), int64(i / 2)}, float64(10*i)
		tr.add(at, record{a: a})
		values = append(values, fmt.Sprintf("('m', 'v', '2026-03-01 00:%02d:00', 'r%d', [0.5, nan, %g], ['yes', 'x'], %d, %d)", i%3, i, a, at.partition, at.offset))
	}
	execute(t, db, "INSERT INTO inference_events (model, version, timestamp, request_id, num, cat, _partition, _offset) VALUES "+strings.Join(values, ","))
	execute(t, db, ddl.Rebuild(ddl.Form{}, "1")) // as ingest would sum them up
	return db, tr
}

func execute(t *testing.T, db *clickhouse.DB, sql string) {
	t.Helper()
	check(t, db.Conn().Exec(t.Context(), sql))
}

// wrong asks the store and names the entries that differ.
func wrong(t *testing.T, db *clickhouse.DB, tr *truth) (names []string) {
	t.Helper()
	all, err := ask(t.Context(), db, tr.totals())
	check(t, err)
	for _, e := range differences(all) {
		names = append(names, e.name)
	}
	return names
}

func TestBooksBalance(t *testing.T) {
	db, tr := aStore(t)
	if w := wrong(t, db, tr); len(w) > 0 {
		t.Errorf("all is well, and the books differ in %v", w)
	}
}

func TestBooksNoticeWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		sql  string
		want []string // among the entries that differ
		row  string   // among the rows that are explained
	}{
		"a row twice": {
			"INSERT INTO inference_events SELECT * FROM inference_events WHERE request_id = 'r7'",
			[]string{"rows", "rows: sum of feature a", "minutes whose state is not that of their rows"},
			"partition 1 offsets [3,4): stored 2 times instead of 1",
		},
		"a row lost from table and states": {
			"ALTER TABLE inference_events DELETE WHERE request_id = 'r99' SETTINGS mutations_sync = 2",
			[]string{"rows", "rows: distinct Kafka positions", "rows: distinct request ids", "rows: greatest a", "minutes whose state is not that of their rows"},
			"partition 1 offsets [49,50): stored 0 times instead of 1",
		},
		"states of a minute twice": {
			"INSERT INTO feature_sketches_1m SELECT * FROM feature_sketches_1m WHERE toMinute(minute) = 1",
			[]string{"states: rows", "states: values of a", "states: sum of a", "minutes whose state is not that of their rows", "categories: rows at position 0", "categories: rows at position 1"},
			"",
		},
		"states of a minute lost": {
			"ALTER TABLE feature_sketches_1m DELETE WHERE toMinute(minute) = 0 SETTINGS mutations_sync = 2",
			[]string{"states: rows", "states: least a", "states: greatest a", "categories: rows at position 0", "categories: rows at position 1"},
			"",
		},
		"a feature that moved": {
			"INSERT INTO model_schemas (model, version, kind, position, name) VALUES ('m', 'v', 'numeric', 3, 'a')",
			[]string{"versions with feature a elsewhere"},
			"",
		},
	} {
		t.Run(name, func(t *testing.T) {
			db, tr := aStore(t)
			execute(t, db, c.sql)
			got := wrong(t, db, tr)
			for _, w := range c.want {
				if !slices.Contains(got, w) {
					t.Errorf("%q is not noticed; only %q", w, got)
				}
			}
			rows, err := tr.whichRows(t.Context(), db)
			check(t, err)
			if c.row != "" && !slices.Contains(rows, c.row) {
				t.Errorf("the rows are explained as %q, without %q", rows, c.row)
			}
		})
	}
}

func TestLettersAreCountedByOrigin(t *testing.T) {
	fake := embeddedtest.Kafka(t)
	cfg := kafka.DefaultConfig()
	cfg.Brokers = fake.Addrs()
	cl, err := cfg.Dial(kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	check(t, err)
	defer cl.Close()
	check(t, kafka.CreateTopics(t.Context(), cl, 2, kafka.DLQ(topic)))
	tr := newTruth()
	tr.add(origin{0, 1}, record{broken: true})
	tr.add(origin{1, 5}, record{broken: true})
	letter := func(partition, offset, reason string) {
		check(t, cl.ProduceSync(t.Context(), &kgo.Record{Topic: kafka.DLQ(topic), Headers: []kgo.RecordHeader{
			{Key: ingest.HeaderPartition, Value: []byte(partition)}, {Key: ingest.HeaderOffset, Value: []byte(offset)}, {Key: ingest.HeaderReason, Value: []byte(reason)},
		}}).FirstErr())
	}
	entries := func() string {
		all, err := tr.letters(t.Context(), cl, topic)
		check(t, err)
		return fmt.Sprint(all[0].got, all[1].got, all[2].got, " of ", all[0].want)
	}
	letter("0", "1", "bad_protobuf")
	letter("0", "1", "bad_protobuf") // again after a crash
	if got := entries(); got != "1 0 0 of 2" {
		t.Error("one of two, twice: ", got)
	}
	letter("1", "5", "bad_protobuf")
	if got := entries(); got != "2 0 0 of 2" {
		t.Error("both: ", got)
	}
	letter("1", "6", "")
	if got := entries(); got != "3 1 1 of 2" {
		t.Error("and one of a good record, without a reason: ", got)
	}
}
