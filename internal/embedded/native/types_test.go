package native_test

import (
	"fmt"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/driftline/driftline/internal/embedded/native"
)

// typed is a row of every kind of column layout that package wire knows.
type typed struct {
	TS    time.Time          `ch:"ts"`
	Model string             `ch:"model"`
	ID    uuid.UUID          `ch:"id"`
	Num   []float32          `ch:"num"`
	Cat   []string           `ch:"cat"`
	M     map[string]float64 `ch:"m"`
	N     *int64             `ch:"n"`
	LN    *string            `ch:"ln"`
	FS    string             `ch:"fs"`
	D     decimal.Decimal    `ch:"d"`
	B     bool               `ch:"b"`
	E     string             `ch:"e"`
	IP    net.IP             `ch:"ip"`
	Tup   map[string]any     `ch:"tup"`
	S     string             `ch:"s"`
	DD    time.Time          `ch:"dd"`
	AA    [][]*string        `ch:"aa"`
}

const typedColumns = `ts DateTime64(3, 'UTC'), model LowCardinality(String), id UUID,
	num Array(Float32), cat Array(LowCardinality(String)), m Map(LowCardinality(String), Float64),
	n Nullable(Int64), ln LowCardinality(Nullable(String)), fs FixedString(4), d Decimal(18, 4), b Bool,
	e Enum8('a' = 1, 'b' = 2), ip IPv6, tup Tuple(x UInt8, y Array(LowCardinality(String))), s String,
	dd Date32, aa Array(Array(Nullable(String)))`

var base = time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)

func typedRow(i int) typed {
	x := "x"
	r := typed{
		TS: base.Add(time.Duration(i) * time.Second), Model: fmt.Sprint("m", i%4), ID: uuid.New(),
		Num: make([]float32, i%21), Cat: make([]string, i%6), M: map[string]float64{"k": float64(i), "j": 0.5},
		FS: "abcd", D: decimal.RequireFromString("12.5"), B: i%2 == 0, E: "b", IP: net.ParseIP("2001:db8::1"),
		Tup: map[string]any{"x": uint8(i), "y": []string{"q"}}, S: strings.Repeat("s", i),
		DD: base.Truncate(24 * time.Hour), AA: [][]*string{{&x, nil}, {}},
	}
	for j := range r.Num {
		r.Num[j] = float32(i + j)
	}
	for j := range r.Cat {
		r.Cat[j] = fmt.Sprint("c", j)
	}
	if i%3 == 0 {
		n, ln := int64(-i), fmt.Sprint("ln", i%5)
		r.N, r.LN = &n, &ln
	}
	return r
}

func TestEveryTypeSurvivesTheRoundTrip(t *testing.T) {
	addr := server(t).Addr()
	for name, m := range compressions {
		t.Run(name, func(t *testing.T) {
			c, tab := open(t, addr, compressed(m)), "typed_"+name
			exec(t, c, "CREATE TABLE "+tab+" ("+typedColumns+`, extra String DEFAULT 'dflt', mat UInt32 MATERIALIZED length(num)) ENGINE = MergeTree ORDER BY ts`)
			b, err := c.PrepareBatch(t.Context(), "INSERT INTO "+tab+" (ts, model, id, num, cat, m, n, ln, fs, d, b, e, ip, tup, s, dd, aa)")
			must(t, err)
			want := make([]typed, 1000)
			for i := range want {
				want[i] = typedRow(i)
				must(t, b.AppendStruct(&want[i]))
			}
			must(t, b.Send())
			var got []typed
			must(t, c.Select(t.Context(), &got, "SELECT * EXCEPT (extra) FROM "+tab+" ORDER BY ts"))
			if len(got) != len(want) {
				t.Fatalf("%d rows, want %d", len(got), len(want))
			}
			for i := range want {
				if !got[i].D.Equal(want[i].D) {
					t.Fatalf("row %d: %v, want %v", i, got[i].D, want[i].D)
				}
				got[i].D = want[i].D // equal, and may differ in its exponent
				if !reflect.DeepEqual(got[i], want[i]) {
					t.Fatalf("row %d:\n got %+v\nwant %+v", i, got[i], want[i])
				}
			}
			wantCount(t, c, tab+" WHERE extra = 'dflt' AND mat = length(num)", 1000)
		})
	}
}

