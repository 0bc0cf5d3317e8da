package ingest_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/ingest"
)

func eventsTopic() ingest.Topic {
	return ingest.Topic{Topic: "in", Kind: ingest.Events, Format: ingest.FormatJSON, Tenant: "default"}
}

// send produces the events [from, to) into one partition.
func (r *rig) send(from, to int, change func(i int, value []byte) []byte) {
	r.Helper()
	for i := from; i < to; i++ {
		value := encode(r, ingest.FormatJSON, event(i))
		if change != nil {
			value = change(i, value)
		}
		r.cl.Produce(r.Context(), &kgo.Record{Topic: "in", Key: []byte("k"), Value: value}, nil)
	}
	check(r, r.cl.Flush(r.Context()))
}

// committed is what the group has committed of the busy partition.
func (r *rig) committed() (at kadm.Offset, end int64) {
	r.Helper()
	adm := kadm.NewClient(r.cl)
	offsets, err := adm.FetchOffsets(r.Context(), r.kafka.Group+"-ingest")
	check(r, err)
	ends, err := adm.ListEndOffsets(r.Context(), "in")
	check(r, err)
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > end {
			end = o.Offset
			c, _ := offsets.Lookup("in", o.Partition)
			at = c.Offset
		}
	})
	return at, end
}

// The store refuses three rows of a thousand. They become dead letters, all
// others are stored, in the table and in what views make of it.
func TestRefusedRowsAreFound(t *testing.T) { overKafkas(t, testRefusedRowsAreFound) }

func testRefusedRowsAreFound(t *testing.T, start starter) {
	r := newRig(t, start, eventsTopic())
	check(t, r.db.Conn().Exec(t.Context(), "ALTER TABLE inference_events ADD CONSTRAINT sane CHECK num[4] NOT IN (7, 400, 999)"))
	r.send(0, 1000, nil)
	set := metrics.NewSet()
	stop := r.run(set)
	until(t, "all rows", func() bool { return r.number("SELECT count() FROM inference_events") >= 997 })
	letters := r.consume("in.dlq", 3)
	stop()
	for _, l := range letters {
		if h := header(l, ingest.HeaderReason); h != "refused" {
			t.Errorf("reason %q", h)
		}
	}
	for _, sql := range []string{"SELECT count() FROM inference_events", "SELECT uniqExact(_offset) FROM inference_events", "SELECT sum(rows) FROM feature_sketches_1m"} {
		if got := r.number(sql); got != 997 {
			t.Errorf("%s gives %d, want 997", sql, got)
		}
	}
	if at, end := r.committed(); at.At != end || at.Metadata != "" {
		t.Errorf("committed %d %q of %d", at.At, at.Metadata, end)
	}
}

