package backtest

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/driftline/driftline/schemas"
)

// WriteText writes the report for people: the summary, then for every feature
// and window the detector that is farthest above, or least below, its
// threshold, then performance.
func (r *Report) WriteText(w io.Writer) error {
	s := r.Summary
	fmt.Fprintf(w, "%s: %d of %d windows alarmed (%d alarms in %d signals)\n", s.Model, s.WindowsAlarmed, s.Windows, s.Alarms, s.Signals)
	fmt.Fprintf(w, "reference %s, %d rows; data %d rows, %s to %s by %s\n", s.Reference, s.ReferenceRows, s.Rows, day(s.From), day(s.To), s.Window)
	for _, a := range s.Alarmed {
		fmt.Fprintf(w, "  %-24s %d windows, %d alarms, first %s\n", a.Feature, a.Windows, a.Alarms, day(a.First))
	}
	if len(s.Absent) > 0 {
		fmt.Fprintf(w, "not judged, for the data have no such column: %s\n", strings.Join(s.Absent, ", "))
	}
	fmt.Fprintln(w, "\nStrongest detector by feature and window: score, * marks an alarm")
	if err := r.writeGrid(w); err != nil {
		return err
	}
	return r.writePerformance(w)
}

func (r *Report) writeGrid(w io.Writer) error {
	best := map[string]map[time.Time]*schemas.Signal{}
	var features []string
	var windows []time.Time
	for i := range r.Signals {
		s := &r.Signals[i]
		if best[s.Feature] == nil {
			best[s.Feature] = map[time.Time]*schemas.Signal{}
			features = append(features, s.Feature)
		}
		if !slices.Contains(windows[max(0, len(windows)-1):], s.WindowStart) {
			windows = append(windows, s.WindowStart)
		}
		if old := best[s.Feature][s.WindowStart]; old == nil || stronger(s, old) {
			best[s.Feature][s.WindowStart] = s
		}
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "window\t"+strings.Join(features, "\t"))
	for _, at := range windows {
		cells := []string{day(at)}
		for _, f := range features {
			cells = append(cells, cellText(best[f][at]))
		}
		fmt.Fprintln(t, strings.Join(cells, "\t"))
	}
	return t.Flush()
}

// stronger orders signals by state, then by score in thresholds.
func stronger(a, b *schemas.Signal) bool {
	return cmp.Or(
		cmp.Compare(rank(a.State), rank(b.State)),
		cmp.Compare(ratio(a), ratio(b)),
	) > 0
}

func ratio(s *schemas.Signal) float64 { return s.Score / max(s.Threshold, 1e-12) }

func cellText(s *schemas.Signal) string {
	switch {
	case s == nil:
		return "-"
	case s.State == schemas.StateNoData, s.State == schemas.StateInsufficient:
		return string(s.State)
	case s.State == schemas.StateAlarm:
		return s.Detector + " " + strconv.FormatFloat(s.Score, 'f', 3, 64) + "*"
	}
	return s.Detector + " " + strconv.FormatFloat(s.Score, 'f', 3, 64)
}

func (r *Report) writePerformance(w io.Writer) error {
	if len(r.Performance) == 0 {
		return nil
	}
	fmt.Fprintln(w, "\nPerformance by window")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "window\trows\tlabelled\taccuracy\tAUC")
	for _, p := range r.Performance {
		fmt.Fprintf(t, "%s\t%d\t%.1f%%\t%s\t%s\n", day(p.WindowStart), p.N, 100*p.Coverage, figure(p.Accuracy), figure(p.AUC))
	}
	fmt.Fprintf(t, "all\t%d\t\t%s\t%s\n", r.Summary.Rows, figure(r.Summary.Accuracy), figure(r.Summary.AUC))
	return t.Flush()
}

func figure(v *float64) string {
	if v == nil {
		return "-"
	}
	return strconv.FormatFloat(*v, 'f', 4, 64)
}

// day shows a time without the parts that are zero.
func day(t time.Time) string {
	return strings.TrimSuffix(t.UTC().Format("2006-01-02 15:04:05"), " 00:00:00")
}
