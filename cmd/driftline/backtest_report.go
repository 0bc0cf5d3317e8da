package main

import (
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/driftline/driftline/internal/backtest"
	"github.com/driftline/driftline/schemas"
)

const minute = "2006-01-02 15:04"

// writeReport is a backtest for people: the verdict first, then where it comes from.
func writeReport(w io.Writer, r *backtest.Report) error {
	s := r.Summary
	fmt.Fprintf(w, "%s: %d rows in %d windows of %s, %s to %s, against %s (%d rows)\n",
		s.Model, s.Rows, s.Windows, s.Window, stamp(s.From), stamp(s.To), s.Reference, s.ReferenceRows)
	fmt.Fprintf(w, "%d of %d windows alarmed; %d alarms among %d signals on %d features, at level %g a window\n",
		s.WindowsAlarmed, s.Windows, s.Alarms, s.Signals, s.Features, s.Level)
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	if len(s.Alarmed) > 0 {
		fmt.Fprint(t, "\nFEATURE\tWINDOWS\tALARMS\tFIRST\n")
		for _, a := range s.Alarmed {
			fmt.Fprintf(t, "%s\t%d\t%d\t%s\n", featureName(a.Feature), a.Windows, a.Alarms, stamp(a.First))
		}
	}
	if len(r.Performance) > 0 {
		fmt.Fprint(t, "\nWINDOW\tROWS\tLABELLED\tACCURACY\tAUC\tALARMS\n")
		alarms := alarmsByWindow(r.Signals)
		for _, p := range r.Performance {
			fmt.Fprintf(t, "%s\t%d\t%d\t%s\t%s\t%d\n", stamp(p.WindowStart), p.N, p.Labelled,
				figure(p.Accuracy), figure(p.AUC), alarms[p.WindowStart.UnixNano()])
		}
		fmt.Fprintf(t, "all\t%d\t\t%s\t%s\t%d\n", s.Rows, figure(s.Accuracy), figure(s.AUC), s.Alarms)
	}
	return t.Flush()
}

func alarmsByWindow(signals []schemas.Signal) map[int64]int {
	n := map[int64]int{}
	for _, s := range signals {
		if s.State == schemas.StateAlarm {
			n[s.WindowStart.UnixNano()]++
		}
	}
	return n
}

// featureName names what a signal without a feature is about.
func featureName(feature string) string {
	if feature == "" {
		return "(model)"
	}
	return feature
}

// figure prints a measure to three digits, and nothing for one that could not be computed.
func figure(v *float64) string {
	if v == nil {
		return "-"
	}
	return strconv.FormatFloat(*v, 'f', 3, 64)
}

func stamp(t time.Time) string { return t.UTC().Format(minute) }
