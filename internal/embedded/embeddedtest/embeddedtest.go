// Package embeddedtest starts the embedded engines in tests.
package embeddedtest

import (
	"os"
	"testing"

	"github.com/driftline/driftline/internal/embedded"
)

// RequireLibrary skips the test when the ClickHouse library is not installed,
// and fails it where CI=true: there a skipped test would go unnoticed.
func RequireLibrary(t testing.TB) {
	t.Helper()
	if _, err := embedded.FindLibrary(""); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

// ClickHouse runs an engine in a temporary directory until the test ends.
// Edits change its configuration. Since a process has one engine, tests that
// use it must not run in parallel, and a test opens one at a time.
func ClickHouse(t testing.TB, edits ...func(*embedded.ClickHouseConfig)) *embedded.ClickHouse {
	t.Helper()
	RequireLibrary(t)
	cfg := embedded.ClickHouseConfig{DataDir: t.TempDir()}
	for _, edit := range edits {
		edit(&cfg)
	}
	c, err := embedded.OpenClickHouse(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// Kafka runs a broker that keeps its log in memory until the test ends. Edits
// change its configuration.
func Kafka(t testing.TB, edits ...func(*embedded.KafkaConfig)) *embedded.Kafka {
	t.Helper()
	var cfg embedded.KafkaConfig
	for _, edit := range edits {
		edit(&cfg)
	}
	k, err := embedded.OpenKafka(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	})
	return k
}
