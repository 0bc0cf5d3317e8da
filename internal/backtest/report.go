package backtest

import (
	"time"

	"github.com/driftline/driftline/schemas"
)

// Report is the outcome of a run; its JSON form is stable and its arrays are
// never null.
type Report struct {
	Signals     []schemas.Signal `json:"signals"`     // by window, feature and detector
	Performance []Performance    `json:"performance"` // by window; empty without labels
	Summary     Summary          `json:"summary"`
}

// Performance is how well the model did in one window, by the labels known.
// Figures that cannot be computed are nil: no labels, one class only, no score.
type Performance struct {
	WindowStart time.Time `json:"window_start"`
	WindowEnd   time.Time `json:"window_end"`
	N           int       `json:"n"`        // rows of the window
	Labelled    int       `json:"labelled"` // rows whose label is known
	Coverage    float64   `json:"coverage"` // Labelled / N
	Accuracy    *float64  `json:"accuracy"` // share of labelled rows whose prediction equals the label
	AUC         *float64  `json:"auc"`      // exact area under the ROC curve, ties count half; labels 0 and 1
}

// Summary is the run in a few figures.
type Summary struct {
	Model          string    `json:"model"`
	Reference      string    `json:"reference"` // name@version
	ReferenceRows  int       `json:"reference_rows"`
	Rows           int       `json:"rows"`
	Window         string    `json:"window"`
	Windows        int       `json:"windows"`
	WindowsAlarmed int       `json:"windows_alarmed"`
	Features       int       `json:"features"`
	Absent         []string  `json:"absent_features"` // of the reference, without a column in the data: not judged
	Signals        int       `json:"signals"`
	Alarms         int       `json:"alarms"`
	Alarmed        []Alarmed `json:"alarmed_features"` // most alarms first
	Level          float64   `json:"level"`            // significance of a window after adjustment
	From           time.Time `json:"from"`             // start of the first window
	To             time.Time `json:"to"`               // end of the last window
	Accuracy       *float64  `json:"accuracy"`         // over all labelled rows
	AUC            *float64  `json:"auc"`
}

// Alarmed is a feature with alarms.
type Alarmed struct {
	Feature string    `json:"feature"`
	Windows int       `json:"windows"` // with at least one alarm
	Alarms  int       `json:"alarms"`
	First   time.Time `json:"first"` // start of the first window that alarmed
}
