package schemas

import (
	"strings"
	"time"
)

// Outcome is a prediction with its label: a row of the table outcomes.
type Outcome struct {
	Tenant     string    `json:"tenant"`
	Model      string    `json:"model"`
	Version    string    `json:"version"`
	Segment    string    `json:"segment"`
	Time       time.Time `json:"timestamp"` // of the prediction
	RequestID  string    `json:"request_id"`
	KnownAt    time.Time `json:"known_at"` // of the label
	Prediction string    `json:"prediction"`
	Score      *float64  `json:"score"` // nil is missing
	Label      string    `json:"label"`
	Value      *float64  `json:"value"`    // truth of a regression; nil for classes
	Revision   uint64    `json:"revision"` // milliseconds of the join; the newest wins
}

// OutcomeStats is how well a version did in one window by one metric.
type OutcomeStats struct {
	Tenant      string    `json:"tenant"`
	Model       string    `json:"model"`
	Version     string    `json:"version"`
	Segment     string    `json:"segment"` // empty: all segments
	Metric      string    `json:"metric"`  // name, such as roc_auc
	WindowStart time.Time `json:"window_start"`
	WindowEnd   time.Time `json:"window_end"`
	Predictions uint64    `json:"predictions"` // that were looked at
	Labelled    uint64    `json:"labelled"`    // of these, with a label
	OneOf       uint64    `json:"one_of"`      // 1: all predictions were looked at; k: a fixed one in k
	Realised    *float64  `json:"realised"`    // by the labels; nil: not known
	RealisedSE  *float64  `json:"realised_se"` // its standard error
	Estimated   *float64  `json:"estimated"`   // without labels, over all predictions
	EstimatedSE *float64  `json:"estimated_se"`
	Deficit     *float64  `json:"deficit"` // how much worse the labelled predictions did than estimated for them
	Final       bool      `json:"final"`   // labels are not waited for any longer
	EvaluatedAt time.Time `json:"evaluated_at"`
}

// DetectorState is what the sequential detectors of a model know after a window.
type DetectorState struct {
	Tenant      string    `json:"tenant"`
	Model       string    `json:"model"`
	WindowStart time.Time `json:"window_start"`
	WindowEnd   time.Time `json:"window_end"`
	State       string    `json:"state"` // JSON
	EvaluatedAt time.Time `json:"evaluated_at"`
}

// Prefixes of the names of detectors that judge outcomes; the name of a metric
// or of a method follows.
const (
	PerformancePrefix = "performance_" // realised, against the reference
	EstimatedPrefix   = "estimated_"   // estimated without labels, against the reference
	ConceptGapPrefix  = "concept_gap_" // estimated minus realised
	SequentialPrefix  = "sequential_"  // errors one by one
)

// DetectorChallenger is the name of the comparison of champion and challenger.
const DetectorChallenger = "challenger"

// Outcome tells whether the signal is about what labels, or estimates in their
// place, say of the model's answers.
func (s *Signal) Outcome() bool {
	return s.Concept() || s.Detector == DetectorChallenger ||
		strings.HasPrefix(s.Detector, PerformancePrefix) || strings.HasPrefix(s.Detector, EstimatedPrefix)
}

// Concept tells whether the signal, if it alarms, says that the relation of
// inputs and labels has changed.
func (s *Signal) Concept() bool {
	return strings.HasPrefix(s.Detector, ConceptGapPrefix) || strings.HasPrefix(s.Detector, SequentialPrefix)
}
