package schemas

import "time"

// RetrainingState is how far a retraining is.
type RetrainingState string

// The states of a retraining. The first four are decisions, of which waiting,
// withheld and asked may change as long as the incident is open.
const (
	RetrainingWaiting    RetrainingState = "waiting"    // something is lacking that may still come
	RetrainingWithheld   RetrainingState = "withheld"   // it would not help, or may not be
	RetrainingDryRun     RetrainingState = "dry_run"    // it would have been started
	RetrainingAsked      RetrainingState = "asked"      // a person is to approve it
	RetrainingExporting  RetrainingState = "exporting"  // decided: its feedback data set is being written
	RetrainingSending    RetrainingState = "sending"    // the data set is there: the target is being told
	RetrainingRunning    RetrainingState = "running"    // the target took it
	RetrainingTrained    RetrainingState = "trained"    // the run went well: the new version is waited for
	RetrainingServing    RetrainingState = "serving"    // the new version answers requests: its recovery is being verified
	RetrainingRecovered  RetrainingState = "recovered"  // the incident is over and the new version is well
	RetrainingEscalating RetrainingState = "escalating" // it did not help or did not happen: people are being told
	RetrainingEscalated  RetrainingState = "escalated"  // they were told
	RetrainingClosed     RetrainingState = "closed"     // they were told, and the incident is over
)

// InFlight tells whether a retraining is under way: no other of its model is
// begun meanwhile.
func (s RetrainingState) InFlight() bool {
	switch s {
	case RetrainingExporting, RetrainingSending, RetrainingRunning, RetrainingTrained, RetrainingServing:
		return true
	default:
		return false
	}
}

// Retraining is what became of one incident as far as training again goes.
// Every change is a new Revision; there is at most one of each incident.
type Retraining struct {
	Tenant      string          `json:"tenant"`
	Model       string          `json:"model"`
	IncidentID  string          `json:"incident_id"`
	Revision    uint64          `json:"revision"`
	State       RetrainingState `json:"state"`
	Reason      string          `json:"reason"` // short and stable, such as few_labels
	Detail      string          `json:"detail"` // one sentence
	Cause       CauseKind       `json:"cause"`  // of the diagnosis that the decision rests on; empty without one
	Target      string          `json:"target"` // configured name
	Key         string          `json:"key"`    // idempotency key sent to the target
	Versions    []string        `json:"versions"`
	Reference   string          `json:"reference"`    // that the drift was measured against
	WindowStart time.Time       `json:"window_start"` // event time that the data set covers
	WindowEnd   time.Time       `json:"window_end"`
	Rows        uint64          `json:"rows"`     // labelled rows found, or written
	Dataset     string          `json:"dataset"`  // URI of the Parquet file
	Manifest    string          `json:"manifest"` // URI of the JSON beside it
	SHA256      string          `json:"sha256"`   // of the Parquet file
	RunID       string          `json:"run_id"`   // at the target; empty where it names none
	NewVersion  string          `json:"new_version"`
	Attempts    uint32          `json:"attempts"` // tries of the step under way
	Error       string          `json:"error"`    // of the last one that failed
	SeenAt      time.Time       `json:"seen_at"`  // wall clock: the incident was first looked at
	DecidedAt   *time.Time      `json:"decided_at"`
	ServedAt    *time.Time      `json:"served_at"` // event time of the new version's first minute
	StateAt     time.Time       `json:"state_at"`  // wall clock: in this state since
	UpdatedAt   time.Time       `json:"updated_at"`
}

// ModelKey is the model to be trained again.
func (r *Retraining) ModelKey() ModelKey { return ModelKey{r.Tenant, r.Model} }

// Kinds of entry in the log of retrainings.
const (
	RetrainingDecision = "decision" // of the guard
	RetrainingStep     = "step"     // the retraining went on
	RetrainingApproval = "approval" // a person approved
	RetrainingDenial   = "denial"   // a person denied
	RetrainingCallback = "callback" // a pipeline told how its run goes; State is a RunState
)

// RetrainingEntry is one line of the log of retrainings.
type RetrainingEntry struct {
	Time       time.Time `json:"timestamp"`
	Tenant     string    `json:"tenant"`
	Model      string    `json:"model"`
	IncidentID string    `json:"incident_id"`
	Kind       string    `json:"kind"`
	State      string    `json:"state"`
	Reason     string    `json:"reason"`
	Detail     string    `json:"detail"`
	Actor      string    `json:"actor"` // who: driftline, a person, or the name of a target
	Key        string    `json:"key"`
	RunID      string    `json:"run_id"`
	Version    string    `json:"version"` // of the model that a run made
}

// RunState is how a run at a target stands.
type RunState string

// The states of a run.
const (
	RunRunning   RunState = "running" // or queued
	RunSucceeded RunState = "succeeded"
	RunFailed    RunState = "failed" // or cancelled
)

// LabelledEvent is an event together with what turned out to be true: a row of
// a feedback data set.
type LabelledEvent struct {
	Time        time.Time
	RequestID   string
	Version     string
	Segment     string
	Numeric     []float32 // by position of the version's FeatureSchema; NaN is missing
	Categorical []string  // by position; empty is missing
	Label       string
	Value       *float64
	LabelledAt  time.Time // of the newest label
}

// VersionTraffic is what one version of a model was asked.
type VersionTraffic struct {
	Version    string
	First      time.Time // event time of its first minute that is known
	FirstSince time.Time // the same, not before the time asked about
	Rows       uint64    // events since then
}

// VersionHealth is what the signals say of one version since a time. Times are
// ends of windows; zero for none.
type VersionHealth struct {
	Newest    time.Time // window with a verdict
	LastAlarm time.Time
	OK        uint64 // signals in state ok
}
