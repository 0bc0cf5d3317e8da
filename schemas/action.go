package schemas

import (
	"cmp"
	"slices"
	"time"
)

// ActionKind is what somebody does about an incident.
type ActionKind string

// The kinds of action. The last three are judgements: they say whether the
// incident was real and its cause right.
const (
	ActionAcknowledge   ActionKind = "acknowledge"   // somebody is at it: no reminders
	ActionUnacknowledge ActionKind = "unacknowledge" // nobody is any more
	ActionMute          ActionKind = "mute"          // nothing is told of it until a time
	ActionUnmute        ActionKind = "unmute"        // from now on it is again
	ActionComment       ActionKind = "comment"       // a note
	ActionConfirm       ActionKind = "confirm"       // it is real, and the first cause is right
	ActionWrongCause    ActionKind = "wrong_cause"   // it is real, and the first cause is not
	ActionFalsePositive ActionKind = "false_positive"
)

// ActionKinds are all of them.
var ActionKinds = []ActionKind{
	ActionAcknowledge, ActionUnacknowledge, ActionMute, ActionUnmute, ActionComment, ActionConfirm, ActionWrongCause, ActionFalsePositive,
}

// Action is what somebody did about an incident. Actions are only ever added.
type Action struct {
	ID         string     `json:"id"`
	Time       time.Time  `json:"timestamp"` // wall clock, to the millisecond
	Tenant     string     `json:"tenant"`
	Model      string     `json:"model"`
	IncidentID string     `json:"incident_id"`
	Kind       ActionKind `json:"kind"`
	Author     string     `json:"author"`
	Comment    string     `json:"comment"`
	Until      *time.Time `json:"until"` // of a mute: when it ends; nil for all others
}

// Apply adds actions that the incident does not have yet, in the order of
// their times, and tells whether there were any. An open incident is open or
// acknowledged by the last of them.
func (i *Incident) Apply(actions ...Action) bool {
	all := slices.Clone(i.Actions)
	for _, a := range actions {
		if a.IncidentID == i.ID && !slices.ContainsFunc(all, func(b Action) bool { return b.ID == a.ID }) {
			all = append(all, a)
		}
	}
	news := len(all) > len(i.Actions)
	slices.SortFunc(all, func(a, b Action) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID)) })
	i.Actions = all
	for _, a := range all {
		switch {
		case i.State == IncidentResolved:
		case a.Kind == ActionAcknowledge:
			i.State = IncidentAcknowledged
		case a.Kind == ActionUnacknowledge:
			i.State = IncidentOpen
		}
	}
	return news
}

// Muted is the mute that holds at a time; nil for none.
func (i *Incident) Muted(at time.Time) (mute *Action) {
	for k := range i.Actions {
		switch a := &i.Actions[k]; {
		case a.Kind == ActionUnmute:
			mute = nil
		case a.Kind == ActionMute && a.Until != nil:
			mute = a
		}
	}
	if mute != nil && !at.Before(*mute.Until) {
		return nil
	}
	return mute
}

// Judgement is the last one that somebody gave; nil for none.
func (i *Incident) Judgement() *Action {
	for k := range slices.Backward(i.Actions) {
		switch i.Actions[k].Kind {
		case ActionConfirm, ActionWrongCause, ActionFalsePositive:
			return &i.Actions[k]
		default:
		}
	}
	return nil
}

// FalsePositive tells whether somebody said, and nobody took back, that there
// was nothing.
func (i *Incident) FalsePositive() bool {
	j := i.Judgement()
	return j != nil && j.Kind == ActionFalsePositive
}
