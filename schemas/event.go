package schemas

import "time"

// DefaultTenant is the tenant of records that name none.
const DefaultTenant = "default"

// Event is one inference: what a model was asked and what it answered.
type Event struct {
	Tenant    string    `json:"tenant,omitempty"`     // who the data belong to; empty means DefaultTenant
	Model     string    `json:"model"`                // required
	Version   string    `json:"version,omitempty"`    // of the model
	Segment   string    `json:"segment,omitempty"`    // slice of the traffic, such as a country
	RequestID string    `json:"request_id,omitempty"` // joins labels to predictions
	Time      time.Time `json:"timestamp"`            // event time, stored to the millisecond; required

	Deployment string `json:"deployment,omitempty"` // that served the request
	Pod        string `json:"pod,omitempty"`
	Node       string `json:"node,omitempty"`
	GPU        string `json:"gpu,omitempty"` // UUID or node/index

	Prediction string   `json:"prediction,omitempty"` // predicted class or text label
	Score      *float64 `json:"score,omitempty"`      // probability or predicted value; nil is missing
	LatencyMS  *float64 `json:"latency_ms,omitempty"` // milliseconds; nil is missing

	Features Features `json:"features,omitzero"`
}

// Features of one event by name. In JSON both kinds share one object: numbers
// and booleans are numeric (true is 1), strings are categorical, null is
// missing.
type Features struct {
	Numeric     map[string]float64
	Categorical map[string]string
}

// Label is the truth about a prediction; it may come late, twice or corrected.
type Label struct {
	Tenant    string    `json:"tenant,omitempty"`
	Model     string    `json:"model"`      // required
	RequestID string    `json:"request_id"` // of the event it belongs to; required
	Time      time.Time `json:"timestamp"`  // when the truth became known; the latest one wins; required
	Label     string    `json:"label,omitempty"`
	Value     *float64  `json:"value,omitempty"` // truth of a regression; nil for classes
}

// Sample is one value of a telemetry series: a GPU, a serving system, a pipeline.
type Sample struct {
	Tenant     string            `json:"tenant,omitempty"`
	Time       time.Time         `json:"timestamp"` // required
	Source     string            `json:"source,omitempty"`
	Metric     string            `json:"metric"` // required
	Value      float64           `json:"value"`
	Unit       string            `json:"unit,omitempty"`
	Model      string            `json:"model,omitempty"`
	Deployment string            `json:"deployment,omitempty"`
	Pod        string            `json:"pod,omitempty"`
	Node       string            `json:"node,omitempty"`
	GPU        string            `json:"gpu,omitempty"`
	Labels     map[string]string `json:"labels,omitempty"`
}

// JobState is a step in the life of an asynchronous job.
type JobState string

// The states of a job; JobSucceeded, JobFailed and JobCancelled are final.
const (
	JobStarted   JobState = "started"
	JobHeartbeat JobState = "heartbeat"
	JobSucceeded JobState = "succeeded"
	JobFailed    JobState = "failed"
	JobCancelled JobState = "cancelled"
)

// JobEvent is one step of a batch or asynchronous job.
type JobEvent struct {
	Tenant     string    `json:"tenant,omitempty"`
	Job        string    `json:"job"`       // name of the job; required
	RunID      string    `json:"run_id"`    // of this run; required
	Time       time.Time `json:"timestamp"` // required
	State      JobState  `json:"state"`     // required
	Attempt    uint32    `json:"attempt,omitempty"`
	Model      string    `json:"model,omitempty"`
	Node       string    `json:"node,omitempty"`
	GPU        string    `json:"gpu,omitempty"`
	ItemsIn    uint64    `json:"items_in,omitempty"`
	ItemsOut   uint64    `json:"items_out,omitempty"`
	BytesOut   uint64    `json:"bytes_out,omitempty"`
	DurationMS float64   `json:"duration_ms,omitempty"`
	Error      string    `json:"error,omitempty"`
}

// ChangeKind says what was changed.
type ChangeKind string

// The kinds of change that the correlator knows.
const (
	ChangeDeploy  ChangeKind = "deploy"
	ChangeConfig  ChangeKind = "config"
	ChangeDriver  ChangeKind = "driver"
	ChangeData    ChangeKind = "data"
	ChangeRetrain ChangeKind = "retrain"
)

// Change is something people or machines altered: a deploy, a configuration,
// a driver, an upstream data source.
type Change struct {
	Tenant      string     `json:"tenant,omitempty"`
	ID          string     `json:"id"`        // required
	Time        time.Time  `json:"timestamp"` // required
	Kind        ChangeKind `json:"kind"`      // required
	Entity      string     `json:"entity"`    // what changed, such as deployment/credit-eu; required
	Model       string     `json:"model,omitempty"`
	From        string     `json:"from,omitempty"`
	To          string     `json:"to,omitempty"`
	Author      string     `json:"author,omitempty"`
	Description string     `json:"description,omitempty"`
}
