package correlate_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/driftline/driftline/correlate"
	"github.com/driftline/driftline/schemas"
)

func TestQuietModelHasNoIncident(t *testing.T) {
	want(t, run(evaluation(0, ok("income")), evaluation(1, noData("income")), evaluation(2)), 0)
}

func TestFeaturesThatDriftTogetherAreOneIncident(t *testing.T) {
	inc := want(t, run(evaluation(1, alarm("age", 0.2), alarm("income", 0.41), detector(alarm("income", 0.3), "psi"), ok("term"))), 1)
	if inc.Revision != 1 || inc.State != schemas.IncidentOpen || inc.ResolvedAt != nil {
		t.Errorf("revision %d is %s, want 1 open", inc.Revision, inc.State)
	}
	if !slices.Equal(inc.Features, []string{"income", "age"}) {
		t.Errorf("features %v, want the strongest first", inc.Features)
	}
	if len(inc.Signals) != 3 || inc.Signals[0].Score != 0.41 {
		t.Errorf("signals %s, want three, strongest first", dump(inc.Signals))
	}
	if !inc.Onset.Equal(window(1).Start) || !inc.OpenedAt.Equal(window(1).End) || !inc.UpdatedAt.Equal(window(1).End) {
		t.Errorf("onset %s, opened %s, updated %s", inc.Onset, inc.OpenedAt, inc.UpdatedAt)
	}
	if want := "credit: drift in 2 features since 2026-03-01T14:05:00Z, strongest income (ks 0.41)"; inc.Title != want {
		t.Errorf("title\n%s, want\n%s", inc.Title, want)
	}
}

func TestSummarySaysWhatToKnow(t *testing.T) {
	inc := want(t, run(evaluation(1, alarm("age", 0.2), alarm("income", 0.41), ok("term"))), 1)
	for _, part := range []string{
		"Drift in 2 features of model credit (tenant default) since 2026-03-01T14:05:00Z.",
		"income ks 0.41 probability, 4.1 times its threshold 0.1; age ks 0.2",
		"its input in 2 of 3 features", "Versions: 7.", "training@ab12cd34ef56", "50000 rows",
		"Look next at income from 2026-03-01T14:05:00Z to 2026-03-01T14:10:00Z",
	} {
		if !strings.Contains(inc.Summary, part) {
			t.Errorf("summary lacks %q:\n%s", part, inc.Summary)
		}
	}
}

func TestJoinWithinReachOfOnsetOrNewest(t *testing.T) {
	// age begins 3 windows after income, term 3 after age: one chain, one incident.
	told := run(
		evaluation(0, alarm("income", 0.4), ok("age"), ok("term")),
		evaluation(3, alarm("income", 0.4), alarm("age", 0.3), ok("term")),
		evaluation(6, alarm("income", 0.4), alarm("age", 0.3), alarm("term", 0.2)),
	)
	inc := want(t, told, 3)
	if told[0].ID != inc.ID || inc.Revision != 3 || len(inc.Features) != 3 {
		t.Errorf("got %s revision %d of %v, want one incident", inc.ID, inc.Revision, inc.Features)
	}
}

func TestBeyondReachIsAnotherIncident(t *testing.T) {
	told := run(evaluation(0, alarm("income", 0.4), ok("age")), evaluation(4, alarm("income", 0.4), alarm("age", 0.3)))
	inc := want(t, told, 2)
	if inc.ID == told[0].ID || inc.Revision != 1 || !inc.Onset.Equal(window(4).Start) {
		t.Errorf("age, 4 windows later, got %s revision %d", inc.ID, inc.Revision)
	}
}

func TestModelsAndTenantsAreApart(t *testing.T) {
	other := evaluation(0, alarm("income", 0.4))
	other.Tenant = "second"
	other.Signals[0].Tenant = "second"
	told := run(evaluation(0, alarm("income", 0.4)), other)
	want(t, told, 2)
	if told[0].ID == told[1].ID {
		t.Error("two tenants share an incident")
	}
	stray := evaluation(0, alarm("income", 0.4))
	stray.Signals[0].Model = "churn"
	want(t, run(stray), 0)
}

func TestOpenIncidentDoesNotSpam(t *testing.T) {
	want(t, run(
		evaluation(0, alarm("income", 0.40), ok("age"), ok("term"), ok("rate")),
		evaluation(1, alarm("income", 0.45)), evaluation(2, alarm("income", 0.30)), evaluation(3, alarm("income", 0.49)),
		evaluation(4, alarm("income", 0.49), detector(alarm("income", 0.2), "psi"), segment(alarm("income", 0.2), "eu")),
	), 1)
}

