package retrain

import (
	"fmt"
	"strings"
	"time"

	"github.com/driftline/driftline/internal/config"
	"github.com/driftline/driftline/schemas"
)

// Reason is why the guard decides as it does: short and stable.
type Reason string

// The reasons.
const (
	ReasonFire          Reason = "drift"                // everything speaks for it
	ReasonResolved      Reason = "incident_over"        // nothing is left to mend
	ReasonDenied        Reason = "denied"               // by a person
	ReasonUndiagnosed   Reason = "no_diagnosis"         // the causes are not known
	ReasonFalsePositive Reason = "false_positive"       // somebody marked the incident so
	ReasonNoCause       Reason = "no_cause"             // they were looked for and not found
	ReasonOtherCause    Reason = "cause_"               // followed by the kind of cause that training does not mend
	ReasonAdvised       Reason = "advised_against"      // the diagnosis says that it would not help
	ReasonUnsure        Reason = "low_confidence"       // the diagnosis is not sure enough
	ReasonShort         Reason = "not_persistent"       // the drift has not lasted long enough
	ReasonFewLabels     Reason = "few_labels"           // not enough labelled rows to learn from
	ReasonInFlight      Reason = "in_flight"            // another retraining of the model is under way
	ReasonCoolDown      Reason = "cool_down"            // the last one was too recently
	ReasonBudget        Reason = "budget"               // too many in the period
	ReasonDryRun        Reason = "dry_run"              // it would have been triggered
	ReasonApproval      Reason = "approval_wanted"      // a person has to approve
	ReasonApprovalLate  Reason = "approval_not_in_time" // nobody did
)

// Approval is what people said about a retraining.
type Approval struct {
	Given, Denied bool
	By, Comment   string
}

// Facts are everything that a decision rests on.
type Facts struct {
	Now          time.Time // wall clock
	Incident     schemas.Incident
	SeenAt       time.Time // wall clock: the incident was first looked at
	AskedAt      time.Time // wall clock: people were asked; zero when not
	LastAlarm    time.Time // event time: end of the newest window in which the incident's features alarmed
	LabelledRows uint64    // in the window of the data set
	InFlight     string    // incident of another retraining of the model that is under way; empty for none
	LastFired    time.Time // wall clock: of another retraining of the model; zero for none
	Fired        int       // retrainings of the model in the budget's period
	Approval     Approval
}

// Decision is what the guard says.
type Decision struct {
	State  schemas.RetrainingState // waiting, withheld, dry_run, asked or, to go ahead, exporting
	Reason Reason
	Detail string // one sentence
}

// word for the decision: to go ahead is to fire.
func (d Decision) word() string {
	if d.State == schemas.RetrainingExporting {
		return "fire"
	}
	return string(d.State)
}

// Decide whether a model is trained again because of an incident. It is pure:
// the same facts give the same decision. Reasons that time may mend wait,
// others withhold; the gravest comes first.
func Decide(m *Model, f Facts) Decision {
	for _, rule := range []func(*Model, *Facts) *Decision{stop, diagnosed, ripe, free, allowed} {
		if d := rule(m, &f); d != nil {
			return *d
		}
	}
	cause := f.Incident.Diagnosis.Causes[0]
	return Decision{schemas.RetrainingExporting, ReasonFire, fmt.Sprintf("%s cause %q with confidence %.2f, drift for %s, %d labelled rows",
		cause.Kind, cause.Title, cause.Confidence, short(persisted(&f)), f.LabelledRows)}
}

func decide(state schemas.RetrainingState, reason Reason, format string, args ...any) *Decision {
	return &Decision{state, reason, fmt.Sprintf(format, args...)}
}

func short(d time.Duration) string { return config.FormatDuration(d.Round(time.Second)) }

// stop: the incident is over, or a person said no.
func stop(_ *Model, f *Facts) *Decision {
	switch {
	case f.Incident.State == schemas.IncidentResolved:
		return decide(schemas.RetrainingWithheld, ReasonResolved, "the incident is over; nothing is left to mend")
	case f.Incident.FalsePositive():
		return decide(schemas.RetrainingWithheld, ReasonFalsePositive, "%s says that there is nothing to mend: %s", f.Incident.Judgement().Author, f.Incident.Judgement().Comment)
	case f.Approval.Denied:
		return decide(schemas.RetrainingWithheld, ReasonDenied, "%s", strings.TrimSuffix(fmt.Sprintf("denied by %s: %s", f.Approval.By, f.Approval.Comment), ": "))
	}
	return nil
}

