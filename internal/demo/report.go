package demo

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/driftline/driftline/correlate/rank"
	"github.com/driftline/driftline/internal/demo/judge"
	"github.com/driftline/driftline/loadtest"
	"github.com/driftline/driftline/schemas"
)

// Report is the outcome of a demo. Lists are never null.
type Report struct {
	OK               bool                `json:"ok"` // all found, nothing else alarmed, everyone told, nothing lost
	Injected         []loadtest.Injected `json:"injected"`
	Found            []Found             `json:"found"`
	Missed           []loadtest.Injected `json:"missed"`
	FalseAlarms      []FalseAlarm        `json:"false_alarms"`
	Incidents        []Incident          `json:"incidents"`
	Undelivered      []string            `json:"undelivered"` // what a receiver was not told, or refused
	Events           uint64              `json:"events"`      // inference events produced
	Retrainings      []Retraining        `json:"retrainings"` // what was decided about training again
	Conservation     Conservation        `json:"conservation"`
	WindowsEvaluated int                 `json:"windows_evaluated"`
	WindowsExpected  int                 `json:"windows_expected"`
	Signals          int                 `json:"signals"`
	Alarms           int                 `json:"alarms"`
	Rate             float64             `json:"rate"`             // inference events a second, as sent
	DurationSeconds  float64             `json:"duration_seconds"` // of the whole demo
	Metrics          map[string]float64  `json:"metrics"`          // the process's own at the end, summed over labels
}

// Found is a fault that alarmed, and how soon.
type Found struct {
	judge.Found
	AfterSeconds float64        `json:"after_seconds"` // by the wall clock, from its first event to the alarm
	FirstAlarm   schemas.Signal `json:"first_alarm"`
	DeliveredTo  []string       `json:"delivered_to"`
	Cause        *schemas.Cause `json:"cause"`       // the likeliest one of the incident's diagnosis; null without one
	CauseRight   bool           `json:"cause_right"` // it is of the kind that was injected
	Retrain      bool           `json:"retrain"`     // whether the diagnosis says that training again would mend it
}

// causeOf a fault is the kind of cause that must be named for it; faults that
// are not here are not judged by it.
var causeOf = map[string]schemas.CauseKind{
	"shift": schemas.CauseData, "category": schemas.CauseData, "missing": schemas.CauseInput, "frozen": schemas.CauseInput,
	"concept": schemas.CauseConcept,
}

// FalseAlarm is a signal or an incident that no fault explains.
type FalseAlarm struct {
	Kind        string    `json:"kind"` // signal or incident
	Model       string    `json:"model"`
	Version     string    `json:"version"`
	Feature     string    `json:"feature"`
	Detector    string    `json:"detector"`
	Score       float64   `json:"score"`
	Threshold   float64   `json:"threshold"`
	PValue      float64   `json:"p_value"`
	WindowStart time.Time `json:"window_start"`
	WindowEnd   time.Time `json:"window_end"`
	Incident    string    `json:"incident"` // its id, and its title
	Title       string    `json:"title"`
	Reason      string    `json:"reason"` // of the signal
}

// Incident as it stood at the end.
type Incident struct {
	ID         string                `json:"id"`
	Revision   uint64                `json:"revision"`
	Model      string                `json:"model"`
	State      schemas.IncidentState `json:"state"`
	Severity   schemas.Severity      `json:"severity"`
	Title      string                `json:"title"`
	Features   []string              `json:"features"`
	Onset      time.Time             `json:"onset"`
	OpenedAt   time.Time             `json:"opened_at"`
	ResolvedAt *time.Time            `json:"resolved_at"`
	Deliveries []Delivery            `json:"deliveries"`
	Diagnosis  *schemas.Diagnosis    `json:"diagnosis"` // null when causes were not looked for in its time
}

// Delivery is one journalled outcome of telling a receiver.
type Delivery struct {
	Receiver   string                     `json:"receiver"`
	Revision   uint64                     `json:"revision"`
	Action     string                     `json:"action"`
	Status     schemas.NotificationStatus `json:"status"`
	HTTPStatus int                        `json:"http_status"`
	DurationMS float64                    `json:"duration_ms"`
	Error      string                     `json:"error"`
}

// Conservation is the account of records: what went in is what is there.
type Conservation struct {
	Holds       bool    `json:"holds"`
	Records     []Count `json:"records"`       // by kind
	InNumeric   uint64  `json:"in_numeric"`    // events in the states of numeric features
	InCategory  uint64  `json:"in_categories"` // events in the counts of predictions
	DeadLetters uint64  `json:"dead_letters"`
}

// Count of one kind of record.
type Count struct {
	Kind     loadtest.Kind `json:"kind"`
	Produced uint64        `json:"produced"` // acknowledged by the broker
	Stored   uint64        `json:"stored"`
}

// check says whether nothing was lost and nothing counted twice.
func (c *Conservation) check() {
	c.Holds = c.DeadLetters == 0
	for _, n := range c.Records {
		c.Holds = c.Holds && n.Produced == n.Stored
		if n.Kind == loadtest.Events {
			c.Holds = c.Holds && n.Produced == c.InNumeric && n.Produced == c.InCategory
		}
	}
}

