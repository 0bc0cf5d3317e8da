package correlate_test

import (
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/correlate"
	"github.com/driftline/driftline/schemas"
)

// silence is an evaluation of one minute with signals of silent failures.
func silence(minute int, signals ...schemas.Signal) schemas.Evaluation {
	ev := evaluation(0)
	ev.Span = schemas.Span{Start: day.Add(time.Duration(minute) * time.Minute), End: day.Add(time.Duration(minute+1) * time.Minute)}
	for _, s := range signals {
		s.WindowStart, s.WindowEnd = ev.Span.Start, ev.Span.End
		s.Detector, s.Reason = schemas.SilentPrefix+"heartbeat", "missing heartbeat: run 7 has sent nothing for 5m0s"
		ev.Signals = append(ev.Signals, s)
	}
	return ev
}

func TestSilentFailureIsAnIncident(t *testing.T) {
	evs := []schemas.Evaluation{silence(0, alarm("job/refresh", 300)), silence(1, alarm("job/refresh", 360))}
	inc := want(t, run(evs...), 1)
	if inc.Severity != schemas.SeverityError || !strings.Contains(inc.Title, "credit: silent failure of job/refresh since ") || !strings.Contains(inc.Title, "(heartbeat)") {
		t.Errorf("severity %s, title %q", inc.Severity, inc.Title)
	}
	if !strings.Contains(inc.Summary, "run 7 has sent nothing") || strings.Contains(inc.Summary, "rift") {
		t.Errorf("summary %q", inc.Summary)
	}
	for minute := 2; minute < 5; minute++ {
		evs = append(evs, silence(minute, ok("job/refresh")))
	}
	if inc := want(t, run(evs...), 2); inc.State != schemas.IncidentResolved {
		t.Errorf("got %s, want it resolved", dump(inc))
	}
}

// Windows of a minute say nothing of series whose windows are longer: an
// incident of drift stays open however often silent failures are judged, and
// one of each kind may begin at the same time.
func TestSilentSignalsLeaveDriftAlone(t *testing.T) {
	c := correlate.New(correlate.DefaultConfig())
	drift := want(t, feed(c, evaluation(0, alarm("income", 0.4))), 1)
	for minute := range 100 {
		want(t, feed(c, silence(minute, ok("income"), ok("job/refresh"))), 0)
	}
	both := evaluation(0, alarm("age", 0.2))
	both.Signals = append(both.Signals, silence(0, alarm("income", 9)).Signals...)
	told := feed(c, both)
	want(t, told, 2)
	for _, inc := range told {
		if silent := inc.Signals[0].Silent(); silent == (inc.ID == drift.ID) {
			t.Errorf("drift and silent failure share an incident: %s", dump(inc))
		}
	}
}

func TestRestoreKeepsSilentFailuresApart(t *testing.T) {
	told := run(silence(0, alarm("job/refresh", 300)), evaluation(0, alarm("income", 0.4)))
	want(t, told, 2)
	c := correlate.New(correlate.DefaultConfig())
	c.Restore(told)
	want(t, feed(c, silence(0, alarm("job/refresh", 300)), evaluation(0, alarm("income", 0.4))), 0)
	want(t, feed(c, silence(1, ok("job/refresh")), silence(2, ok("job/refresh")), silence(3, ok("job/refresh"))), 1)
}
