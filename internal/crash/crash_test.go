package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/internal/embedded/embeddedtest"
)

// TestMain lets the test binary be the store of its own tests.
func TestMain(m *testing.M) {
	serveIfAsked()
	os.Exit(m.Run())
}

// The whole thing, short: it cannot rot unseen between two runs of make crash.
func TestAFewFaults(t *testing.T) {
	embeddedtest.RequireLibrary(t)
	if testing.Short() {
		t.Skip("runs the real binary for half a minute")
	}
	bin := filepath.Join(t.TempDir(), "driftline")
	build := exec.Command("go", "build", "-o", bin, "github.com/driftline/driftline/cmd/driftline")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	fake, err := startFake()
	check(t, err)
	defer fake.close()
	kinds := []weighted{{killIngest, 2}, {rebalance, 1}, {killStore, 1}, {storeCut, 1}, {answerLost, 1}, {diskFull, 1}, {produceFails, 1}, {commitTimes, 1}, {commitLost, 1}}
	const faults = 10
	c := campaign{
		name: "smoke", kinds: kinds, faults: faults, limit: time.Minute, seed: 1, perSecond: 500,
		bin: bin, dir: t.TempDir(), broker: fake, say: t.Logf,
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	tally, err := c.run(ctx)
	var out strings.Builder
	if tally != nil {
		tally.print(&out, kinds)
		t.Log("\n" + out.String())
	}
	check(t, err)
	check(t, tally.exact(faults))
	for _, k := range kinds {
		if tally.of(k.kind).injected == 0 {
			t.Errorf("%q did not happen", k.kind)
		}
	}
}

func TestApacheIsAbsentOrFailsInCI(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("JAVA_HOME", "")
	t.Setenv("CI", "")
	if _, err := startApache(t.TempDir(), 1); !errors.Is(err, errAbsent) {
		t.Errorf("without Java: %v", err)
	}
	t.Setenv("CI", "true")
	if _, err := startApache(t.TempDir(), 1); err == nil || errors.Is(err, errAbsent) {
		t.Errorf("without Java in CI: %v", err)
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func until(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("never: ", what)
		}
	}
}
