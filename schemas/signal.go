package schemas

import (
	"strings"
	"time"
)

// State is the outcome of one detector on one window.
type State string

// The states of a signal. NoData and Insufficient are answers of their own:
// neither is ever reported as a score of zero.
const (
	StateOK           State = "ok"
	StateAlarm        State = "alarm"
	StateNoData       State = "no_data"
	StateInsufficient State = "insufficient"
)

// Signal is what one detector says of one feature in one window. A signal with
// the same Series and window replaces an earlier one.
type Signal struct {
	WindowStart   time.Time `json:"window_start"`
	WindowEnd     time.Time `json:"window_end"`
	Tenant        string    `json:"tenant"`
	Model         string    `json:"model"`
	Version       string    `json:"version"`
	Segment       string    `json:"segment"` // empty: all segments
	Feature       string    `json:"feature"` // empty: the model as a whole
	Detector      string    `json:"detector"`
	Score         float64   `json:"score"` // in Unit; NaN never: 0 with NoData or Insufficient
	Unit          string    `json:"unit"`
	Threshold     float64   `json:"threshold"`      // smallest effect that counts, in Unit
	PValue        float64   `json:"p_value"`        // adjusted for the features and detectors of the window; 1 when not computed
	MinimalEffect float64   `json:"minimal_effect"` // smallest change, in Unit, that such a window tells from chance in 4 of 5 cases; 0 when not known
	NReference    uint64    `json:"n_reference"`
	NWindow       uint64    `json:"n_window"`
	Reference     string    `json:"reference"` // Reference.ID

	Importance       float64 `json:"importance"`        // of the feature for the model, against the average of its features, as the user gave it; 0 when not given
	StrongestSegment string  `json:"strongest_segment"` // of an alarm: the segment without which the score would be smallest; empty when none stands out
	SegmentShare     float64 `json:"segment_share"`     // of the score that is gone without that segment, up to 1

	State       State     `json:"state"`
	Reason      string    `json:"reason"`       // one sentence
	EvaluatedAt time.Time `json:"evaluated_at"` // wall clock of the evaluation; the newest wins
}

// Weight is how much the signal counts among others of the same strength: the
// importance of its feature, 1 where none is given.
func (s *Signal) Weight() float64 {
	if s.Importance > 0 {
		return s.Importance
	}
	return 1
}

// SilentPrefix begins the names of detectors of silent failures.
const SilentPrefix = "silent_"

// Silent tells whether the signal is about a silent failure rather than drift.
func (s *Signal) Silent() bool { return strings.HasPrefix(s.Detector, SilentPrefix) }

// SeriesKey names the series of windows that a signal belongs to.
type SeriesKey struct {
	Tenant, Model, Version, Segment, Feature, Detector string
}

// Series is the key of the signal's series.
func (s *Signal) Series() SeriesKey {
	return SeriesKey{s.Tenant, s.Model, s.Version, s.Segment, s.Feature, s.Detector}
}

// ModelKey is the model that the signal is about.
func (s *Signal) ModelKey() ModelKey { return ModelKey{s.Tenant, s.Model} }

// Span is the signal's window.
func (s *Signal) Span() Span { return Span{s.WindowStart, s.WindowEnd} }

// Evaluation is everything one evaluation of one window of one model found:
// the record of the signals topic, keyed by tenant and model.
type Evaluation struct {
	ModelKey
	Span    Span     `json:"window"`
	Signals []Signal `json:"signals"` // of all versions, segments, features and detectors
}