func TestWhatIsWorthTelling(t *testing.T) {
	first := evaluation(0, alarm("income", 0.40), ok("age"), ok("term"), ok("rate"))
	for name, then := range map[string]schemas.Signal{
		"a new feature":                    alarm("age", 0.11),
		"a quarter above the former peak":  alarm("income", 0.50),
		"another version":                  version(alarm("income", 0.2), "8"),
		"the output, so a higher severity": alarm(schemas.FeaturePrediction, 0.2),
	} {
		t.Run(name, func(t *testing.T) {
			inc := want(t, run(first, evaluation(1, then)), 2)
			if inc.Revision != 2 || !inc.UpdatedAt.Equal(window(1).End) {
				t.Errorf("revision %d at %s, want 2 at the end of the window", inc.Revision, inc.UpdatedAt)
			}
		})
	}
}

func TestSeverity(t *testing.T) {
	for _, c := range []struct {
		want    schemas.Severity
		signals []schemas.Signal
	}{
		{schemas.SeverityWarning, []schemas.Signal{alarm("a", 0.9), ok("b")}},
		{schemas.SeverityWarning, []schemas.Signal{alarm(schemas.FeatureLatency, 0.9)}},
		{schemas.SeverityWarning, []schemas.Signal{alarm("a", 0.9), alarm("b", 0.9), ok("c"), ok("d"), ok("e"), ok("f"), ok("g")}},
		{schemas.SeverityError, []schemas.Signal{alarm("a", 0.2), alarm("b", 0.2), ok("c")}},
		{schemas.SeverityError, []schemas.Signal{alarm(schemas.FeatureScore, 0.2), ok("a")}},
		{schemas.SeverityError, []schemas.Signal{alarm("", 0.2), ok("a")}},
		{schemas.SeverityCritical, []schemas.Signal{alarm(schemas.FeaturePrediction, 0.2), alarm("a", 0.2), alarm("b", 0.2)}},
	} {
		inc := want(t, run(evaluation(0, c.signals...)), 1)
		if inc.Severity != c.want {
			t.Errorf("%s of %s, want %s", inc.Severity, inc.Title, c.want)
		}
	}
}

func TestSeverityNeverFallsWhileOpen(t *testing.T) {
	wide := evaluation(1, alarm("a", 0.9), ok("b"), ok("c"), ok("d"), ok("e"), ok("f"), ok("g"), ok("h"))
	inc := want(t, run(evaluation(0, alarm("a", 0.2), alarm("b", 0.2), ok("c")), wide), 2)
	if inc.Severity != schemas.SeverityError {
		t.Errorf("severity fell to %s when 2 features turned out to be 2 of 8", inc.Severity)
	}
}

func TestResolveNeedsOKWindowsInARow(t *testing.T) {
	open := evaluation(0, alarm("income", 0.4), alarm("age", 0.2))
	bothOK := func(n int) schemas.Evaluation { return evaluation(n, ok("income"), ok("age")) }
	inc := want(t, run(open, bothOK(1), bothOK(2), bothOK(3)), 2)
	if inc.State != schemas.IncidentResolved || inc.ResolvedAt == nil || !inc.ResolvedAt.Equal(window(3).End) {
		t.Errorf("got %s, want resolved at the end of window 3", dump(inc))
	}
	if !strings.Contains(inc.Title, "resolved at 2026-03-01T14:20:00Z") {
		t.Errorf("title %q", inc.Title)
	}
	want(t, run(open, bothOK(1), bothOK(2)), 1)
	want(t, run(open, bothOK(1), bothOK(2), evaluation(3, ok("income"), alarm("age", 0.2)), bothOK(4), bothOK(5)), 1)
	want(t, run(open, bothOK(1), bothOK(2), evaluation(3, ok("income"), alarm("age", 0.2)), bothOK(4), bothOK(5), bothOK(6)), 2)
}

func TestNoDataIsNeverOK(t *testing.T) {
	evs := []schemas.Evaluation{evaluation(0, alarm("income", 0.4))}
	for n := 1; n < 200; n++ {
		evs = append(evs, evaluation(n, noData("income"), signal("age", schemas.StateInsufficient, 0)))
	}
	want(t, run(evs...), 1)

	t.Run("nor does it begin the row anew", func(t *testing.T) {
		want(t, run(evs[0], evaluation(1, ok("income")), evaluation(2, noData("income")), evaluation(3, ok("income")), evaluation(4, ok("income"))), 2)
	})
}