func TestAggregateStatesFillThroughAView(t *testing.T) {
	c := open(t, server(t).Addr())
	exec(t, c,
		"CREATE TABLE raw (model String, num Array(Float32)) ENGINE = MergeTree ORDER BY model",
		"CREATE TABLE agg (model String, n AggregateFunction(count), td AggregateFunction(quantilesTDigest(0.5), Float32)) ENGINE = AggregatingMergeTree ORDER BY model",
		"CREATE MATERIALIZED VIEW mv TO agg AS SELECT model, countState() n, quantilesTDigestState(0.5)(x) td FROM raw ARRAY JOIN num AS x GROUP BY model")
	b, err := c.PrepareBatch(t.Context(), "INSERT INTO raw")
	must(t, err)
	for i := range 100 {
		must(t, b.Append(fmt.Sprint("m", i%4), []float32{1, 2, 3}))
	}
	must(t, b.Send())
	var n uint64
	var median []float32
	must(t, c.QueryRow(t.Context(), "SELECT countMerge(n), quantilesTDigestMerge(0.5)(td) FROM agg").Scan(&n, &median))
	if n != 300 || len(median) != 1 || median[0] != 2 {
		t.Fatal(n, median)
	}
	wantCode(t, drain(c.Query(t.Context(), "SELECT n FROM agg")), 48) // a state itself cannot be walked
}