// diagnosed: the first cause is one that training mends, with confidence.
func diagnosed(m *Model, f *Facts) *Decision {
	d := f.Incident.Diagnosis
	switch {
	case d == nil && f.Now.Sub(f.SeenAt) < m.DiagnosisWithin:
		return decide(schemas.RetrainingWaiting, ReasonUndiagnosed, "its causes are not known yet; they are waited for until %s", f.SeenAt.Add(m.DiagnosisWithin).UTC().Format(time.RFC3339))
	case d == nil:
		return decide(schemas.RetrainingWithheld, ReasonUndiagnosed, "its causes were not known within %s", short(m.DiagnosisWithin))
	case len(d.Causes) == 0:
		return decide(schemas.RetrainingWithheld, ReasonNoCause, "no cause was found")
	}
	cause := d.Causes[0]
	switch {
	case cause.Kind != schemas.CauseData && cause.Kind != schemas.CauseConcept:
		return decide(schemas.RetrainingWithheld, ReasonOtherCause+Reason(cause.Kind), "the likeliest cause is %s, which training again does not mend: %s", cause.Kind, cause.Title)
	case !d.Retrain:
		return decide(schemas.RetrainingWithheld, ReasonAdvised, "the diagnosis advises against it: %s", d.Advice)
	case !(cause.Confidence >= m.MinConfidence): // NaN is no confidence
		return decide(schemas.RetrainingWithheld, ReasonUnsure, "confidence %.2f in the cause is below %.2f", cause.Confidence, m.MinConfidence)
	}
	return nil
}

func persisted(f *Facts) time.Duration { return max(0, f.LastAlarm.Sub(f.Incident.Onset)) }

// ripe: the drift lasts, and there is enough to learn from.
func ripe(m *Model, f *Facts) *Decision {
	if p := persisted(f); p < m.Persist {
		return decide(schemas.RetrainingWaiting, ReasonShort, "the drift has lasted for %s of %s", short(p), short(m.Persist))
	}
	if f.LabelledRows < m.MinLabelledRows {
		return decide(schemas.RetrainingWaiting, ReasonFewLabels, "%d of %d labelled rows", f.LabelledRows, m.MinLabelledRows)
	}
	return nil
}

// free: nothing else of the model is under way, and not too much was.
func free(m *Model, f *Facts) *Decision {
	switch {
	case f.InFlight != "":
		return decide(schemas.RetrainingWaiting, ReasonInFlight, "the retraining for incident %s is under way", f.InFlight)
	case !f.LastFired.IsZero() && f.Now.Sub(f.LastFired) < m.CoolDown:
		return decide(schemas.RetrainingWaiting, ReasonCoolDown, "the last retraining was at %s, less than %s ago", f.LastFired.UTC().Format(time.RFC3339), short(m.CoolDown))
	case f.Fired >= m.Budget:
		return decide(schemas.RetrainingWaiting, ReasonBudget, "%d retrainings in %s are all that is allowed", m.Budget, short(m.BudgetPeriod))
	}
	return nil
}

// allowed: by the configuration, and by a person where that is wanted.
func allowed(m *Model, f *Facts) *Decision {
	switch {
	case m.DryRun:
		return decide(schemas.RetrainingDryRun, ReasonDryRun, "it would have been triggered, with %d labelled rows", f.LabelledRows)
	case !m.Approval || f.Approval.Given:
		return nil
	case !f.AskedAt.IsZero() && f.Now.Sub(f.AskedAt) >= m.ApprovalWithin:
		return decide(schemas.RetrainingWithheld, ReasonApprovalLate, "nobody approved it within %s", short(m.ApprovalWithin))
	}
	return decide(schemas.RetrainingAsked, ReasonApproval, "driftline retrain approve %s starts it, with %d labelled rows; driftline retrain deny %s ends it", f.Incident.ID, f.LabelledRows, f.Incident.ID)
}
