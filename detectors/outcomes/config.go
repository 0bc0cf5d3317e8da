package outcomes

import (
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/driftline/driftline/detectors/performance"
	"github.com/driftline/driftline/detectors/sequential"
	"github.com/driftline/driftline/internal/config"
)

// ConfigSource is the Go source of the sections, from which their manual is made.
//
//go:embed config.go
var ConfigSource string

// Performance is the section models[].performance: how the model is judged by
// its labels.
type Performance struct {
	Task               string             `yaml:"task"`                // binary, multiclass or regression. Left empty, labels are not judged
	Label              string             `yaml:"label"`               // column of reference.file that holds the truth; not a feature. Left empty, windows are measured and not judged: there is nothing to compare with or to learn estimates from
	Positive           string             `yaml:"positive"`            // label of the positive class, for binary. Default "1"
	PositivePrediction string             `yaml:"positive_prediction"` // prediction that means the positive class, where it has another name than the label. Default: positive. Events without a prediction are taken by their score, from 0.5
	Metrics            []string           `yaml:"metrics"`             // roc_auc, accuracy, precision, recall, f1, log_loss, brier or ece; mae, rmse, pinball or r2 for regressions. Default roc_auc for binary, accuracy for multiclass, mae for regression. Each further one is a further test
	Effects            map[string]float64 `yaml:"effects"`             // smallest deficit that counts, by metric, in the metric's unit. Default the metric's own, see docs/performance.md; for errors of regressions a tenth of the reference's
	Horizon            time.Duration      `yaml:"horizon"`             // how long after its prediction a label may become known; then a window is final, and later labels are counted and left out. At most clickhouse.retention.raw less a window. Default 24h
	MinCoverage        float64            `yaml:"min_coverage"`        // share of a window's predictions that must be labelled for a verdict, above 0 and up to 1. Set it below the share that ever gets a label. Default 0.5
	Estimate           *bool              `yaml:"estimate"`            // estimate performance without labels (CBPE, DLE), and alarm when labels fall short of it. Default true
	Every              time.Duration      `yaml:"every"`               // labels have a window judged again at most once in this time, by the wall clock; less often when judging takes longer than a tenth of it. Default 1m
	MaxRows            uint64             `yaml:"max_rows"`            // predictions looked at in a window: of more, a fixed part is drawn by the hash of the request id. Default 100000
}

// Challenger is the section models[].challenger: two versions held against each
// other by their losses (squared error of the probability, else errors, of
// regressions absolute errors).
type Challenger struct {
	Champion string  `yaml:"champion"` // version that serves now. Left empty, nothing is compared
	Version  string  `yaml:"version"`  // version that may replace it. Required with champion
	Level    float64 `yaml:"level"`    // chance of ever calling a winner while neither is better, above 0 and below 1. Default 0.01
	Bound    float64 `yaml:"bound"`    // largest difference of two losses that counts; larger ones are clipped. Default 1; regressions must give it, in the label's unit
}

// The tasks.
const (
	Binary     = "binary"
	Multiclass = "multiclass"
	Regression = "regression"
)

// NoSequential stands for no sequential detector at all.
const NoSequential = "none"

// DefaultSequential are the sequential detectors of a model that names none.
var DefaultSequential = []string{"adwin"}

// On tells whether labels are judged.
func (p *Performance) On() bool { return p.Task != "" }

// complete fills in defaults.
func (p Performance) complete() Performance {
	p.Positive = cmp.Or(p.Positive, "1")
	p.PositivePrediction = cmp.Or(p.PositivePrediction, p.Positive)
	p.Horizon = cmp.Or(p.Horizon, 24*time.Hour)
	p.MinCoverage = cmp.Or(p.MinCoverage, 0.5)
	p.Every = cmp.Or(p.Every, time.Minute)
	p.MaxRows = cmp.Or(p.MaxRows, 100_000)
	if len(p.Metrics) == 0 {
		p.Metrics = []string{map[string]string{Binary: performance.NameAUC, Multiclass: performance.NameAccuracy, Regression: performance.NameMAE}[p.Task]}
	}
	return p
}

// FinalAfter is the horizon in force.
func (p Performance) FinalAfter() time.Duration { return p.complete().Horizon }

// metricsOf are the metrics that a task has.
var metricsOf = map[string][]string{
	Binary: {
		performance.NameAUC, performance.NameAccuracy, performance.NamePrecision, performance.NameRecall, performance.NameF1,
		performance.NameLogLoss, performance.NameBrier, performance.NameECE,
	},
	Multiclass: {performance.NameAccuracy, performance.NamePrecision, performance.NameRecall, performance.NameF1},
	Regression: {performance.NameMAE, performance.NameRMSE, performance.NamePinball, performance.NameR2},
}

