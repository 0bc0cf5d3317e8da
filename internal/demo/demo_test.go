package demo

import (
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/driftline/driftline/internal/embedded/embeddedtest"
	"github.com/driftline/driftline/loadtest"
)

func run(t *testing.T, length time.Duration, inject string) *Report {
	t.Helper()
	embeddedtest.RequireLibrary(t)
	if testing.Short() {
		t.Skip("takes longer than " + length.String())
	}
	faults, err := loadtest.Select(inject)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Run(t.Context(), Options{
		For: length, Faults: faults, Rate: 1500, Seed: 1, Out: t.Output(),
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestDemoFindsAllFaultsAndNothingElse(t *testing.T) {
	if r := run(t, minFaulty, loadtest.All); !r.OK || len(r.Found) != len(loadtest.Faults) {
		t.Errorf("found %d of %d, missed %v, false alarms %+v, undelivered %v, %+v",
			len(r.Found), len(loadtest.Faults), r.Missed, r.FalseAlarms, r.Undelivered, r.Conservation)
	}
}

func TestDemoWithoutFaultsIsQuiet(t *testing.T) {
	if r := run(t, minClean, loadtest.None); !r.OK || r.Alarms != 0 {
		t.Errorf("false alarms %+v, %+v", r.FalseAlarms, r.Conservation)
	}
}
