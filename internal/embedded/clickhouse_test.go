package embedded_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"

	"github.com/driftline/driftline/internal/embedded"
	"github.com/driftline/driftline/internal/embedded/embeddedtest"
)

// ask runs a query of one text value.
func ask(t *testing.T, addr, sql string) string {
	t.Helper()
	var out proto.ColStr
	must(t, dial(t, addr).Do(t.Context(), ch.Query{Body: "SELECT toString(assumeNotNull((" + sql + "))) AS v", Result: proto.Results{{Name: "v", Data: &out}}}))
	return out.Row(0)
}

func TestClickHouseKeepsItsData(t *testing.T) {
	embeddedtest.RequireLibrary(t)
	dir := filepath.Join(t.TempDir(), "made", "on demand")
	for want := range 3 {
		c, err := embedded.OpenClickHouse(embedded.ClickHouseConfig{DataDir: dir})
		must(t, err)
		t.Cleanup(func() { _ = c.Close() })
		client := dial(t, c.Addr())
		must(t, client.Do(t.Context(), ch.Query{Body: "CREATE TABLE IF NOT EXISTS t (a UInt8) ENGINE = MergeTree ORDER BY a"}))
		if got := ask(t, c.Addr(), "SELECT count() FROM t"); got != string(rune('0'+want)) {
			t.Errorf("%s rows, want %d", got, want)
		}
		must(t, client.Do(t.Context(), ch.Query{Body: "INSERT INTO t SELECT 1"}))
		must(t, c.Close())
		must(t, c.Close()) // again does nothing
		if _, err := ch.Dial(t.Context(), ch.Options{Address: c.Addr()}); err == nil {
			t.Error("still listening")
		}
	}
}

func TestClickHouseLimitsAndZone(t *testing.T) {
	t.Setenv("TZ", "Asia/Tokyo")
	local := time.Local.String()
	c := embeddedtest.ClickHouse(t, func(cfg *embedded.ClickHouseConfig) { cfg.MaxMemory = 3 << 30 })
	for sql, want := range map[string]string{
		"SELECT value FROM system.server_settings WHERE name = 'max_server_memory_usage'": "3221225472",
		"SELECT getSetting('max_memory_usage')":                                           "2147483648",
		"SELECT timezone() || serverTimezone()":                                           "UTCUTC",
	} {
		if got := ask(t, c.Addr(), sql); got != want {
			t.Errorf("%s: %s, want %s", sql, got, want)
		}
	}
	if tz := os.Getenv("TZ"); tz != "Asia/Tokyo" || time.Local.String() != local {
		t.Errorf("our own zone is now %s, %s", tz, time.Local)
	}
	if st := c.Stats(); st.Accepted != 3 || st.Queries != 3 {
		t.Errorf("%+v", st)
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	embeddedtest.RequireLibrary(t)
	dir := t.TempDir()
	c := startChild(t, dir)
	_, err := embedded.OpenClickHouse(embedded.ClickHouseConfig{DataDir: dir})
	wantError(t, err, "open ClickHouse data in "+dir, "another process uses this directory: stop it or choose another embedded.clickhouse.data_dir")
	if got := ask(t, c.addr, "SELECT 'well'"); got != "well" {
		t.Error("the first suffered: ", got)
	}
	c.kill() // the lock goes with its owner
	again, err := embedded.OpenClickHouse(embedded.ClickHouseConfig{DataDir: dir})
	must(t, err)
	must(t, again.Close())
}

func TestSecondEngineInTheProcessIsRefused(t *testing.T) {
	c := embeddedtest.ClickHouse(t)
	_, err := embedded.OpenClickHouse(embedded.ClickHouseConfig{DataDir: t.TempDir()})
	wantError(t, err, "this process already runs one")
	if got := ask(t, c.Addr(), "SELECT 'well'"); got != "well" {
		t.Error("the first suffered: ", got)
	}
}

func TestClickHouseConfigFaults(t *testing.T) {
	_, err := embedded.OpenClickHouse(embedded.ClickHouseConfig{Listen: "0.0.0.0:9000", MaxMemory: -1})
	wantError(t, err, "data directory", `listen address "0.0.0.0:9000"`, "use 127.0.0.1", "limits must be positive")
	for _, listen := range []string{"9000", ":9000", "192.168.0.1:0", "[::]:0", "example.org:1"} {
		_, err := embedded.OpenClickHouse(embedded.ClickHouseConfig{DataDir: t.TempDir(), Listen: listen})
		wantError(t, err, "listen address")
	}
}

// A start that fails leaves nothing behind that would fail the next.
func TestFailedOpenCanBeRepeated(t *testing.T) {
	c := embeddedtest.ClickHouse(t)
	taken := c.Addr()
	must(t, c.Close())
	dir := t.TempDir()
	k := embeddedtest.Kafka(t, func(cfg *embedded.KafkaConfig) { cfg.Listen = taken })
	_, err := embedded.OpenClickHouse(embedded.ClickHouseConfig{DataDir: dir, Listen: taken})
	wantError(t, err, "address already in use")
	must(t, k.Close())
	c, err = embedded.OpenClickHouse(embedded.ClickHouseConfig{DataDir: dir, Listen: taken})
	must(t, err)
	must(t, c.Close())
}

func TestDamagedLibraryIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "libchdb.so")
	must(t, os.WriteFile(path, []byte("no library"), 0o600))
	_, err := embedded.OpenClickHouse(embedded.ClickHouseConfig{Library: path, DataDir: t.TempDir()})
	wantError(t, err, "load "+path)
}
