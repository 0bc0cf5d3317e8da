package schemas

import "time"

// IncidentState is where an incident stands.
type IncidentState string

// The states of an incident.
const (
	IncidentOpen         IncidentState = "open"
	IncidentAcknowledged IncidentState = "acknowledged" // open, and somebody is at it
	IncidentResolved     IncidentState = "resolved"
)

// Severity of an incident, in PagerDuty's terms.
type Severity string

// The severities, rising.
const (
	SeverityInfo     Severity = "info"
	SeverityWarning  Severity = "warning"
	SeverityError    Severity = "error"
	SeverityCritical Severity = "critical"
)

// Incident is one cause of trouble with a model, however many signals it has.
// Every change is a new Revision of the same ID: the first opens it, the last
// resolves it.
type Incident struct {
	ID         string        `json:"id"` // stable; also the key of alerts
	Revision   uint64        `json:"revision"`
	Tenant     string        `json:"tenant"`
	Model      string        `json:"model"`
	State      IncidentState `json:"state"`
	Severity   Severity      `json:"severity"`
	Title      string        `json:"title"`       // one line
	Summary    string        `json:"summary"`     // what, since when, how large
	Onset      time.Time     `json:"onset"`       // event time: start of the first window that alarmed
	OpenedAt   time.Time     `json:"opened_at"`   // event time: end of the first window that alarmed
	UpdatedAt  time.Time     `json:"updated_at"`  // event time: end of the newest window that changed it
	ResolvedAt *time.Time    `json:"resolved_at"` // event time; nil while open
	Versions   []string      `json:"versions"`    // of the model, ascending
	Features   []string      `json:"features"`    // affected, strongest first
	Signals    []Signal      `json:"signals"`     // the strongest alarm of each series, strongest first
	Diagnosis  *Diagnosis    `json:"diagnosis"`   // nil until causes were looked for
	Actions    []Action      `json:"actions"`     // what people did about it, oldest first
	MergedInto string        `json:"merged_into"` // id of the open incident of the same cause that stands for this one; empty: it stands for itself
}

// ModelKey is the model that the incident is about.
func (i *Incident) ModelKey() ModelKey { return ModelKey{i.Tenant, i.Model} }
