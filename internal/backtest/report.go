package backtest

import (
	"strconv"
	"strings"
	"time"

	"github.com/driftline/driftline/schemas"
)

// Report is the outcome of a run; its JSON form is stable and its arrays are
// never null.
type Report struct {
	Signals     []schemas.Signal `json:"signals"`     // by window, feature and detector
	Performance []Performance    `json:"performance"` // by window; empty without labels
	Summary     Summary          `json:"summary"`

	Plots   *Plots `json:"-"` // nil unless asked for
	Rowwise bool   `json:"-"` // the data have no times: those of windows count rows in seconds since 1970
}

// At names an instant of the run for people: a day, a minute, or a row.
func (r *Report) At(t time.Time) string {
	t = t.UTC()
	switch {
	case r.Rowwise:
		return "row " + strconv.FormatInt(t.Unix(), 10)
	case strings.HasSuffix(r.Summary.Window, "d"), strings.HasSuffix(r.Summary.Window, "mo"):
		return t.Format("2006-01-02")
	}
	return t.Format("2006-01-02 15:04")
}

// Performance is how well the model did in one window, by the labels known, and
// how well it should have done. Figures that cannot be computed are nil: no
// labels, one class only, no score.
type Performance struct {
	WindowStart time.Time     `json:"window_start"`
	WindowEnd   time.Time     `json:"window_end"`
	N           int           `json:"n"`        // rows of the window
	Labelled    int           `json:"labelled"` // rows whose label is known
	Coverage    float64       `json:"coverage"` // Labelled / N
	Accuracy    *float64      `json:"accuracy"` // share of labelled rows whose prediction equals the label
	AUC         *float64      `json:"auc"`      // exact area under the ROC curve, ties count half; labels 0 and 1
	State       schemas.State `json:"state"`    // alarm when a metric alarms, ok when one is ok, else insufficient or no_data
	Metrics     []Measure     `json:"metrics"`
}

// Measure is one metric of one window.
type Measure struct {
	Metric      string        `json:"metric"`
	N           int           `json:"n"`            // labelled rows that it rests on
	Realised    *float64      `json:"realised"`     // by the labels
	RealisedSE  *float64      `json:"realised_se"`  // its sampling error
	Estimated   *float64      `json:"estimated"`    // without labels, over all rows of the window
	EstimatedSE *float64      `json:"estimated_se"` // standard deviation of realised around it
	Deficit     *float64      `json:"deficit"`      // how much worse realised is than estimated, over the labelled rows
	DeficitLow  *float64      `json:"deficit_low"`  // 95 % confidence interval of the deficit, without what the fit explains
	DeficitHigh *float64      `json:"deficit_high"`
	PValue      *float64      `json:"p_value"`   // one-sided, times the metrics of the window; nil in the mode chunks
	Threshold   *float64      `json:"threshold"` // smallest deficit that counts; in the mode chunks the value beyond which alarms begin
	State       schemas.State `json:"state"`
	Reason      string        `json:"reason"`
}

// Summary is the run in a few figures.
type Summary struct {
	Model             string    `json:"model"`
	Reference         string    `json:"reference"` // name@version; the last one of several
	ReferenceRows     int       `json:"reference_rows"`
	References        int       `json:"references"`       // different ones that windows were compared with
	WithoutReference  int       `json:"unjudged_windows"` // that had no reference: nothing came before them
	Rows              int       `json:"rows"`
	Window            string    `json:"window"`
	Windows           int       `json:"windows"`
	WindowsAlarmed    int       `json:"windows_alarmed"`
	Features          int       `json:"features"`
	Absent            []string  `json:"absent_features"` // of the reference, without a column in the data: not judged
	Signals           int       `json:"signals"`
	Alarms            int       `json:"alarms"`
	Alarmed           []Alarmed `json:"alarmed_features"` // most windows with alarms first, times importance where it is given
	Level             float64   `json:"level"`            // significance of a window after adjustment
	From              time.Time `json:"from"`             // start of the first window
	To                time.Time `json:"to"`               // end of the last window
	Accuracy          *float64  `json:"accuracy"`         // over all labelled rows
	AUC               *float64  `json:"auc"`
	Task              Task      `json:"task,omitempty"`     // empty without labels
	ThresholdMode     string    `json:"threshold_mode"`     // calibrated or chunks
	PerformanceAlarms int       `json:"performance_alarms"` // windows whose performance alarmed
}

// weight orders features: windows that alarmed times importance.
func (a *Alarmed) weight() float64 {
	if a.Importance > 0 {
		return float64(a.Windows) * a.Importance
	}
	return float64(a.Windows)
}

// Alarmed is a feature with alarms.
type Alarmed struct {
	Feature string    `json:"feature"`
	Windows int       `json:"windows"` // with at least one alarm
	Alarms  int       `json:"alarms"`
	First   time.Time `json:"first"` // start of the first window that alarmed

	Importance float64 `json:"importance"` // of the feature against the average, 0 when not given
}