// Validate reports every mistake of the section.
func (p Performance) Validate() error {
	var errs []error
	check := func(ok bool, key, format string, args ...any) {
		if !ok {
			errs = append(errs, config.Faultf(key, format, args...))
		}
	}
	known, ok := metricsOf[p.Task]
	check(ok || p.Task == "", "task", "%q is not binary, multiclass or regression", p.Task)
	check(p.Task != "" || p.Label == "" && len(p.Metrics) == 0, "task", "is missing; give binary, multiclass or regression")
	for i, m := range p.Metrics {
		check(!ok || slices.Contains(known, m), fmt.Sprintf("metrics[%d]", i), "%q is no metric of the task %s; metrics: %s", m, p.Task, strings.Join(known, ", "))
	}
	for _, m := range slices.Sorted(maps.Keys(p.Effects)) {
		check(!ok || slices.Contains(known, m), "effects."+m, "%q is no metric of the task %s; metrics: %s", m, p.Task, strings.Join(known, ", "))
		check(p.Effects[m] > 0 && !math.IsInf(p.Effects[m], 1), "effects."+m, "%v is not a number above 0", p.Effects[m])
	}
	check(p.Horizon >= 0, "horizon", "is negative")
	check(p.Every >= 0, "every", "is negative")
	check(p.MinCoverage >= 0 && p.MinCoverage <= 1, "min_coverage", "%v is not above 0 and up to 1", p.MinCoverage)
	check(p.MaxRows == 0 || p.MaxRows >= 1000, "max_rows", "is %d; give at least 1000", p.MaxRows)
	return errors.Join(errs...)
}

// Validate reports every mistake of the section.
func (c Challenger) Validate() error {
	var errs []error
	check := func(ok bool, key, format string, args ...any) {
		if !ok {
			errs = append(errs, config.Faultf(key, format, args...))
		}
	}
	check((c.Champion == "") == (c.Version == ""), "version", "champion and version go together")
	check(c.Champion == "" || c.Champion != c.Version, "version", "is the champion")
	check(c.Level >= 0 && c.Level < 1, "level", "%v is not above 0 and below 1", c.Level)
	check(c.Bound >= 0 && !math.IsInf(c.Bound, 1), "bound", "%v is not a number above 0", c.Bound)
	return errors.Join(errs...)
}

// CheckTogether reports what the sections of one model cannot see alone.
func CheckTogether(p Performance, methods []string, c Challenger) error {
	var errs []error
	if !p.On() && (len(methods) > 0 || c.Champion != "") {
		errs = append(errs, config.Faultf("performance.task", "is missing; sequential and challenger need labels: give binary, multiclass or regression"))
	}
	if p.Task == Regression && c.Champion != "" && c.Bound == 0 {
		errs = append(errs, config.Faultf("challenger.bound", "is missing: the largest difference of two absolute errors that counts, in the label's unit"))
	}
	for i, name := range methods {
		key := fmt.Sprintf("sequential[%d]", i)
		if name == NoSequential && len(methods) == 1 {
			continue
		}
		e, err := sequential.Lookup(name)
		switch {
		case err != nil:
			errs = append(errs, config.Faultf(key, "%v", err))
		case p.Task == Regression && e.Domain != sequential.Real:
			errs = append(errs, config.Faultf(key, "%s takes values of %s, and errors of a regression are any number; adwin takes them", name, e.Domain))
		}
	}
	return errors.Join(errs...)
}

// ConfigChoices are the names that fields of the sections may hold.
func ConfigChoices() map[string][]config.Choices {
	names := config.Choices{Name: "outcomes.Metric"}
	for _, m := range performance.Metrics() {
		names.Of = append(names.Of, config.Choice{Value: m.Name, Help: m.Title + ": " + m.Doc})
	}
	return map[string][]config.Choices{"Performance.Metrics": {names}, "Performance.Effects": {names}}
}

// SequentialChoices are the names that a list of sequential detectors may hold.
func SequentialChoices() []config.Choices {
	names := config.Choices{Name: "outcomes.Sequential", Of: []config.Choice{{Value: NoSequential, Help: "No sequential detector."}}}
	for _, e := range sequential.All() {
		names.Of = append(names.Of, config.Choice{Value: e.Name, Help: e.Doc})
	}
	return []config.Choices{names}
}
