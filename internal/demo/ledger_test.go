package demo

import (
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/loadtest"
	"github.com/driftline/driftline/schemas"
)

var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func minute(n int) time.Time { return start.Add(time.Duration(n) * time.Minute) }

var shift = loadtest.Injected{
	Name: "shift", Model: "credit", Features: []string{"income", "utilisation"}, Consequences: []string{"_score"},
	Start: minute(15), End: minute(60), Strength: 0.3, Description: "incomes fall",
}

var category = loadtest.Injected{
	Name: "category", Model: "ranking", Features: []string{"device"}, Consequences: []string{"_score"},
	Start: minute(15), End: minute(30), Strength: 0.35, Description: "new devices",
}

// signal of the window of five minutes that begins at a minute.
func signal(model, feature string, at int, score float64) schemas.Signal {
	return schemas.Signal{
		WindowStart: minute(at), WindowEnd: minute(at + 5), Tenant: "default", Model: model, Version: "v1", Feature: feature,
		Detector: "ks", Score: score, Unit: "probability", Threshold: 0.1, NWindow: 4000, State: schemas.StateAlarm,
	}
}

func evaluation(signals ...schemas.Signal) *schemas.Evaluation {
	return &schemas.Evaluation{ModelKey: signals[0].ModelKey(), Span: signals[0].Span(), Signals: signals}
}

func incident(id string, signals ...schemas.Signal) *schemas.Incident {
	inc := &schemas.Incident{
		ID: id, Revision: 1, Model: signals[0].Model, State: schemas.IncidentOpen, Severity: schemas.SeverityWarning,
		Title: signals[0].Model + ": drift in " + signals[0].Feature, Onset: signals[0].WindowStart,
		OpenedAt: signals[0].WindowEnd, UpdatedAt: signals[0].WindowEnd, Signals: signals,
	}
	for _, s := range signals {
		inc.Features = append(inc.Features, s.Feature)
	}
	return inc
}

func delivered(receiver string, inc *schemas.Incident) *schemas.Notification {
	return &schemas.Notification{
		IncidentID: inc.ID, Revision: inc.Revision, Receiver: receiver, Action: "trigger", Attempt: 1,
		Status: schemas.NotificationDelivered, HTTPStatus: 202, DurationMS: 3,
	}
}

func everything(receipt) bool { return true }

func TestAlarmIsExplainedOrFalse(t *testing.T) {
	for name, c := range map[string]struct {
		signal schemas.Signal
		fault  string
	}{
		"a feature of the fault":     {signal("credit", "income", 15, 0.3), "shift"},
		"a consequence":              {signal("credit", "_score", 20, 0.3), "shift"},
		"a window that overlaps":     {signal("credit", "income", 12, 0.3), "shift"},
		"a window that ends before":  {signal("credit", "income", 10, 0.3), ""},
		"another feature":            {signal("credit", "age", 20, 0.3), ""},
		"another model":              {signal("vision", "income", 20, 0.3), ""},
		"after the end of the fault": {signal("ranking", "device", 30, 0.3), ""},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLedger([]loadtest.Injected{shift, category})
			alarms := l.evaluation(evaluation(c.signal), time.Second)
			got := ""
			if alarms[0].fault != nil {
				got = alarms[0].fault.Name
			}
			if r := l.verdict(everything); got != c.fault || len(r.FalseAlarms) != map[bool]int{true: 1}[c.fault == ""] {
				t.Errorf("explained by %q, want %q; false alarms %+v", got, c.fault, r.FalseAlarms)
			}
		})
	}
}

func TestOnlyTheFirstAndStrongestAlarmIsNews(t *testing.T) {
	l := newLedger([]loadtest.Injected{shift})
	other := signal("credit", "income", 15, 0.4)
	other.Detector = "js"
	fine := signal("credit", "age", 15, 0.01)
	fine.State = schemas.StateOK
	alarms := l.evaluation(evaluation(signal("credit", "income", 15, 0.3), other, fine, signal("credit", "utilisation", 15, 0.2)), 0)
	if len(alarms) != 2 || alarms[0].Detector != "js" || alarms[0].count != 2 || alarms[1].Feature != "utilisation" {
		t.Errorf("%+v", alarms)
	}
	if again := l.evaluation(evaluation(signal("credit", "income", 20, 0.5)), 0); len(again) != 0 {
		t.Errorf("told again: %+v", again)
	}
	if l.signals != 5 || l.alarms != 4 {
		t.Errorf("%d signals, %d alarms; want 5, 4", l.signals, l.alarms)
	}
}