func header(r *kgo.Record, key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// Event times outside of what is kept, or far in the future, go to the
// dead-letter topic before they are in a batch.
func TestClocksAreSorted(t *testing.T) {
	r := newRig(t, fake, eventsTopic())
	r.cfg.MaxAge = 48 * time.Hour
	now := time.Now()
	times := map[int]time.Time{0: now, 1: now.Add(-47 * time.Hour), 2: now.Add(-49 * time.Hour), 3: now.Add(23 * time.Hour), 4: now.Add(25 * time.Hour)}
	r.send(0, 5, func(i int, _ []byte) []byte {
		return fmt.Appendf(nil, `{"model":"m","request_id":"r%d","timestamp":%d}`, i, times[i].UnixMilli())
	})
	stop := r.run(metrics.NewSet())
	until(t, "three rows", func() bool { return r.number("SELECT count() FROM inference_events") == 3 })
	reasons := map[string]int{}
	for _, l := range r.consume("in.dlq", 2) {
		reasons[header(l, ingest.HeaderReason)]++
	}
	stop()
	if reasons["too_old"] != 1 || reasons["in_future"] != 1 {
		t.Error(reasons)
	}
}

// A batch was left unfinished, and the store has forgotten its token: with a
// part of its rows in the table, only the others are stored.
func TestForgottenBatchesAreReconciled(t *testing.T) {
	overKafkas(t, testForgottenBatchesAreReconciled)
}

func testForgottenBatchesAreReconciled(t *testing.T, start starter) {
	r := newRig(t, start, eventsTopic())
	r.cfg.BatchRows = 100
	r.send(0, 250, func(i int, _ []byte) []byte { // two days
		e := event(i)
		e.Time = noon.Add(time.Duration(i%2) * 24 * time.Hour)
		return encode(t, ingest.FormatJSON, e)
	})
	stop := r.run(metrics.NewSet())
	until(t, "all rows", func() bool { return r.number("SELECT count() FROM inference_events") == 250 })
	stop()

	// As if the owner had crashed long ago with one of the two days stored.
	check(t, r.db.Conn().Exec(t.Context(), "ALTER TABLE inference_events DROP PARTITION '2026-03-02'"))
	r.forget("inference_events", "feature_sketches_1m")
	_, end := r.committed()
	r.pretend(0, fmt.Sprintf("v1|pend=%d|at=%d|rules=x", end, time.Now().Add(-time.Hour).UnixMilli()))
	set := metrics.NewSet()
	stop = r.run(set)
	until(t, "the missing day", func() bool { return r.number("SELECT count() FROM inference_events") >= 250 })
	stop()
	if all, ids := r.number("SELECT count() FROM inference_events"), r.number("SELECT uniqExact(request_id) FROM inference_events"); all != 250 || ids != 250 {
		t.Errorf("%d rows of %d records, want 250", all, ids)
	}
	if n := total(set, "driftline_ingest_reconciled_total"); n != 1 {
		t.Errorf("%d batches reconciled, want 1", n)
	}
}

// A store that was killed knows the token of rows that it does not have, in the
// table or in what is summed up. Whoever repeats the batch finds out and sends
// what is missing.
func TestLostPartsAreRestored(t *testing.T) {
	for _, lost := range [][]string{eventTables, eventTables[:1], eventTables[1:]} {
		t.Run(strings.Join(lost, ","), func(t *testing.T) { testLostPartsAreRestored(t, lost) })
	}
}

var eventTables = []string{"inference_events", "feature_sketches_1m"}

func testLostPartsAreRestored(t *testing.T, lost []string) {
	r := newRig(t, fake, eventsTopic())
	r.send(0, 250, func(i int, _ []byte) []byte { // two days
		e := event(i)
		e.Time = noon.Add(time.Duration(i%2)*24*time.Hour + time.Duration(i)*time.Second)
		return encode(t, ingest.FormatJSON, e)
	})
	r.cfg.FlushInterval = time.Second // all in one batch
	stop := r.run(metrics.NewSet())
	until(t, "all states", func() bool { return r.number("SELECT sum(rows) FROM feature_sketches_1m") == 250 })
	stop()
	for _, table := range lost { // a mutation takes rows away and leaves tokens
		column := "minute"
		if table == eventTables[0] {
			column = "timestamp"
		}
		check(t, r.db.Conn().Exec(t.Context(), "ALTER TABLE "+table+" DELETE WHERE toDate("+column+") = '2026-03-02' SETTINGS mutations_sync = 2"))
	}
	_, end := r.committed()
	r.pretend(0, fmt.Sprintf("v1|pend=%d|at=%d|rules=x", end, time.Now().UnixMilli()))
	set := metrics.NewSet()
	stop = r.run(set)
	until(t, "the batch repeated", func() bool { at, _ := r.committed(); return at.At == end && at.Metadata == "" })
	stop()
	for _, sql := range []string{
		"SELECT count() FROM inference_events", "SELECT uniqExact(request_id) FROM inference_events",
		"SELECT sum(rows) FROM feature_sketches_1m", "SELECT sumIf(rows, position = 0) FROM category_counts_1m",
	} {
		if n := r.number(sql); n != 250 {
			t.Errorf("%s gives %d, want 250", sql, n)
		}
	}
	if total(set, "driftline_ingest_restored_rows_total") == 0 {
		t.Error("nothing was restored")
	}
}

// forget makes the tables forget their tokens.
func (r *rig) forget(tables ...string) {
	r.Helper()
	for _, table := range tables {
		check(r, r.db.Conn().Exec(r.Context(), "ALTER TABLE "+table+" MODIFY SETTING non_replicated_deduplication_window = 0"))
		check(r, r.db.Conn().Exec(r.Context(), "ALTER TABLE "+table+" MODIFY SETTING non_replicated_deduplication_window = 100000"))
	}
}

// pretend commits for a group that has no members.
func (r *rig) pretend(at int64, metadata string) {
	r.Helper()
	adm := kadm.NewClient(r.cl)
	ends, err := adm.ListEndOffsets(r.Context(), "in")
	check(r, err)
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			offsets := kadm.Offsets{}
			offsets.Add(kadm.Offset{Topic: "in", Partition: o.Partition, At: at, LeaderEpoch: -1, Metadata: metadata})
			check(r, adm.CommitAllOffsets(r.Context(), r.kafka.Group+"-ingest", offsets))
		}
	})
}

