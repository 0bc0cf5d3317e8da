package judge

import (
	"time"

	"github.com/driftline/driftline/loadtest"
	"github.com/driftline/driftline/schemas"
)

// Result is the outcome of a run, as JSON. No list is ever null.
type Result struct {
	Injected    []loadtest.Injected `json:"injected"`
	Found       []Found             `json:"found"`        // one for each fault that was found, in the order of Injected
	Missed      []loadtest.Injected `json:"missed"`       // the other faults
	FalseAlarms []FalseAlarm        `json:"false_alarms"` // what no fault explains
}

// OK tells whether every fault was found and nothing else alarmed.
func (r *Result) OK() bool { return len(r.Missed)+len(r.FalseAlarms) == 0 }

// Found is a fault and what showed it first.
type Found struct {
	Fault        string           `json:"fault"`
	Incident     string           `json:"incident"` // its id
	Model        string           `json:"model"`
	Features     []string         `json:"features"` // of the fault that alarmed, strongest first
	Severity     schemas.Severity `json:"severity"`
	DetectedAt   time.Time        `json:"detected_at"`   // event time: end of the first window that alarmed
	DelaySeconds float64          `json:"delay_seconds"` // event time from the start of the fault to DetectedAt
	Detector     string           `json:"detector"`      // that saw the strongest effect, as are the next four
	Feature      string           `json:"feature"`
	Score        float64          `json:"score"`
	Unit         string           `json:"unit"`
	Threshold    float64          `json:"threshold"`
}

// FalseAlarm is an incident, or the part of one, that no fault explains.
type FalseAlarm struct {
	Incident string    `json:"incident"`
	Model    string    `json:"model"`
	Features []string  `json:"features"` // the unexplained ones
	Onset    time.Time `json:"onset"`
	Title    string    `json:"title"`
}