func TestParameters(t *testing.T) {
	c := open(t, server(t).Addr())
	for _, want := range []string{"", "plain", "a\tb\n'q\\ü", `\N`, "''", "\x00"} {
		var got string
		must(t, c.QueryRow(t.Context(), "SELECT {s:String}", clickhouse.Named("s", want)).Scan(&got))
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	var ok bool
	must(t, c.QueryRow(t.Context(), "SELECT {t:DateTime64(3)} = toDateTime64('2026-01-02 03:04:05.678', 3) AND has({a:Array(String)}, {m:String})",
		clickhouse.Named("t", base), clickhouse.Named("a", []string{"m3", "x'y"}), clickhouse.Named("m", "x'y")).Scan(&ok))
	if !ok {
		t.Error("time or array parameter differs")
	}
}

func TestResultWithoutRowsHasColumns(t *testing.T) {
	c := open(t, server(t).Addr())
	exec(t, c, "CREATE TABLE e (model String, num Array(Float32)) ENGINE = Memory")
	for sql, want := range map[string]string{
		"SELECT model, num FROM e":                   "model String, num Array(Float32)",
		"WITH 1 AS x SELECT x FROM e -- tail":        "x UInt8",
		"(SELECT model FROM e) UNION ALL SELECT 'x'": "model String",
		"SHOW TABLES LIKE 'nothing-like-it'":         "name String",
	} {
		rows, err := c.Query(t.Context(), sql)
		must(t, err)
		var got []string
		for _, ct := range rows.ColumnTypes() {
			got = append(got, ct.Name()+" "+ct.DatabaseTypeName())
		}
		if g := strings.Join(got, ", "); g != want {
			t.Errorf("%s: columns %q, want %q", sql, g, want)
		}
		must(t, rows.Close())
	}
}

func TestInsertForms(t *testing.T) {
	c := open(t, server(t).Addr())
	exec(t, c, "CREATE TABLE f (a UInt32, s String) ENGINE = MergeTree ORDER BY a",
		"INSERT INTO f (a, s) VALUES (1, 'semi;colon -- not a comment'), (2, 'x');",
		"INSERT INTO f SELECT 3, 'select' ;\n",
		"INSERT INTO f FORMAT CSV 4,a--b\n")
	must(t, c.Exec(t.Context(), "INSERT INTO f (a, s) VALUES (5, ?)", "bound"))
	b, err := c.PrepareBatch(t.Context(), "INSERT INTO f (s)")
	must(t, err)
	must(t, b.Send()) // no rows at all
	var got []string
	must(t, c.QueryRow(t.Context(), "SELECT groupArray(s) FROM (SELECT s FROM f ORDER BY a);").Scan(&got))
	if s := strings.Join(got, "|"); s != "semi;colon -- not a comment|x|select|a--b|bound" {
		t.Fatal(s)
	}
}

func TestServerSaysWhoItIs(t *testing.T) {
	c := open(t, server(t).Addr())
	v, err := c.ServerVersion()
	must(t, err)
	if v.Revision != native.Revision || v.Version.Major < 26 || v.Timezone.String() != "UTC" {
		t.Fatal(v)
	}
	must(t, c.Ping(t.Context()))
}

func TestDatabaseSQL(t *testing.T) {
	db := clickhouse.OpenDB(&clickhouse.Options{Addr: []string{server(t).Addr()}})
	defer func() { _ = db.Close() }()
	var v string
	must(t, db.QueryRowContext(t.Context(), "SELECT version()").Scan(&v))
	if !strings.HasPrefix(v, "26.") {
		t.Fatal(v)
	}
}

// In the engine's blocks DateTime('zone') is a bare DateTime.
func TestZones(t *testing.T) {
	c := open(t, server(t).Addr())
	exec(t, c, "CREATE DATABASE zdb", "USE zdb",
		"CREATE TABLE z (a DateTime('Asia/Tokyo'), u DateTime, t Tuple(id Int64, n String)) ENGINE = MergeTree ORDER BY a")
	b, err := c.PrepareBatch(t.Context(), "INSERT INTO z")
	must(t, err)
	if got := columnList(b); got != "a DateTime('Asia/Tokyo'), u DateTime, t Tuple(id Int64, n String)" {
		t.Fatal(got)
	}
	at := time.Unix(1.7e9, 0)
	must(t, b.Append(at, at, []any{int64(1), "x"}))
	must(t, b.Send())
	var tokyo, bare, moscow time.Time
	row := c.QueryRow(t.Context(), "SELECT a, u, toDateTime({n:UInt32}, 'Europe/Moscow') FROM z", clickhouse.Named("n", 1700000000))
	must(t, row.Scan(&tokyo, &bare, &moscow))
	for want, got := range map[string]time.Time{"Asia/Tokyo": tokyo, "UTC": bare, "Europe/Moscow": moscow} {
		if got.Location().String() != want || !got.Equal(at) {
			t.Errorf("%v, want %v in %s", got, at, want)
		}
	}
}

func TestLargeSelect(t *testing.T) {
	addr := server(t).Addr()
	for name, m := range compressions {
		t.Run(name, func(t *testing.T) {
			c := open(t, addr, compressed(m))
			rows, err := c.Query(t.Context(), "SELECT number, toString(number) s, [number, number + 1] a, toLowCardinality(toString(number % 100)) lc FROM numbers(500000)")
			must(t, err)
			if n := checkNumbers(t, rows); n != 500_000 {
				t.Fatal(n)
			}
		})
	}
}

func checkNumbers(t *testing.T, rows driver.Rows) (n int) {
	t.Helper()
	for rows.Next() {
		if n++; n%1000 != 1 {
			continue
		}
		var a uint64
		var s, lc string
		var arr []uint64
		must(t, rows.Scan(&a, &s, &arr, &lc))
		if a != arr[0] || s != fmt.Sprint(a) || lc != fmt.Sprint(a%100) {
			t.Fatal(a, s, arr, lc)
		}
	}
	must(t, rows.Err())
	return n
}
