package native_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/driftline/driftline/internal/embedded"
	"github.com/driftline/driftline/internal/embedded/embeddedtest"
	"github.com/driftline/driftline/internal/embedded/libchdb"
	"github.com/driftline/driftline/internal/embedded/native"
)

func TestErrorsHaveTheirCodes(t *testing.T) {
	addr := server(t).Addr()
	for name, m := range compressions {
		t.Run(name, func(t *testing.T) {
			ctx, c := t.Context(), open(t, addr, compressed(m))
			exec(t, c, "CREATE TABLE IF NOT EXISTS codes (a UInt32) ENGINE = MergeTree ORDER BY a")
			prepare := func(sql string) error { _, err := c.PrepareBatch(ctx, sql); return err }
			wantCode(t, c.Exec(ctx, "SELEC 1"), 62)
			wantCode(t, c.Exec(ctx, "CREATE TABLE m1 (a Int8) ENGINE = Memory; CREATE TABLE m2 (a Int8) ENGINE = Memory"), 62)
			wantCode(t, drain(c.Query(ctx, "SELECT bogus FROM codes")), 47)
			wantCode(t, drain(c.Query(ctx, "SELECT 1 FROM nosuch")), 60)
			wantCode(t, prepare("INSERT INTO nosuch"), 60)
			wantCode(t, prepare("INSERT INTO codes (zz)"), 16)
			wantCode(t, drain(c.Query(ctx, "SELECT sumState(1)")), 48)
			wantCode(t, drain(c.Query(ctx, "SELECT 1 WHERE {x:UInt8} = 1", clickhouse.Named("x", "nan"))), 27, 457, 72, 6, 53)
			wantCode(t, drain(c.Query(ctx, "SELECT throwIf(number = 500000) FROM numbers(1000000) SETTINGS max_block_size = 1000")), 395)
			unknown := clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"no_such_setting": 1}))
			wantCode(t, c.Exec(unknown, "SELECT 1"), 115)
			wantCount(t, c, "codes", 0)
		})
	}
	wantCode(t, open(t, addr, func(o *clickhouse.Options) { o.Auth.Database = "nosuchdb" }).Ping(t.Context()), 81)
}

// One ch-go client, whose connection must outlive every exception.
func TestErrorsLeaveTheConnectionUsable(t *testing.T) {
	s := server(t, func(cfg *embedded.ClickHouseConfig) { cfg.MaxQueryMemory = 64 << 20 })
	c := dial(t, s.Addr(), ch.CompressionLZ4)
	do(t, c, ch.Query{Body: "CREATE TABLE u (a UInt64) ENGINE = MergeTree ORDER BY a"})
	var n proto.ColUInt64
	out := proto.Results{{Name: "n", Data: &n}}
	for _, tc := range []struct {
		sql  string
		want int
	}{
		{"SELECT nope AS n", 47},
		{"SELECT length(groupArray(number)) AS n FROM numbers(100000000)", libchdb.CodeMemoryLimit},
		{"SELECT throwIf(number = 500000)::UInt64 AS n FROM numbers(1000000) SETTINGS max_block_size = 1000", 395},
	} {
		ignore := func(context.Context, proto.Block) error { return nil }
		wantCode(t, c.Do(t.Context(), ch.Query{Body: tc.sql, Result: out, OnResult: ignore}), tc.want)
		if got := chCount(t, c, "u"); got != 0 {
			t.Fatal(got)
		}
	}
	bad := proto.Input{{Name: "a", Data: proto.NewLowCardinality(new(proto.ColStr))}}
	bad[0].Data.(*proto.ColLowCardinality[string]).Append("not a number")
	if err := c.Do(t.Context(), ch.Query{Body: "INSERT INTO u (a) VALUES", Input: bad}); err == nil {
		t.Fatal("a word went into a number")
	}
	must(t, c.Ping(t.Context()))
	in := proto.Input{{Name: "a", Data: uint64s(10, 0)}}
	do(t, c, ch.Query{Body: in.Into("u"), Input: in})
	if got := chCount(t, c, "u"); got != 10 {
		t.Fatal(got)
	}
	if st := s.Stats(); st.Accepted != 1 || st.Exceptions < 3 || st.InsertedRows != 10 || st.RecoveredPanics != 0 {
		t.Fatalf("%+v", st)
	}
}

