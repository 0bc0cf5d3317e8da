// Package backtest runs the detectors over history in files: the same
// detectors.EvaluateWindow as the service, without Kafka or ClickHouse. With
// labels it also measures how well the model did in each window, so that drift
// can be held against what it cost.
package backtest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/driftline/driftline/detectors"
	"github.com/driftline/driftline/detectors/performance"
)

// Options of a run; the command's flags by the same names.
type Options struct {
	Tenant       string           // of the model; empty means default
	Model        string           // name of the model; required
	Reference    string           // file with reference rows, CSV or Parquet, or production of the data themselves: trailing=7d, same_hour_of_week=4, range=FROM/TO; empty only with such a kind in Entry
	Data         string           // file with the rows to judge; required
	Labels       string           // file with id and label columns; empty: labels are in the data, or there are none
	ID           string           // column that joins data and labels; needed with Labels
	Label        string           // column of the label in Labels, reference and data; empty: the only other column of the labels file
	Timestamp    string           // column of the event time; needed unless the window counts rows
	Prediction   string           // column of the predicted class; becomes _prediction
	Score        string           // column of the score: a probability for labels 0 and 1, a value for a regression; becomes _score
	ScoreColumns []string         // class=column for every class of several, or a prefix and *: the columns of their probabilities
	Task         Task             // empty: found by the labels
	Metrics      []string         // of performance.Metrics; empty: roc_auc, mae, or accuracy where there is no score
	Effects      []string         // metric=smallest deficit that counts; default the metric's own, for errors of regressions a tenth of the reference's
	Thresholds   ThresholdMode    // empty: calibrated
	Exclude      []string         // further columns that are not features
	Window       WindowSpec       // default 1h
	Every        detectors.Window // from the start of a window to that of the next; zero: windows do not overlap
	Config       detectors.Config // the detect section; zero value means detectors.DefaultConfig
	Detectors    []string         // names, over those of Entry; empty leaves those
	Entry        detectors.Model  // thresholds, features, detectors of the model's entry; may be empty
	Plots        bool             // count what pictures need, too
	Now          time.Time        // recorded as the time of evaluation; zero means the clock
}

// WindowSpec is how history is cut: by time or into chunks of rows.
type WindowSpec struct {
	Time detectors.Window
	Rows int // greater than 0: chunks of this many rows in the order of the file; a shorter rest is a chunk too
}

// ParseWindowSpec reads "1h", "1mo" and the like, or "rows=N".
func ParseWindowSpec(text string) (WindowSpec, error) {
	if n, ok := strings.CutPrefix(text, "rows="); ok {
		rows, err := strconv.Atoi(n)
		if err != nil || rows < 1 {
			return WindowSpec{}, fmt.Errorf("parse window %q: want rows= and a whole number of at least 1", text)
		}
		return WindowSpec{Rows: rows}, nil
	}
	w, err := detectors.ParseWindow(text)
	return WindowSpec{Time: w}, err
}

// String is the form that ParseWindowSpec reads.
func (w WindowSpec) String() string {
	if w.Rows > 0 {
		return "rows=" + strconv.Itoa(w.Rows)
	}
	return w.Time.String()
}

// Task is what kind of model it is.
type Task string

// The tasks.
const (
	Binary     Task = "binary"     // labels 0 and 1
	Multiclass Task = "multiclass" // labels are names
	Regression Task = "regression" // labels are numbers
)

// ThresholdMode is where alarms begin.
type ThresholdMode string

// The threshold modes.
const (
	Calibrated ThresholdMode = "calibrated" // effects and false-alarm budget, as the service; performance by its gap to the estimate
	Chunks     ThresholdMode = "chunks"     // mean ± 3σ of the reference, cut into windows like the data; drift must be significant too
)

// effects by metric.
func (o *Options) effects() (map[string]float64, error) {
	out := map[string]float64{}
	for _, text := range o.Effects {
		name, value, _ := strings.Cut(text, "=")
		v, err := strconv.ParseFloat(value, 64)
		if err != nil || !(v > 0) {
			return nil, fmt.Errorf("--effect %q: want a metric, = and a number above 0, such as roc_auc=0.05", text)
		}
		if _, err := performance.Lookup(name); err != nil {
			return nil, fmt.Errorf("--effect: %w", err)
		}
		out[name] = v
	}
	return out, nil
}

// checkChoices refuses words that are not among the choices.
func (o *Options) checkChoices() error {
	var errs []error
	if !slices.Contains([]Task{"", Binary, Multiclass, Regression}, o.Task) {
		errs = append(errs, fmt.Errorf("--task %q: want binary, multiclass or regression", o.Task))
	}
	if !slices.Contains([]ThresholdMode{"", Calibrated, Chunks}, o.Thresholds) {
		errs = append(errs, fmt.Errorf("--threshold-mode %q: want calibrated or chunks", o.Thresholds))
	}
	for _, m := range o.Metrics {
		if _, err := performance.Lookup(m); err != nil {
			errs = append(errs, fmt.Errorf("--metric: %w", err))
		}
	}
	return errors.Join(errs...)
}

// complete fills in defaults and reports every missing option.
func (o *Options) complete() error {
	if o.Window == (WindowSpec{}) {
		o.Window.Time = detectors.Every(time.Hour)
	}
	if o.Config.Window.IsZero() {
		o.Config = detectors.DefaultConfig()
	}
	if o.Window.Rows == 0 {
		o.Config.Window = o.Window.Time
		o.Entry.Window = o.Window.Time
		o.Config.Every = detectors.Window{}
	}
	if o.Every.IsZero() {
		o.Every = o.Entry.Every
	}
	o.Entry.Every = o.Every
	if o.Now.IsZero() {
		o.Now = time.Now().UTC()
	}
	if len(o.Detectors) > 0 {
		o.Entry.Detectors = o.Detectors
	}
	o.Entry.Tenant, o.Entry.Name = o.Tenant, o.Model
	need := func(ok bool, text string) error {
		if ok {
			return nil
		}
		return errors.New(text)
	}
	_, effects := o.effects()
	moving := o.takeReference()
	var importance error
	o.Entry, importance = o.Entry.WithImportance()
	return errors.Join(
		effects, moving, importance, o.checkChoices(),
		need(len(o.ScoreColumns) == 0 || o.Score == "", "--score is for one probability or value, --score-columns for one of each class: give one of them"),
		need(len(o.ScoreColumns) == 0 || o.Task == "" || o.Task == Multiclass, "--score-columns is for --task multiclass"),
		need(o.Model != "", "--model is missing"),
		need(o.Reference != "" || o.ofProduction(), "--reference is missing: a CSV or Parquet file with reference rows, or trailing=7d, same_hour_of_week=4, range=FROM/TO"),
		need(o.Every.IsZero() || o.Window.Rows == 0, "--every is for windows of time, not for --window rows=N"),
		need(o.Every.IsZero() || o.Labels == "" && o.Label == "", "--every cannot be combined with labels: performance is of windows that do not overlap"),
		need(o.Data != "", "--data is missing: a CSV or Parquet file with the rows to judge"),
		need(o.Timestamp != "" || o.Window.Rows > 0, "--timestamp is missing: the column of the event time, or use --window rows=N"),
		need(o.Labels == "" || o.ID != "", "--labels needs --id: the column that joins data and labels"),
	)
}
