package app

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// stopping runs Stop over parts that take so long, in the order of their start,
// of which those named wait keep on until they are cut off. It tells how long
// Stop took, in which order the parts ended, and what was logged.
func stopping(t *testing.T, timeout time.Duration, parts ...time.Duration) (took time.Duration, order []int, logged string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		a := &App{cfg: Config{ShutdownTimeout: timeout}, log: slog.New(slog.NewTextHandler(&log, nil)), cut: make(chan struct{}), cancel: func(error) {}}
		for i, d := range parts {
			a.onStop("part "+string(rune('a'+i)), func() {
				select {
				case <-time.After(d):
				case <-a.cut:
					if d > time.Hour { // hangs, whatever it is told
						time.Sleep(d)
						return
					}
				}
				order = append(order, i)
			})
		}
		start := time.Now()
		a.Stop()
		took = time.Since(start)
		a.Stop() // again does nothing
		logged = log.String()
		time.Sleep(100 * time.Hour)
	})
	return took, order, logged
}

func TestStopHasOneDeadline(t *testing.T) {
	for name, tc := range map[string]struct {
		parts  []time.Duration
		took   time.Duration
		order  []int
		logged []string
	}{
		"in time":        {[]time.Duration{time.Second, 2 * time.Second}, 3 * time.Second, []int{1, 0}, nil},
		"all take long":  {[]time.Duration{time.Minute, time.Minute, time.Minute}, 10 * time.Second, []int{2, 1, 0}, []string{"shutdown_timeout has passed", `waiting_for="part c"`}},
		"one waits long": {[]time.Duration{time.Second, time.Minute, time.Second}, 10 * time.Second, []int{2, 1, 0}, []string{`waiting_for="part b"`}},
		"one hangs":      {[]time.Duration{time.Second, 50 * time.Hour, time.Second}, 10*time.Second + cutGrace, []int{2}, []string{"hangs", `waiting_for="part b"`}},
	} {
		t.Run(name, func(t *testing.T) {
			took, order, logged := stopping(t, 10*time.Second, tc.parts...)
			if took != tc.took {
				t.Errorf("took %s, want %s", took, tc.took)
			}
			if !slices.Equal(order[:min(len(order), len(tc.order))], tc.order) {
				t.Errorf("ended in the order %v, want %v", order, tc.order)
			}
			for _, want := range tc.logged {
				if !strings.Contains(logged, want) {
					t.Errorf("logged %q, want %q", logged, want)
				}
			}
			if len(tc.logged) == 0 && logged != "" {
				t.Errorf("logged %q", logged)
			}
		})
	}
}

// All consumers are told before any of them is waited for.
func TestConsumersDrainTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run, cancel := context.WithCancelCause(t.Context())
		a := &App{cfg: Config{ShutdownTimeout: time.Minute}, log: slog.New(slog.DiscardHandler), cut: make(chan struct{}), cancel: cancel, failed: make(chan error, 1)}
		for range 3 {
			a.drain = append(a.drain, a.background(run, "consumer", func(ctx context.Context) error {
				<-ctx.Done()
				time.Sleep(10 * time.Second) // what it has in hand
				return nil
			}))
		}
		start := time.Now()
		a.Stop()
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("three consumers of ten seconds each took %s", took)
		}
	})
}
