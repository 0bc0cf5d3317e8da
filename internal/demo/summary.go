package demo

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/driftline/driftline/loadtest"
)

// summary prints the outcome: every fault, the account of records, what was
// wrong, and the verdict.
func (s *screen) summary(r *Report) {
	fmt.Fprintln(s.out)
	s.faults(r)
	s.account(&r.Conservation)
	fmt.Fprintf(s.out, "windows     %d of %d evaluated, %d signals, %d of them alarms, %d incidents\n",
		r.WindowsEvaluated, r.WindowsExpected, r.Signals, r.Alarms, len(r.Incidents))
	s.retrainings(r)
	s.wrong("false alarm", falseAlarms(r))
	s.wrong("undelivered", r.Undelivered)
	verdict := s.paint(green, "PASS")
	if !r.OK {
		verdict = s.paint(red, "FAIL")
	}
	fmt.Fprintf(s.out, "\n%s  %d injected, %d found, %d missed, %d false alarms; %.0f events/s over %.0fs\n",
		verdict, len(r.Injected), len(r.Found), len(r.Missed), len(r.FalseAlarms), r.Rate, r.DurationSeconds)
}

func (s *screen) faults(r *Report) {
	if len(r.Injected) == 0 {
		return
	}
	t := tabwriter.NewWriter(s.out, 0, 8, 2, ' ', 0)
	fmt.Fprint(t, "FAULT\tMODEL\tFOUND\tEVENT TIME\tWALL\tFEATURES\tBY\tCAUSE\tRETRAIN\tDELIVERED TO\n")
	for i := range r.Injected {
		fmt.Fprintln(t, faultRow(&r.Injected[i], r.Found))
	}
	_ = t.Flush()
	fmt.Fprintln(s.out)
}

func faultRow(in *loadtest.Injected, found []Found) string {
	for _, f := range found {
		if f.Fault != in.Name {
			continue
		}
		after := time.Duration(f.DelaySeconds * float64(time.Second))
		return strings.Join([]string{
			in.Name, in.Model, "yes", "after " + short(after), fmt.Sprintf("after %.1fs", f.AfterSeconds),
			named(f.Features), f.FirstAlarm.Detector, causeWord(&f), yesNo(f.Retrain), strings.Join(f.DeliveredTo, ", "),
		}, "\t")
	}
	return strings.Join([]string{in.Name, in.Model, "NO", "-", "-", named(in.Features), "-", "-", "-", "-"}, "\t")
}

// named are features as a table shows them.
func named(features []string) string {
	if slices.Contains(features, loadtest.Outcomes) {
		return "(labels)"
	}
	return strings.Join(features, ", ")
}

// causeWord is the cause that was named, and whether it is the wrong one.
func causeWord(f *Found) string {
	switch {
	case f.Cause == nil:
		return "NONE"
	case !f.CauseRight:
		return "WRONG: " + string(f.Cause.Kind)
	default:
		return cmp.Or(f.Cause.Entity, string(f.Cause.Kind))
	}
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// account prints the records in and out.
func (s *screen) account(c *Conservation) {
	var parts []string
	for _, n := range c.Records {
		text := fmt.Sprintf("%d %s", n.Stored, n.Kind)
		if n.Produced != n.Stored {
			text = s.paint(red, fmt.Sprintf("%d of %d %s", n.Stored, n.Produced, n.Kind))
		}
		parts = append(parts, text)
	}
	word := "produced = stored"
	if !c.Holds {
		word = s.paint(red, "NOT KEPT")
	}
	fmt.Fprintf(s.out, "records     %s: %s\n", word, strings.Join(parts, ", "))
	fmt.Fprintf(s.out, "states      %d events in numeric states, %d in category counts, %d dead letters\n", c.InNumeric, c.InCategory, c.DeadLetters)
}

// wrong lists what must not be.
func (s *screen) wrong(name string, items []string) {
	for _, item := range items {
		fmt.Fprintf(s.out, "%s %s\n", s.paint(red, fmt.Sprintf("%-11s", name)), item)
	}
}

func falseAlarms(r *Report) (out []string) {
	for _, f := range r.FalseAlarms {
		text := f.Title
		if f.Kind == "signal" {
			text = fmt.Sprintf("%s %s of %s %.3g over %.3g", f.Model, f.Detector, f.Feature, f.Score, f.Threshold)
		}
		out = append(out, fmt.Sprintf("%s, window %s to %s", text, clock(f.WindowStart), clock(f.WindowEnd)))
	}
	return out
}
