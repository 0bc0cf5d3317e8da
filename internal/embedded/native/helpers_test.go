package native_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/driftline/driftline/internal/embedded"
	"github.com/driftline/driftline/internal/embedded/embeddedtest"
)

var compressions = map[string]*clickhouse.Compression{
	"none": nil,
	"lz4":  {Method: clickhouse.CompressionLZ4},
	"zstd": {Method: clickhouse.CompressionZSTD},
}

func server(t testing.TB, edits ...func(*embedded.ClickHouseConfig)) *embedded.ClickHouse {
	t.Helper()
	return embeddedtest.ClickHouse(t, edits...)
}

// open is a clickhouse-go client of one connection.
func open(t testing.TB, addr string, edits ...func(*clickhouse.Options)) driver.Conn {
	t.Helper()
	o := &clickhouse.Options{Addr: []string{addr}, MaxOpenConns: 1, MaxIdleConns: 1}
	for _, edit := range edits {
		edit(o)
	}
	conn, err := clickhouse.Open(o)
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func compressed(c *clickhouse.Compression) func(*clickhouse.Options) {
	return func(o *clickhouse.Options) { o.Compression = c }
}

// dial is a ch-go client, which keeps its connection through exceptions.
func dial(t testing.TB, addr string, c ch.Compression) *ch.Client {
	t.Helper()
	client, err := ch.Dial(t.Context(), ch.Options{Address: addr, Compression: c})
	must(t, err)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// code is the number of a ClickHouse exception of either client, -1 if err is
// none.
func code(err error) int {
	if a, ok := errors.AsType[*clickhouse.Exception](err); ok {
		return int(a.Code)
	}
	if b, ok := ch.AsException(err); ok {
		return int(b.Code)
	}
	return -1
}

func wantCode(t testing.TB, err error, want ...int) {
	t.Helper()
	for _, w := range want {
		if code(err) == w {
			return
		}
	}
	t.Fatalf("code %d, want %v: %v", code(err), want, err)
}

func exec(t testing.TB, c driver.Conn, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if err := c.Exec(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func wantCount(t testing.TB, c driver.Conn, from string, want uint64) {
	t.Helper()
	var n uint64
	must(t, c.QueryRow(t.Context(), "SELECT count() FROM "+from).Scan(&n))
	if n != want {
		t.Fatalf("%s has %d rows, want %d", from, n, want)
	}
}

// eventually polls until ok.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatal("never happened: ", what)
		case <-tick.C:
		}
	}
}

// drain reads a result to its end.
func drain(rows driver.Rows, err error) error {
	if err != nil {
		return err
	}
	for rows.Next() {
	}
	return rows.Err()
}

func columnList(b driver.Batch) string {
	var out []string
	for _, c := range b.Columns() {
		out = append(out, c.Name()+" "+string(c.Type()))
	}
	return strings.Join(out, ", ")
}

func uint64s(n int, from uint64) *proto.ColUInt64 {
	c := new(proto.ColUInt64)
	for i := range n {
		c.Append(from + uint64(i))
	}
	return c
}

func do(t testing.TB, c *ch.Client, q ch.Query) {
	t.Helper()
	if err := c.Do(t.Context(), q); err != nil {
		t.Fatalf("%s: %v", q.Body, err)
	}
}

func chCount(t testing.TB, c *ch.Client, from string) uint64 {
	t.Helper()
	var n proto.ColUInt64
	do(t, c, ch.Query{Body: fmt.Sprintf("SELECT count() AS n FROM %s", from), Result: proto.Results{{Name: "n", Data: &n}}})
	return n.Row(0)
}