// The log was cut off before it was read: what is gone is counted as lost, and
// the rest is stored.
func TestLostRecordsAreCounted(t *testing.T) { overKafkas(t, testLostRecordsAreCounted) }

func testLostRecordsAreCounted(t *testing.T, start starter) {
	r := newRig(t, start, eventsTopic())
	r.send(0, 100, nil)
	stop := r.run(metrics.NewSet())
	until(t, "the first rows", func() bool { return r.number("SELECT count() FROM inference_events") == 100 })
	stop()
	r.send(100, 200, nil)
	_, end := r.committed()
	r.truncate(end - 40)
	set := metrics.NewSet()
	stop = r.run(set)
	until(t, "the rest", func() bool { return r.number("SELECT count() FROM inference_events") == 140 })
	stop()
	if n := total(set, "driftline_ingest_lost_records_total"); n != 60 {
		t.Errorf("%d records lost, want 60", n)
	}
}

// truncate deletes the log below an offset.
func (r *rig) truncate(before int64) {
	r.Helper()
	adm := kadm.NewClient(r.cl)
	ends, err := adm.ListEndOffsets(r.Context(), "in")
	check(r, err)
	offsets := kadm.Offsets{}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			offsets.Add(kadm.Offset{Topic: "in", Partition: o.Partition, At: before, LeaderEpoch: -1})
		}
	})
	_, err = adm.DeleteRecords(r.Context(), offsets)
	check(r, err)
}

// Transactions leave markers and aborted records in the log. The group commits
// past them, so that its lag ends at 0.
func TestTransactionsEndAtNoLag(t *testing.T) { overKafkas(t, testTransactionsEndAtNoLag) }

func testTransactionsEndAtNoLag(t *testing.T, start starter) {
	r := newRig(t, start, eventsTopic())
	cl, err := r.kafka.Dial(kgo.TransactionalID("producer"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	check(t, err)
	defer cl.Close()
	stop := r.run(metrics.NewSet())
	for i, end := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort, kgo.TryCommit, kgo.TryAbort} {
		check(t, cl.BeginTransaction())
		for k := range 10 {
			value := encode(t, ingest.FormatJSON, event(10*i+k))
			check(t, cl.ProduceSync(t.Context(), &kgo.Record{Topic: "in", Partition: 1, Key: strconv.AppendInt(nil, int64(k), 10), Value: value}).FirstErr())
		}
		check(t, cl.EndTransaction(context.WithoutCancel(t.Context()), end))
	}
	until(t, "no lag", func() bool { at, end := r.committed(); return at.At == end && at.Metadata == "" })
	stop()
	if n := r.number("SELECT count() FROM inference_events"); n != 20 {
		t.Errorf("%d rows, want 20", n)
	}
}