// deliveredTo tells whether a receiver took a revision.
func (i *Incident) deliveredTo(receiver string, revision uint64) bool {
	return slices.ContainsFunc(i.Deliveries, func(d Delivery) bool {
		return d.Receiver == receiver && d.Revision == revision && d.Status == schemas.NotificationDelivered
	})
}

func falseSignal(s *schemas.Signal) FalseAlarm {
	return FalseAlarm{
		Kind: "signal", Model: s.Model, Version: s.Version, Feature: s.Feature, Detector: s.Detector, Score: s.Score,
		Threshold: s.Threshold, PValue: s.PValue, WindowStart: s.WindowStart, WindowEnd: s.WindowEnd, Reason: s.Reason,
	}
}

func falseIncident(f judge.FalseAlarm) FalseAlarm {
	return FalseAlarm{
		Kind: "incident", Model: f.Model, Feature: strings.Join(f.Features, ", "), PValue: 1,
		WindowStart: f.Onset, WindowEnd: f.Onset.Add(window), Incident: f.Incident, Title: f.Title,
	}
}

// verdict is what the ledger says about faults, alarms and deliveries.
// Accepted tells what the receivers themselves found correct.
func (l *ledger) verdict(accepted func(receipt) bool) *Report {
	judged := judge.Judge(l.injected, l.revisions, window)
	r := &Report{
		Injected: judged.Injected, Found: []Found{}, Missed: judged.Missed, FalseAlarms: append([]FalseAlarm{}, l.wrong...),
		Incidents: []Incident{}, Undelivered: []string{}, Retrainings: []Retraining{}, WindowsEvaluated: len(l.evaluated), Signals: l.signals, Alarms: l.alarms,
	}
	for _, f := range judged.FalseAlarms {
		r.FalseAlarms = append(r.FalseAlarms, falseIncident(f))
	}
	for _, id := range l.order {
		i := l.incidents[id]
		r.Incidents = append(r.Incidents, *i)
		r.Undelivered = append(r.Undelivered, i.undelivered(accepted)...)
	}
	for _, f := range judged.Found {
		r.Found = append(r.Found, l.time(f, accepted))
	}
	return r
}

// time adds to a finding how soon it came and who was told.
func (l *ledger) time(f judge.Found, accepted func(receipt) bool) Found {
	out := Found{Found: f, DeliveredTo: []string{}}
	if first := l.first[f.Fault]; first != nil {
		out.FirstAlarm, out.AfterSeconds = first.signal, seconds(first.wall-l.injectAt[f.Fault])
	}
	if i := l.incidents[f.Incident]; i != nil && i.Diagnosis != nil && len(i.Diagnosis.Causes) > 0 {
		out.Cause, out.Retrain = &i.Diagnosis.Causes[0], i.Diagnosis.Retrain
		out.CauseRight = causeOf[f.Fault] == ""
		for _, c := range rank.Rivals(i.Diagnosis.Causes) { // two faults may be one incident
			if !out.CauseRight && c.Kind == causeOf[f.Fault] {
				out.Cause, out.CauseRight = &c, true
			}
		}
	}
	for _, name := range receiverNames {
		if accepted(receipt{name, f.Incident, "trigger"}) {
			out.DeliveredTo = append(out.DeliveredTo, name)
		}
	}
	return out
}

// toldThroughAnother tells whether a receiver hears of the incident through one
// of the same cause.
func (i *Incident) toldThroughAnother(receiver string) bool {
	return slices.ContainsFunc(i.Deliveries, func(d Delivery) bool {
		return d.Receiver == receiver && d.Status == schemas.NotificationSuppressed && (strings.HasPrefix(d.Error, "inhibited by ") || strings.HasPrefix(d.Error, "merged into "))
	})
}

// undelivered are the receivers that miss an incident's newest revision or did
// not accept it.
func (i *Incident) undelivered(accepted func(receipt) bool) (out []string) {
	for _, name := range receiverNames {
		if i.toldThroughAnother(name) {
			continue
		}
		if !i.deliveredTo(name, i.Revision) || !accepted(receipt{name, i.ID, i.action()}) {
			out = append(out, name+" was not told: "+i.Title)
		}
	}
	return out
}

func (i *Incident) action() string {
	if i.State == schemas.IncidentResolved {
		return "resolve"
	}
	return "trigger"
}

// judge sets OK. A fault that was found must also have been told,
// with the right kind of cause.
func (r *Report) judge() {
	r.OK = len(r.Missed) == 0 && len(r.FalseAlarms) == 0 && len(r.Undelivered) == 0 && r.Conservation.Holds &&
		r.WindowsEvaluated == r.WindowsExpected
	for i := range r.Retrainings {
		r.OK = r.OK && r.Retrainings[i].Wrong == ""
	}
	for _, f := range r.Found {
		r.OK = r.OK && len(f.DeliveredTo) == len(receiverNames) && f.CauseRight
	}
}

func seconds(d time.Duration) float64 { return math.Round(d.Seconds()*10) / 10 }

func digits(ms float64) float64 { return math.Round(ms*10) / 10 }
