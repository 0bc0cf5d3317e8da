package native_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// running counts the statements of others in the engine.
func running(t testing.TB, c driver.Conn) (n uint64) {
	t.Helper()
	must(t, c.QueryRow(t.Context(), "SELECT count() FROM system.processes WHERE query NOT LIKE '%system.processes%'").Scan(&n))
	return n
}

func TestCancelFreesTheEngine(t *testing.T) {
	s := server(t)
	watcher := open(t, s.Addr())
	for name, sql := range map[string]string{
		"sleep":         "SELECT sleepEachRow(0.2) FROM numbers(1000) SETTINGS max_block_size = 1, function_sleep_max_microseconds_per_block = 100000000",
		"no rows yet":   "SELECT sum(sipHash64(number)) FROM numbers(1000000000000)",
		"endless rows":  "SELECT number FROM numbers(1000000000000)",
		"insert select": "INSERT INTO FUNCTION null('a UInt64') SELECT sum(sipHash64(number)) FROM numbers(1000000000000)",
	} {
		t.Run(name, func(t *testing.T) {
			c := open(t, s.Addr())
			before := s.Stats().Cancelled
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			result := make(chan error, 1)
			go func() {
				if strings.HasPrefix(sql, "INSERT") {
					result <- c.Exec(ctx, sql)
				} else {
					result <- drain(c.Query(ctx, sql))
				}
			}()
			eventually(t, "the statement runs", func() bool { return running(t, watcher) == 1 })
			start := time.Now()
			cancel()
			if err := <-result; err == nil {
				t.Fatal("no error")
			}
			eventually(t, "the engine is free", func() bool { return running(t, watcher) == 0 })
			if s.Stats().Cancelled == before {
				t.Error("not counted")
			}
			t.Log("free after", time.Since(start).Round(time.Millisecond))
		})
	}
}

// Close must not wait for what would never end.
func TestCloseStopsStatements(t *testing.T) {
	s := server(t)
	watcher, c := open(t, s.Addr()), open(t, s.Addr())
	result := make(chan error, 1)
	go func() {
		result <- drain(c.Query(t.Context(), "SELECT sum(sipHash64(number)) FROM numbers(1000000000000)"))
	}()
	eventually(t, "the statement runs", func() bool { return running(t, watcher) == 1 })
	must(t, s.Close())
	if err := <-result; err == nil {
		t.Fatal("no error")
	}
}

// A client that goes away in the middle of an INSERT leaves no half block.
func TestAbortedInsertLeavesNothing(t *testing.T) {
	s := server(t)
	c := open(t, s.Addr())
	exec(t, c, "CREATE TABLE ab (a UInt32) ENGINE = MergeTree ORDER BY a")
	b, err := c.PrepareBatch(t.Context(), "INSERT INTO ab")
	must(t, err)
	for i := range 1000 {
		must(t, b.Append(uint32(i)))
	}
	must(t, b.Flush())
	must(t, b.Append(uint32(1)))
	must(t, b.Abort())
	eventually(t, "the server noticed", func() bool { return s.Stats().Connections == 0 })
	wantCount(t, open(t, s.Addr()), "ab", 0)
}

func TestConcurrentClients(t *testing.T) {
	s := server(t)
	setup := open(t, s.Addr())
	exec(t, setup, "CREATE TABLE cc (w UInt8, a UInt64, s LowCardinality(String)) ENGINE = MergeTree ORDER BY a")
	methods := []*clickhouse.Compression{nil, compressions["lz4"], compressions["zstd"]}
	var wg sync.WaitGroup
	for w := range 8 {
		c := open(t, s.Addr(), compressed(methods[w%3]))
		wg.Go(func() {
			if err := insertAndCheck(t.Context(), c, uint8(w)); err != nil {
				t.Errorf("client %d: %v", w, err)
			}
		})
	}
	wg.Wait()
	wantCount(t, setup, "cc", 40_000)
}

func insertAndCheck(ctx context.Context, c driver.Conn, w uint8) error {
	for k := range 5 {
		b, err := c.PrepareBatch(ctx, "INSERT INTO cc")
		if err != nil {
			return err
		}
		for i := range 1000 {
			if err := b.Append(w, uint64(k*1000+i), fmt.Sprint(i%7)); err != nil {
				return err
			}
		}
		if err := b.Send(); err != nil {
			return err
		}
		var n uint64
		if err := c.QueryRow(ctx, "SELECT count() FROM cc WHERE w = {w:UInt8}", clickhouse.Named("w", w)).Scan(&n); err != nil {
			return err
		}
		if n != uint64(k+1)*1000 {
			return fmt.Errorf("sees %d rows after batch %d", n, k)
		}
		if err := drain(c.Query(ctx, "SELECT nope FROM cc")); code(err) != 47 {
			return fmt.Errorf("wanted code 47: %w", err)
		}
	}
	return nil
}

// Four statements that sleep for 0.5 s take less than four times that.
func TestStatementsRunSideBySide(t *testing.T) {
	s := server(t)
	var wg sync.WaitGroup
	start := time.Now()
	for range 4 {
		c := open(t, s.Addr())
		wg.Go(func() {
			if err := c.Exec(t.Context(), "SELECT sleep(0.5)"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if d := time.Since(start); d >= 2*time.Second {
		t.Error("one after another: ", d)
	}
}
