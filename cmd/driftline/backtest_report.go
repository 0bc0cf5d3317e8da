package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/driftline/driftline/internal/backtest"
	"github.com/driftline/driftline/schemas"
)

// writeReport is a backtest for people: the verdict first, then where it comes from.
func writeReport(w io.Writer, r *backtest.Report) error {
	s := r.Summary
	fmt.Fprintf(w, "%s: %d rows in %d windows of %s, %s to %s, against %s (%d rows)\n",
		s.Model, s.Rows, s.Windows, s.Window, r.At(s.From), r.At(s.To), s.Reference, s.ReferenceRows)
	if s.References > 1 || s.WithoutReference > 0 {
		fmt.Fprintf(w, "that is the last of %d references; %d windows had none\n", s.References, s.WithoutReference)
	}
	fmt.Fprintf(w, "%d of %d windows alarmed; %d alarms among %d signals on %d features, at level %g a window\n",
		s.WindowsAlarmed, s.Windows, s.Alarms, s.Signals, s.Features, s.Level)
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	if len(s.Alarmed) > 0 {
		fmt.Fprint(t, "\nFEATURE\tWINDOWS\tALARMS\tFIRST\n")
		for _, a := range s.Alarmed {
			fmt.Fprintf(t, "%s\t%d\t%d\t%s\n", featureName(a.Feature), a.Windows, a.Alarms, r.At(a.First))
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return writePerformance(w, r)
}

// writePerformance is one line for each window and metric, with the reasons of
// the alarms below.
func writePerformance(w io.Writer, r *backtest.Report) error {
	if len(r.Performance) == 0 {
		return nil
	}
	s := r.Summary
	fmt.Fprintf(w, "\nPerformance of a %s model: %d of %d windows alarmed (%s)\n", s.Task, s.PerformanceAlarms, s.Windows,
		map[string]string{"chunks": "mean ± 3σ of the reference's chunks", "calibrated": "realised worse than estimated"}[s.ThresholdMode])
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprint(t, "WINDOW\tROWS\tLABELLED\tACCURACY\tMETRIC\tREALISED\tESTIMATED\tDEFICIT\t95% BAND\tSTATE\tDRIFT ALARMS\n")
	alarms := alarmsByWindow(r.Signals)
	var reasons []string
	for _, p := range r.Performance {
		for i, m := range p.Metrics {
			row := []string{"", "", "", ""}
			drift := ""
			if i == 0 {
				row = []string{r.At(p.WindowStart), strconv.Itoa(p.N), fmt.Sprintf("%.1f%%", 100*p.Coverage), figure(p.Accuracy)}
				drift = strconv.Itoa(alarms[p.WindowStart.UnixNano()])
			}
			row = append(row, m.Metric, withError(m.Realised, m.RealisedSE), withError(m.Estimated, m.EstimatedSE),
				signed(m.Deficit), band(m.DeficitLow, m.DeficitHigh), string(m.State), drift)
			fmt.Fprintln(t, strings.Join(row, "\t"))
			if m.State == schemas.StateAlarm {
				reasons = append(reasons, r.At(p.WindowStart)+"  "+m.Reason)
			}
		}
	}
	if s.AUC != nil || s.Accuracy != nil {
		fmt.Fprintf(t, "all\t%d\t\t%s\troc_auc\t%s\n", s.Rows, figure(s.Accuracy), figure(s.AUC))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for i, reason := range reasons {
		if i == 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintln(w, reason)
	}
	return nil
}

// withError is a figure with its standard error.
func withError(v, se *float64) string {
	if v == nil || se == nil {
		return figure(v)
	}
	return figure(v) + " ± " + figure(se)
}

func signed(v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%+.3f", *v)
}

func band(low, high *float64) string {
	if low == nil || high == nil {
		return "-"
	}
	return signed(low) + " to " + signed(high)
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
		return "(all features)"
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