func TestSeriesThatIsGoneLetsGo(t *testing.T) {
	// Version 8 was rolled back: version 7 goes on, 8 gives no answer any more.
	evs := []schemas.Evaluation{evaluation(0, ok("income"), version(alarm("income", 0.4), "8"))}
	for n := 1; n <= 24; n++ {
		evs = append(evs, evaluation(n, ok("income")))
	}
	want(t, run(evs[:24]...), 1)
	inc := want(t, run(evs...), 2)
	if inc.State != schemas.IncidentResolved || !strings.Contains(inc.Summary, "1 series gave no answer for 24 windows") {
		t.Errorf("got %s", dump(inc))
	}
}

func TestSameEvaluationAgainChangesNothing(t *testing.T) {
	c := correlate.New(correlate.DefaultConfig())
	evs := []schemas.Evaluation{
		evaluation(0, alarm("income", 0.4)), evaluation(1, alarm("income", 0.6)), evaluation(2, ok("income")),
		evaluation(3, ok("income")), evaluation(4, ok("income")),
	}
	for _, ev := range evs[:3] {
		c.Observe(ev)
		want(t, feed(c, ev, ev), 0)
	}
	want(t, feed(c, evs[:3]...), 0) // while open
	want(t, feed(c, evs[3:]...), 1)
	want(t, feed(c, evs...), 0) // after the end
}

func TestOrderOfSignalsDoesNotMatter(t *testing.T) {
	ev := evaluation(0, alarm("c", 0.4), alarm("a", 0.4), version(alarm("a", 0.4), "8"), detector(alarm("a", 0.4), "psi"), ok("b"))
	first := dump(run(ev))
	slices.Reverse(ev.Signals)
	if second := dump(run(ev)); first != second {
		t.Errorf("reversed signals give\n%s, want\n%s", second, first)
	}
}

func TestWindowEvaluatedAgain(t *testing.T) {
	alarmed := evaluation(1, later(alarm("income", 0.4), 0))
	withdrawn := evaluation(1, later(ok("income"), 5))

	t.Run("from alarm to ok counts as ok", func(t *testing.T) {
		inc := want(t, run(alarmed, withdrawn, evaluation(2, ok("income")), evaluation(3, ok("income"))), 2)
		if inc.State != schemas.IncidentResolved {
			t.Errorf("got %s", dump(inc))
		}
	})
	t.Run("an older evaluation changes nothing", func(t *testing.T) {
		want(t, run(alarmed, withdrawn, evaluation(2, ok("income")), alarmed, evaluation(3, ok("income"))), 2)
	})
	t.Run("from ok to alarm holds it open", func(t *testing.T) {
		want(t, run(alarmed, evaluation(2, ok("income")), evaluation(3, ok("income")),
			evaluation(2, later(alarm("income", 0.4), 5)), evaluation(4, ok("income"))), 1)
	})
	t.Run("a window replaced by a weaker alarm lowers the peak", func(t *testing.T) {
		inc := want(t, run(alarmed, evaluation(1, later(alarm("income", 0.2), 5)), evaluation(2, later(alarm("age", 0.3), 0))), 2)
		if inc.Features[0] != "age" || inc.Signals[1].Score != 0.2 {
			t.Errorf("got %s", dump(inc))
		}
	})
	t.Run("late data inside a resolved incident changes nothing", func(t *testing.T) {
		c := correlate.New(correlate.DefaultConfig())
		want(t, feed(c, alarmed, evaluation(2, ok("income")), evaluation(3, ok("income")), evaluation(4, ok("income"))), 2)
		want(t, feed(c, evaluation(2, later(alarm("income", 0.9), 5)), evaluation(3, later(alarm("age", 0.9), 5))), 0)
	})
}