func TestAuth(t *testing.T) {
	embeddedtest.RequireLibrary(t)
	path, err := embedded.FindLibrary("")
	must(t, err)
	must(t, libchdb.Load(path))
	s, err := native.New(native.Config{Path: t.TempDir(), Auth: func(user, password, _ string) error {
		if password == "wrong" {
			return errors.New(user + ": Authentication failed")
		}
		return nil
	}})
	must(t, err)
	defer s.Close()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	go func() { _ = s.Serve(ln) }()
	wantCode(t, open(t, ln.Addr().String(), func(o *clickhouse.Options) { o.Auth.Password = "wrong" }).Ping(t.Context()), 516)
	must(t, open(t, ln.Addr().String()).Ping(t.Context()))
}

// Garbage must end its connection and nothing else.
func TestGarbage(t *testing.T) {
	s := server(t)
	for _, in := range []string{
		"GET / HTTP/1.1\r\n\r\n", "\x00", "\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "\x01\x02\x03",
		"\x00\x80\x80\x80\x80\x80\x80\x20", strings.Repeat("\xff", 4096),
	} {
		c, err := net.Dial("tcp", s.Addr())
		must(t, err)
		_, err = c.Write([]byte(in))
		must(t, err)
		must(t, c.(*net.TCPConn).CloseWrite())
		_, _ = io.Copy(io.Discard, c) // returns when the server has hung up
		must(t, c.Close())
	}
	must(t, open(t, s.Addr()).Ping(t.Context()))
	if st := s.Stats(); st.RecoveredPanics != 0 {
		t.Fatalf("%+v", st)
	}
}

func TestConnectionLimit(t *testing.T) {
	s := server(t, func(cfg *embedded.ClickHouseConfig) { cfg.MaxConnections = 2 })
	first := dial(t, s.Addr(), ch.CompressionDisabled)
	dial(t, s.Addr(), ch.CompressionDisabled)
	_, err := ch.Dial(t.Context(), ch.Options{Address: s.Addr()})
	wantCode(t, err, libchdb.CodeNoFreeConnection)
	if !strings.Contains(err.Error(), "the limit is 2") {
		t.Fatal(err)
	}
	wantCode(t, open(t, s.Addr()).Ping(t.Context()), libchdb.CodeNoFreeConnection)
	if st := s.Stats(); st.Accepted != 2 || st.Refused != 2 || st.Connections != 2 {
		t.Fatalf("%+v", st)
	}
	must(t, first.Close())
	eventually(t, "a place is free again", func() bool {
		c, err := ch.Dial(t.Context(), ch.Options{Address: s.Addr()})
		return err == nil && c.Close() == nil
	})
}

func TestDroppedDefaultDatabase(t *testing.T) {
	s := server(t)
	exec(t, open(t, s.Addr()), "DROP DATABASE default")
	must(t, open(t, s.Addr()).Ping(t.Context())) // the engine alone would refuse everybody now
}

// A client may lower or raise its own limit; the next query has ours again.
func TestQueryMemoryIsASettingPerQuery(t *testing.T) {
	s := server(t, func(cfg *embedded.ClickHouseConfig) { cfg.MaxQueryMemory = 64 << 20 })
	c := open(t, s.Addr())
	heavy := "SELECT length(groupArray(number)) FROM numbers(20000000)"
	more := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{"max_memory_usage": 1 << 30}))
	must(t, drain(c.Query(more, heavy)))
	wantCode(t, drain(c.Query(t.Context(), heavy)), libchdb.CodeMemoryLimit)
}
