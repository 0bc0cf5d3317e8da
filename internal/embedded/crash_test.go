package embedded_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"

	"github.com/driftline/driftline/internal/embedded/embeddedtest"
)

const (
	crashRounds  = 3
	crashWriters = 3
	crashRows    = 20_000 // per batch
)

// Kill the process in the middle of inserts, several times. Every batch that
// was acknowledged must be whole, in the table and in its view; every other
// must become so when it is sent again with the same token.
func TestKillDuringInserts(t *testing.T) {
	embeddedtest.RequireLibrary(t)
	dir, log := t.TempDir(), &crashLog{acked: map[uint64]bool{}, open: map[uint64]bool{}}
	for round := range crashRounds {
		c := startChild(t, dir)
		if round == 0 {
			createCrashTables(t, c.addr)
		}
		log.writeUntilKilled(t, c, uint64(5*(round+1)))

		c = startChild(t, dir)
		log.check(t, c.addr)
		c.stop(t)
	}
}

func createCrashTables(t *testing.T, addr string) {
	t.Helper()
	c := dial(t, addr)
	// Without a window on the view's target too, a retry would add to it twice.
	const dedup = " SETTINGS non_replicated_deduplication_window = 10000"
	for _, ddl := range []string{
		"CREATE TABLE raw (b UInt64, v UInt64, m LowCardinality(String)) ENGINE = MergeTree ORDER BY (b, v)" + dedup,
		"CREATE TABLE agg (b UInt64, n UInt64) ENGINE = SummingMergeTree ORDER BY b" + dedup,
		"CREATE MATERIALIZED VIEW mv TO agg AS SELECT b, count() AS n FROM raw GROUP BY b",
	} {
		must(t, c.Do(t.Context(), ch.Query{Body: ddl}))
	}
}

func dial(t *testing.T, addr string) *ch.Client {
	t.Helper()
	c, err := ch.Dial(t.Context(), ch.Options{Address: addr, Compression: ch.CompressionLZ4})
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func insertBatch(ctx context.Context, c *ch.Client, batch uint64) error {
	var b, v proto.ColUInt64
	m := proto.NewLowCardinality(new(proto.ColStr))
	for i := range crashRows {
		b.Append(batch)
		v.Append(uint64(i))
		m.Append(fmt.Sprint("m", i%10))
	}
	in := proto.Input{{Name: "b", Data: &b}, {Name: "v", Data: &v}, {Name: "m", Data: m}}
	return c.Do(ctx, ch.Query{
		Body: in.Into("raw"), Input: in,
		Settings: []ch.Setting{{Key: "insert_deduplication_token", Value: fmt.Sprint("batch-", batch), Important: true}},
	})
}

// crashLog is what the writers know of their batches.
type crashLog struct {
	sync.Mutex
	next  uint64
	acked map[uint64]bool
	open  map[uint64]bool // sent, fate unknown
}

// writeUntilKilled writes until after acknowledgements, then kills.
func (l *crashLog) writeUntilKilled(t *testing.T, c *child, after uint64) {
	t.Helper()
	enough := make(chan struct{})
	var once sync.Once
	var wg sync.WaitGroup
	start := len(l.acked)
	for range crashWriters {
		w := dial(t, c.addr)
		wg.Go(func() {
			for {
				b := l.begin()
				if err := insertBatch(t.Context(), w, b); err != nil {
					return
				}
				if l.ack(b) >= start+int(after) {
					once.Do(func() { close(enough) })
				}
			}
		})
	}
	<-enough
	c.kill()
	wg.Wait()
}

func (l *crashLog) begin() uint64 {
	l.Lock()
	defer l.Unlock()
	b := l.next
	l.next++
	l.open[b] = true
	return b
}

func (l *crashLog) ack(b uint64) (acked int) {
	l.Lock()
	defer l.Unlock()
	delete(l.open, b)
	l.acked[b] = true
	return len(l.acked)
}

// check compares the tables with what was acknowledged, sends the open
// batches again, and wants every batch exactly once.
func (l *crashLog) check(t *testing.T, addr string) {
	t.Helper()
	c := dial(t, addr)
	raw, view := batchSizes(t, c, "SELECT b, count() AS n FROM raw GROUP BY b"), batchSizes(t, c, "SELECT b, sum(n) AS n FROM agg GROUP BY b")
	for b := range l.acked {
		if raw[b] != crashRows || view[b] != crashRows {
			t.Errorf("acknowledged batch %d has %d rows, %d in the view", b, raw[b], view[b])
		}
	}
	committed, behind := 0, 0
	for b := range l.open {
		switch {
		case raw[b] != 0 && raw[b] != crashRows, view[b] != 0 && view[b] != crashRows:
			t.Errorf("torn batch %d has %d rows, %d in the view", b, raw[b], view[b])
		case view[b] != raw[b]:
			behind++
		case raw[b] > 0:
			committed++
		}
	}
	t.Logf("%d acknowledged; %d in flight: %d committed, %d with the view behind", len(l.acked), len(l.open), committed, behind)
	for b := range l.open {
		must(t, insertBatch(t.Context(), c, b))
		l.acked[b] = true
	}
	clear(l.open)
	raw, view = batchSizes(t, c, "SELECT b, count() AS n FROM raw GROUP BY b"), batchSizes(t, c, "SELECT b, sum(n) AS n FROM agg GROUP BY b")
	for b := range l.next {
		if raw[b] != crashRows || view[b] != crashRows {
			t.Errorf("after the retry batch %d has %d rows, %d in the view", b, raw[b], view[b])
		}
	}
}

func batchSizes(t *testing.T, c *ch.Client, sql string) map[uint64]uint64 {
	t.Helper()
	var b, n proto.ColUInt64
	out := map[uint64]uint64{}
	must(t, c.Do(t.Context(), ch.Query{
		Body:   sql,
		Result: proto.Results{{Name: "b", Data: &b}, {Name: "n", Data: &n}},
		OnResult: func(context.Context, proto.Block) error {
			for i := range b.Rows() {
				out[b.Row(i)] = n.Row(i)
			}
			return nil
		},
	}))
	return out
}
