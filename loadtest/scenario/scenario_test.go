package scenario_test

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/loadtest/scenario"
	"github.com/driftline/driftline/loadtest/world"
)

var start = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// Every scenario of the library can be played, every kind of fault is in it, and
// some of it is noise alone.
func TestLibrary(t *testing.T) {
	kinds, noise := map[string]bool{}, 0
	for _, name := range scenario.Names() {
		s, err := scenario.Open(name)
		if err != nil {
			t.Error(err)
			continue
		}
		w, err := s.World(1, start)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		quiet := true
		for _, f := range s.Faults {
			kinds[f.Kind] = true
			quiet = quiet && world.KindOf(f.Kind).Harmless
			if len(w.Reached(f.On)) == 0 && f.Kind != world.GPUBusy {
				t.Errorf("%s: %s reaches no model", name, f.On)
			}
		}
		if quiet {
			noise++
		}
		if s.About == "" {
			t.Errorf("%s says nothing about itself", name)
		}
	}
	if len(kinds) != len(world.Kinds) || noise < 4 || len(scenario.Names()) < 20 {
		t.Errorf("%d of %d kinds, %d scenarios of %d are noise", len(kinds), len(world.Kinds), noise, len(scenario.Names()))
	}
}

// The same seed gives the same bytes, another one other bytes.
func TestDeterminism(t *testing.T) {
	sum := func(name string, seed uint64) (out [sha256.Size]byte, n int) {
		s, err := scenario.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		s.Length = 20 * time.Minute
		w, err := s.World(seed, start)
		if err != nil {
			t.Fatal(err)
		}
		h := sha256.New()
		last := time.Time{}
		for r := range w.Records() {
			h.Write(r.Value)
			if r.Time.Before(last.Add(-5 * time.Second)) { // between two events kinds come one after the other
				t.Fatalf("%s: %s after %s", r.Kind, r.Time, last)
			}
			last = r.Time
			n++
		}
		return [sha256.Size]byte(h.Sum(nil)), n
	}
	for _, name := range []string{"thermal_throttle", "xid_79", "schema_change", "noise_bursty"} {
		a, n := sum(name, 1)
		b, _ := sum(name, 1)
		c, _ := sum(name, 2)
		if a != b || a == c || n < 10_000 {
			t.Errorf("%s: %d records, same again %v, another seed the same %v", name, n, a == b, a == c)
		}
	}
}

func TestMistakes(t *testing.T) {
	write := func(text string) string {
		file := filepath.Join(t.TempDir(), "s.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	for want, text := range map[string]string{
		"did you mean \"thermal_throttle\"": "faults: [{kind: thermal_throtle, on: gpu/node-1/0, from: 5m}]",
		"give an entity of the kind gpu":    "faults: [{kind: xid_79, on: node/node-1, from: 5m}]",
		"unknown key":                       "fautls: []",
		"give 1 to 1000":                    "fleet: {models: 0}",
		"is 1s; give 1m":                    "length: 1s",
		"unsupported form \"avro\"":         "wire: {events: avro}",
		"is 10m0s, not after from, 15m0s":   "faults: [{kind: xid_79, on: gpu/node-1/0, from: 15m, until: 10m}]",
		"xid_79 does not change features":   "faults: [{kind: xid_79, on: gpu/node-1/0, from: 15m, features: [amount]}]",
	} {
		if _, err := scenario.Open(write(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	s, err := scenario.Open(write("faults: [{kind: xid_79, on: gpu/node-9/0, from: 5m}]"))
	if err == nil {
		_, err = s.World(1, start)
	}
	if err == nil || !strings.Contains(err.Error(), `the fleet has no "gpu/node-9/0"; did you mean`) {
		t.Error(err)
	}
	if _, err := scenario.Open("nothing"); err == nil || !strings.Contains(err.Error(), "library: ") {
		t.Error(err)
	}
}
