// Package demo shows the whole pipeline at work in one process: embedded
// engines, a small fleet with known faults, and real receivers. It tells what
// it injected and what was found, and judges whether that is the same.
package demo

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/driftline/driftline/internal/app"
	"github.com/driftline/driftline/loadtest"
)

// Options of a demo.
type Options struct {
	For     time.Duration    // wall time in which the fleet sends
	Faults  []loadtest.Fault // that are injected
	Rate    float64          // inference events in a second of wall time
	Seed    uint64           // of the fleet
	DataDir string           // kept; empty means a temporary directory that is removed
	Stay    bool             // keep the pipeline and its console running after the summary, until the context ends
	Out     io.Writer        // gets the timeline
	Colour  bool             // of the timeline
	Log     *slog.Logger
}

// Event time runs Speed times as fast as the wall clock: a second is a minute.
const Speed = 60

const (
	window        = 5 * time.Minute // of the models, in event time
	lateness      = time.Minute     // in event time
	referenceRows = 20_000
	patience      = 15 * time.Second // how long the end of the pipeline is waited for
)

// The shortest demos: four windows, of which the faults leave the first one
// alone, and two where there is nothing to find.
const (
	minFaulty = 20 * time.Second
	minClean  = 10 * time.Second
)

// Validate reports the first mistake.
func (o *Options) Validate() error {
	least := minClean
	if len(o.Faults) > 0 {
		least = minFaulty
	}
	switch {
	case o.For < least:
		return fmt.Errorf("a demo of %s is too short; give at least %s: a window takes 5s", o.For, least)
	case !(o.Rate >= 200 && o.Rate <= 1e6): // fewer leave windows with less than detect.min_rows
		return fmt.Errorf("a rate of %g events/s is not within 200 to 1000000", o.Rate)
	}
	return nil
}

// Run runs a demo. The error says that it could not run; what it found wrong
// is in the report.
func Run(ctx context.Context, o Options) (_ *Report, err error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	began := time.Now()
	dir, remove, err := dataDir(o.DataDir)
	if err != nil {
		return nil, err
	}
	defer remove()
	fleet, err := newFleet(o, began)
	if err != nil {
		return nil, err
	}
	if err := loadtest.WriteReferences(dir, o.Seed+1, referenceRows, fleet.Start); err != nil {
		return nil, err
	}
	receivers, err := listen()
	if err != nil {
		return nil, err
	}
	defer receivers.close()
	cfg, err := configure(dir, receivers)
	if err != nil {
		return nil, err
	}
	a, err := app.Start(ctx, cfg, app.Roles, o.Log)
	if err != nil {
		return nil, fmt.Errorf("start pipeline: %w", err)
	}
	defer a.Stop()
	r := &runner{
		app: a, fleet: fleet, receivers: receivers, began: began,
		ledger: newLedger(fleet.Injected()), screen: screen{out: o.Out, colour: o.Colour},
	}
	r.screen.header(header{
		Rate: o.Rate, Seed: o.Seed, Length: o.For, From: fleet.Start, To: fleet.End(), Injected: fleet.Injected(),
		Admin: a.AdminAddr(), Console: a.APIAddr(), Receivers: receivers.addresses(), DataDir: o.DataDir,
	})
	report, err := r.run(ctx)
	if err == nil && o.Stay {
		r.screen.stay(a.APIAddr())
		<-ctx.Done()
	}
	return report, err
}

// newFleet times a run so that its last window is over when the last event is
// sent: event time ends at about now.
func newFleet(o Options, now time.Time) (*loadtest.Fleet, error) {
	length := o.For * Speed
	end := now.Add(o.For - lateness).Truncate(window)
	return loadtest.New(loadtest.Options{
		Seed: o.Seed, Start: end.Add(-length), Length: length, Events: uint64(o.Rate * o.For.Seconds()), Faults: o.Faults,
	})
}

// dataDir makes the directory, and removes it afterwards if it is our own.
func dataDir(dir string) (string, func(), error) {
	if dir != "" {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return "", nil, fmt.Errorf("make data directory: %w", err)
		}
		return dir, func() {}, nil
	}
	dir, err := os.MkdirTemp("", "driftline-demo-")
	if err != nil {
		return "", nil, fmt.Errorf("make data directory: %w", err)
	}
	return dir, func() { _ = os.RemoveAll(dir) }, nil
}