// A feature that alarms again soon after its incident was over is the same
// trouble; later, or another feature, is a new one.
func TestReopening(t *testing.T) {
	over := []schemas.Evaluation{evaluation(0, alarm("income", 0.4), ok("age")), evaluation(1, ok("income"), ok("age")), evaluation(2, ok("income"), ok("age")), evaluation(3, ok("income"), ok("age"))}
	first := run(over...)[0]
	for name, c := range map[string]struct {
		next schemas.Evaluation
		same bool
	}{
		"soon, the same feature": {evaluation(6, alarm("income", 0.3), ok("age")), true},
		"the last window":        {evaluation(9, alarm("income", 0.3), ok("age")), true},
		"too late":               {evaluation(10, alarm("income", 0.3), ok("age")), false},
		"another feature":        {evaluation(6, alarm("age", 0.3), ok("income")), false},
	} {
		t.Run(name, func(t *testing.T) {
			correlator := correlate.New(correlate.DefaultConfig())
			want(t, feed(correlator, over...), 2)
			inc := want(t, feed(correlator, c.next), 1)
			if (inc.ID == first.ID) != c.same || inc.State != schemas.IncidentOpen || inc.ResolvedAt != nil {
				t.Fatalf("got %s", dump(inc))
			}
			if c.same && (inc.Revision != 3 || !inc.Onset.Equal(first.Onset)) {
				t.Errorf("revision %d with onset %s", inc.Revision, inc.Onset)
			}
			if got := want(t, feed(correlator, evaluation(11, ok("income"), ok("age")), evaluation(12, ok("income"), ok("age")), evaluation(13, ok("income"), ok("age"))), 1); got.State != schemas.IncidentResolved || got.ID != inc.ID {
				t.Errorf("not over again: %s", dump(got))
			}
		})
	}
	t.Run("after a restart", func(t *testing.T) {
		correlator := correlate.New(correlate.DefaultConfig())
		correlator.Restore(run(over...))
		if inc := want(t, feed(correlator, evaluation(6, alarm("income", 0.3), ok("age"))), 1); inc.ID != first.ID || inc.Revision != 3 {
			t.Errorf("got %s", dump(inc))
		}
	})
	t.Run("not when it is switched off", func(t *testing.T) {
		cfg := correlate.DefaultConfig()
		cfg.ReopenWithin = 0
		correlator := correlate.New(cfg)
		want(t, feed(correlator, over...), 2)
		if inc := want(t, feed(correlator, evaluation(4, alarm("income", 0.3), ok("age"))), 1); inc.ID == first.ID {
			t.Errorf("got %s", dump(inc))
		}
	})
}

func TestRestoreGoesOnWhereItStopped(t *testing.T) {
	before := []schemas.Evaluation{evaluation(0, alarm("income", 0.4), ok("age")), evaluation(1, alarm("income", 0.4), alarm("age", 0.2))}
	after := []schemas.Evaluation{
		evaluation(2, alarm("income", 0.6), ok("age")), evaluation(3, ok("income"), ok("age")),
		evaluation(4, ok("income"), ok("age")), evaluation(5, ok("income"), ok("age")),
	}
	told := run(append(slices.Clone(before), after...)...)
	want(t, told, 4)

	c := correlate.New(correlate.DefaultConfig())
	c.Restore(told[:2]) // both revisions, as a table may still show them
	want(t, feed(c, before...), 0)
	if got := feed(c, after...); dump(got) != dump(told[2:]) {
		t.Errorf("after a restart\n%s, want\n%s", dump(got), dump(told[2:]))
	}

	c = correlate.New(correlate.DefaultConfig())
	c.Restore(told[3:]) // resolved: its windows do not open it again
	want(t, feed(c, append(before, after...)...), 0)
}

func TestRestoredWithoutSignals(t *testing.T) {
	c := correlate.New(correlate.DefaultConfig())
	c.Restore([]schemas.Incident{{ID: "inc-0", Revision: 1, Tenant: "default", Model: "credit", State: schemas.IncidentOpen, Onset: day}})
	inc := want(t, feed(c, evaluation(0, ok("income"))), 1)
	if inc.State != schemas.IncidentResolved || inc.Revision != 2 {
		t.Errorf("got %s, want it resolved: nothing holds it open", dump(inc))
	}
}

func TestReturnedIncidentsAreTheCallers(t *testing.T) {
	c := correlate.New(correlate.DefaultConfig())
	inc := want(t, feed(c, evaluation(0, alarm("income", 0.4))), 1)
	inc.Signals[0].Score, inc.Features[0], inc.Versions[0] = 99, "x", "x"
	next := want(t, feed(c, evaluation(1, alarm("age", 0.2))), 1)
	if next.Signals[0].Score != 0.4 || next.Features[0] != "income" {
		t.Errorf("a caller's change shows in %s", dump(next))
	}
}
