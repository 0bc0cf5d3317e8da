package native_test

import (
	"context"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

func TestDeduplicationToken(t *testing.T) {
	c := open(t, server(t).Addr(), compressed(compressions["lz4"]))
	exec(t, c, "CREATE TABLE dt (a UInt32) ENGINE = MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 100")
	for _, step := range []struct {
		token string
		rows  int
		want  uint64 // rows in the table afterwards
	}{
		{"tok-1", 10, 10},
		{"tok-1", 10, 10},
		{"tok-'2\\", 7, 17},
		{"tok-'2\\", 7, 17},
		{"", 3, 20}, // the last token must not stick to the session
		{"", 4, 24},
	} {
		set := clickhouse.Settings{}
		if step.token != "" {
			set["insert_deduplication_token"] = step.token
		}
		sendNumbers(t, c, "dt", step.rows, set)
		wantCount(t, c, "dt", step.want)
	}
}

// The engine has no asynchronous inserts: they are simply done.
func TestAsyncInsertIsSynchronous(t *testing.T) {
	c := open(t, server(t).Addr())
	exec(t, c, "CREATE TABLE ai (a UInt32) ENGINE = MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 100")
	set := clickhouse.Settings{"async_insert": 1, "wait_for_async_insert": 1, "insert_deduplication_token": "t"}
	sendNumbers(t, c, "ai", 5, set)
	sendNumbers(t, c, "ai", 5, set)
	wantCount(t, c, "ai", 5)
	async := clickhouse.Context(t.Context(), clickhouse.WithAsync(false))
	must(t, c.Exec(async, "INSERT INTO ai VALUES (78)"))
	eventually(t, "the row is there", func() bool {
		var n uint64
		must(t, c.QueryRow(t.Context(), "SELECT count() FROM ai").Scan(&n))
		return n == 6
	})
}

func sendNumbers(t *testing.T, c driver.Conn, table string, rows int, set clickhouse.Settings) {
	t.Helper()
	b, err := c.PrepareBatch(clickhouse.Context(t.Context(), clickhouse.WithSettings(set)), "INSERT INTO "+table)
	must(t, err)
	for i := range rows {
		must(t, b.Append(uint32(i)))
	}
	must(t, b.Send())
}

// The sample block must follow every change that goes through the server.
func TestDescribeIsCachedUntilTheSchemaMoves(t *testing.T) {
	s := server(t)
	ddl, c := open(t, s.Addr()), open(t, s.Addr())
	exec(t, ddl, "CREATE DATABASE d1 ENGINE = Atomic", "CREATE DATABASE d2 ENGINE = Atomic",
		"CREATE TABLE d1.t (a UInt32, m UInt8 MATERIALIZED 1) ENGINE = MergeTree ORDER BY a",
		"CREATE TABLE d1.other (z String) ENGINE = MergeTree ORDER BY z",
		"CREATE TABLE d2.t (q Int8) ENGINE = MergeTree ORDER BY q")
	exec(t, c, "USE d1")
	columns := func() string {
		t.Helper()
		b, err := c.PrepareBatch(t.Context(), "INSERT INTO t")
		must(t, err)
		list := columnList(b)
		must(t, b.Send())
		return list
	}
	for _, step := range []struct {
		conn driver.Conn // that runs ddl
		ddl  string
		want string
		hits uint64 // that two inserts after it add
	}{
		{nil, "", "a UInt32", 1},
		{ddl, "SELECT 1", "a UInt32", 2},
		{ddl, "INSERT INTO d1.other VALUES ('x')", "a UInt32", 2},
		{ddl, "SET max_threads = 2", "a UInt32", 2},
		{ddl, "ALTER TABLE d1.t ADD COLUMN b String", "a UInt32, b String", 1},
		{ddl, "/* c */ alter table d1.t RENAME COLUMN b TO c", "a UInt32, c String", 1},
		{ddl, "ALTER TABLE d1.t NOSUCH", "a UInt32, c String", 1}, // an error may have done half of it
		{ddl, "EXCHANGE TABLES d1.t AND d1.other", "z String", 1},
		{ddl, "RENAME TABLE d1.t TO d1.gone, d1.other TO d1.t", "a UInt32, c String", 1},
		{ddl, "DROP TABLE d1.t", "", 0},
		{ddl, "CREATE TABLE d1.t (n Float64) ENGINE = MergeTree ORDER BY tuple()", "n Float64", 1},
		{ddl, "DETACH TABLE d1.t", "", 0},
		{ddl, "ATTACH TABLE d1.t", "n Float64", 1},
		{c, "USE d2", "q Int8", 1},
		{c, "CREATE TEMPORARY TABLE t (tmp Date)", "tmp Date", 1},
	} {
		if step.conn != nil {
			if err := step.conn.Exec(t.Context(), step.ddl); err != nil && !strings.Contains(step.ddl, "NOSUCH") {
				t.Fatal(step.ddl, err)
			}
		}
		if step.want == "" {
			// clickhouse-go drops its connection on the error: c starts over in the default database
			b, err := open(t, s.Addr()).PrepareBatch(t.Context(), "INSERT INTO d1.t")
			if err == nil {
				t.Fatalf("after %s: still %s", step.ddl, columnList(b))
			}
			wantCode(t, err, 60)
			continue
		}
		before := s.Stats().DescribeHits
		for range 2 {
			if got := columns(); got != step.want {
				t.Fatalf("after %s: %s, want %s", step.ddl, got, step.want)
			}
		}
		if got := s.Stats().DescribeHits - before; got != step.hits {
			t.Errorf("after %s: %d hits, want %d", step.ddl, got, step.hits)
		}
	}
}

// Column lists have samples of their own, and a table function none.
func TestDescribeCacheKeys(t *testing.T) {
	s := server(t)
	c := open(t, s.Addr())
	exec(t, c, "CREATE TABLE k (a UInt8, b String, e UInt8 EPHEMERAL, d UInt8 DEFAULT e) ENGINE = Memory")
	for range 2 {
		for sql, want := range map[string]string{
			"INSERT INTO k":        "a UInt8, b String, d UInt8",
			"INSERT INTO k (b, a)": "b String, a UInt8",
			"INSERT INTO k (a, b)": "a UInt8, b String",
			"INSERT INTO k (a, e)": "a UInt8, e UInt8",
		} {
			b, err := c.PrepareBatch(t.Context(), sql)
			if err != nil {
				t.Fatal(sql, err)
			}
			if got := columnList(b); got != want {
				t.Errorf("%s: %s, want %s", sql, got, want)
			}
			must(t, b.Send())
		}
	}
	u8 := func() proto.ColUInt8 { return proto.ColUInt8{1} }
	a, d := u8(), u8()
	except := proto.Input{{Name: "a", Data: &a}, {Name: "d", Data: &d}}
	g := dial(t, s.Addr(), ch.CompressionDisabled) // clickhouse-go rewrites these statements
	do(t, g, ch.Query{Body: "INSERT INTO k (* EXCEPT (b)) VALUES", Input: except})
	for range 2 {
		do(t, g, ch.Query{Body: "INSERT INTO FUNCTION null('a UInt8, d UInt8') VALUES", Input: except})
	}
	wantCount(t, c, "k WHERE a = 1 AND d = 1", 1)
	if st := s.Stats(); st.DescribeHits != 4 || st.DescribeMisses != 7 {
		t.Errorf("%+v", st)
	}
}

// chTable is the columns of the ch-go test.
type chTable struct {
	ts    *proto.ColDateTime64
	e     *proto.ColEnum
	model *proto.ColLowCardinality[string]
	num   *proto.ColArr[float32]
	cat   *proto.ColArr[string]
	s     *proto.ColStr
	input proto.Input
}

func newChTable() *chTable {
	t := &chTable{
		ts: new(proto.ColDateTime64).WithPrecision(proto.PrecisionMilli), e: new(proto.ColEnum),
		model: proto.NewLowCardinality(new(proto.ColStr)), num: proto.NewArray[float32](new(proto.ColFloat32)),
		cat: proto.NewArray[string](proto.NewLowCardinality(new(proto.ColStr))), s: new(proto.ColStr),
	}
	t.input = proto.Input{{Name: "ts", Data: t.ts}, {Name: "e", Data: t.e}, {Name: "model", Data: t.model}, {Name: "num", Data: t.num}, {Name: "cat", Data: t.cat}, {Name: "s", Data: t.s}}
	return t
}

func (t *chTable) fill(rows int) {
	t.input.Reset()
	for i := range rows {
		t.ts.Append(time.UnixMilli(int64(1.7e12) + int64(i)))
		t.e.Append("y")
		t.model.Append(fmt.Sprint("m", i%3))
		t.num.Append([]float32{float32(i), float32(math.Inf(1))})
		t.cat.Append([]string{"a", fmt.Sprint(i % 50)}[:i%3%2+1])
		t.s.Append(strings.Repeat("z", i%300))
	}
}

func TestChGo(t *testing.T) {
	addr := server(t).Addr()
	for _, comp := range []ch.Compression{ch.CompressionDisabled, ch.CompressionNone, ch.CompressionLZ4, ch.CompressionZSTD} {
		t.Run(comp.String(), func(t *testing.T) {
			c, tab := dial(t, addr, comp), "chgo_"+strings.ToLower(comp.String())
			do(t, c, ch.Query{Body: "CREATE TABLE " + tab + ` (ts DateTime64(3), e Enum8('x' = 1, 'y' = 2), model LowCardinality(String),
				num Array(Float32), cat Array(LowCardinality(String)), s String) ENGINE = MergeTree ORDER BY ts SETTINGS non_replicated_deduplication_window = 10`})
			cols, blocks := newChTable(), 0
			do(t, c, ch.Query{Body: cols.input.Into(tab), Input: cols.input, OnInput: func(context.Context) error {
				if blocks++; blocks > 5 {
					cols.input.Reset() // rows left at EOF would be sent once more
					return io.EOF
				}
				cols.fill(20000)
				return nil
			}})
			for range 2 {
				cols.fill(10)
				token := []ch.Setting{{Key: "insert_deduplication_token", Value: "t1", Important: true}}
				do(t, c, ch.Query{Body: cols.input.Into(tab), Input: cols.input, Settings: token})
			}
			if n := chCount(t, c, tab); n != 100_010 {
				t.Fatal(n)
			}
			if rows, sum := chSum(t, c, tab); rows != 100_010 || sum != 5*20000*19999/2+45 {
				t.Fatal(rows, sum)
			}
		})
	}
}

// chSum reads rows back with a parameter and sums what came of num.
func chSum(t *testing.T, c *ch.Client, tab string) (rows int, sum float64) {
	t.Helper()
	num := proto.NewArray[float32](new(proto.ColFloat32))
	out := proto.Results{{Name: "s", Data: new(proto.ColStr)}, {Name: "num", Data: num}, {Name: "cat", Data: proto.NewArray[string](proto.NewLowCardinality(new(proto.ColStr)))}}
	do(t, c, ch.Query{
		Body: "SELECT s, num, cat FROM " + tab + " WHERE model IN ({a:String}, 'm1', 'm2')", Result: out,
		Parameters: ch.Parameters(map[string]any{"a": "m0"}),
		OnResult: func(_ context.Context, b proto.Block) error {
			rows += b.Rows
			for i := range b.Rows {
				sum += float64(num.Row(i)[0])
			}
			return nil
		},
	})
	return rows, sum
}