// full is a run in which all went well.
func full() (*ledger, *schemas.Incident) {
	l := newLedger([]loadtest.Injected{shift})
	l.inject("shift", 15*time.Second)
	s := signal("credit", "income", 15, 0.3)
	l.evaluation(evaluation(s), 21*time.Second)
	inc := incident("inc-1", s)
	inc.Diagnosis = &schemas.Diagnosis{
		Causes: []schemas.Cause{{Kind: schemas.CauseData, Score: 3, Confidence: 0.9}}, Retrain: true, Advice: "Retrain: the population moved: income.",
	}
	l.incident(inc)
	for _, r := range receiverNames {
		l.notification(delivered(r, inc))
	}
	return l, inc
}

func judged(l *ledger, accepted func(receipt) bool, lost uint64) *Report {
	r := l.verdict(accepted)
	r.WindowsExpected = r.WindowsEvaluated
	r.Conservation = Conservation{Records: []Count{{loadtest.Events, 100, 100 - lost}}, InNumeric: 100, InCategory: 100}
	r.Conservation.check()
	r.judge()
	return r
}

func TestVerdict(t *testing.T) {
	l, _ := full()
	r := judged(l, everything, 0)
	if !r.OK || len(r.Found) != 1 || r.Found[0].AfterSeconds != 6 || r.Found[0].DelaySeconds != 300 || len(r.Found[0].DeliveredTo) != 2 {
		t.Fatalf("%+v", r)
	}
	for name, spoil := range map[string]func(*ledger) *Report{
		"a lost record": func(l *ledger) *Report { return judged(l, everything, 1) },
		"a refused body": func(l *ledger) *Report {
			return judged(l, func(r receipt) bool { return r.receiver != receiverWebhook }, 0)
		},
		"a false signal": func(l *ledger) *Report {
			l.evaluation(evaluation(signal("credit", "age", 15, 0.3)), 0)
			return judged(l, everything, 0)
		},
		"a false incident": func(l *ledger) *Report {
			l.incident(incident("inc-2", signal("vision", "emb_00", 15, 0.3)))
			return judged(l, everything, 0)
		},
		"an unknown revision": func(l *ledger) *Report {
			inc := incident("inc-1", signal("credit", "income", 15, 0.3))
			inc.Revision = 2
			l.incident(inc)
			return judged(l, everything, 0)
		},
		"a window not reached": func(l *ledger) *Report { r := judged(l, everything, 0); r.WindowsExpected++; r.judge(); return r },
		"a missed fault":       func(l *ledger) *Report { l.injected = append(l.injected, category); return judged(l, everything, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			l, _ := full()
			if r := spoil(l); r.OK {
				t.Errorf("passes: %+v", r)
			}
		})
	}
}

func TestSettled(t *testing.T) {
	l, inc := full()
	done := []windowOf{{"credit", minute(15).Unix()}}
	if !l.settled(done) {
		t.Error("all is told and evaluated, but not settled")
	}
	if l.settled(append(done, windowOf{"credit", minute(20).Unix()})) {
		t.Error("settled without a window")
	}
	inc.Revision = 2
	if l.incident(inc) || l.settled(done) {
		t.Error("settled before the newest revision is told")
	}
	if !l.incident(inc) || !l.notification(delivered("pagerduty", incident("inc-9", signal("credit", "income", 15, 1)))) {
		t.Error("the same revision, or an unknown incident, is news")
	}
}

func TestReportHasNoNulls(t *testing.T) {
	text := asJSON(t, judged(newLedger([]loadtest.Injected{}), everything, 0))
	if strings.Contains(strings.ReplaceAll(text, `"metrics":null`, ""), "null") {
		t.Error(text)
	}
}
