package backtest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/detectors"
	"github.com/driftline/driftline/schemas"
)

// weeks of hourly traffic that differs on week-ends, and by more from a day on.
func weeks(t *testing.T, n, perHour int, changeAt time.Time) string {
	t.Helper()
	rng := rand.New(rand.NewPCG(9, 1))
	start := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC) // a Monday
	var b strings.Builder
	b.WriteString("ts,x,channel\n")
	for i := range n * 7 * 24 * perHour {
		at := start.Add(time.Duration(i) * time.Hour / time.Duration(perHour))
		x, channel := rng.NormFloat64(), []string{"web", "app"}[rng.IntN(2)]
		if at.Weekday() == time.Saturday || at.Weekday() == time.Sunday {
			x += 1.5
		}
		if !changeAt.IsZero() && !at.Before(changeAt) {
			x += 2
		}
		fmt.Fprintf(&b, "%s,%.4f,%s\n", at.Format(time.RFC3339), x, channel)
	}
	file := filepath.Join(t.TempDir(), "weeks.csv")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Weekly traffic is as usual against the same hours of the weeks before, and a
// change is seen; trailing production sees the change, and takes week-ends for
// changes where it is not calibrated over weeks.
func TestMovingReferences(t *testing.T) {
	change := time.Date(2026, 2, 11, 0, 0, 0, 0, time.UTC)
	begun := time.Date(2026, 1, 20, 0, 0, 0, 0, time.UTC) // references reach back before the first row until then
	data := weeks(t, 6, 30, change)
	for _, c := range []struct {
		reference string
		window    time.Duration
		every     time.Duration
		unjudged  int
		quiet     bool
	}{
		{"same_hour_of_week=3", 6 * time.Hour, 0, 28, true},
		{"same_hour_of_week=2", 8 * time.Hour, 2 * time.Hour, 0, true},
		{"trailing=14d", 24 * time.Hour, 0, 2, false},
		{"range=2026-01-12T00:00:00Z/2026-02-09T00:00:00Z", 24 * time.Hour, 0, 35, true},
	} {
		o := Options{Model: "m", Reference: c.reference, Data: data, Timestamp: "ts", Window: WindowSpec{Time: detectors.Every(c.window)}, Now: time.Unix(0, 0)}
		if c.every > 0 {
			o.Every = detectors.Every(c.every)
		}
		r := run(t, o)
		var before, after, seen []string
		for _, s := range r.Signals {
			if s.State == schemas.StateAlarm && s.Feature == "x" {
				at := s.WindowStart.Format("01-02 15:04")
				switch {
				case s.WindowEnd.After(change):
					after = append(after, at)
				case s.WindowStart.After(begun) && !slices.Contains(before, at):
					before = append(before, at)
				}
			}
			if s.Feature == "channel" && s.State == schemas.StateAlarm {
				t.Errorf("%s: %s", c.reference, s.Reason)
			}
			if !s.WindowStart.Before(change) && !slices.Contains(seen, s.WindowStart.String()) {
				seen = append(seen, s.WindowStart.String())
			}
		}
		// The budget is one such window in 30 days.
		if c.quiet && len(before) > 1 || !c.quiet && len(before) < 5 || len(after) == 0 {
			t.Errorf("%s: alarms before the change %v, after it %d", c.reference, before, len(after))
		}
		if s := r.Summary; c.unjudged > 0 && s.WithoutReference != c.unjudged || s.References < 1 || !strings.HasPrefix(s.Reference, strings.Split(c.reference, "=")[0]+"@") {
			t.Errorf("%s: %d windows without a reference, want %d; %d references, the last %s", c.reference, s.WithoutReference, c.unjudged, s.References, s.Reference)
		}
		t.Logf("%s: %d windows, %d signals, %d references; alarms of x before the change %d, after it %d", c.reference, r.Summary.Windows, len(r.Signals), r.Summary.References, len(before), len(after))
	}
}

func TestMovingReferencesRefuse(t *testing.T) {
	data := weeks(t, 1, 2, time.Time{})
	for want, edit := range map[string]func(*Options){
		"want trailing=7d":               func(o *Options) { o.Reference = "trailing=soon" },
		"range=2026-01-01T00:00:00Z":     func(o *Options) { o.Reference = "range=monday/friday" },
		"labels: a backtest of it needs": func(o *Options) { o.Label = "x" },
		"--html: a backtest of it needs": func(o *Options) { o.Plots = true },
		"--window rows=N":                func(o *Options) { o.Window = WindowSpec{Rows: 100} },
		"--every is for windows of time": func(o *Options) {
			o.Reference, o.Every, o.Window = "x.csv", detectors.Every(time.Hour), WindowSpec{Rows: 5}
		},
		"give a whole part of the window": func(o *Options) { o.Every = detectors.Every(7 * time.Minute) },
		"no window has a reference":       func(o *Options) { o.Reference = "same_hour_of_week=2" },
		"needs --reference with a file":   func(o *Options) { o.Detectors = []string{"multivariate"} },
		"of another version: a backtest of it": func(o *Options) {
			o.Reference, o.Entry.Reference = "", detectors.ReferenceFile{Kind: detectors.ReferenceVersion, Version: "v1"}
		},
	} {
		o := Options{Model: "m", Reference: "trailing=1d", Data: data, Timestamp: "ts", Now: time.Unix(0, 0)}
		edit(&o)
		if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
