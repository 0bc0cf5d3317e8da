package performance

import (
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/driftline/driftline/detectors/sequential"
	"github.com/driftline/driftline/internal/config"
)

// ConfigSource is the Go source of Config, from which its manual is made.
//
//go:embed config.go
var ConfigSource string

// Config says how a model's performance is judged by its labels.
type Config struct {
	Task        string             `yaml:"task"`         // binary, classes (any classifier, by its predictions alone) or regression. Default empty: performance is not judged
	Label       string             `yaml:"label"`        // column of the truth in the reference's file, from which estimates are learnt; it is no feature. Default empty: nothing is estimated
	Positive    string             `yaml:"positive"`     // label of the positive class of a binary model. Default "1"
	Predicts    string             `yaml:"predicts"`     // prediction that stands for the positive class. Default as positive
	Metrics     []string           `yaml:"metrics"`      // to judge. Default roc_auc for binary, accuracy for classes, mae for regression
	Horizon     time.Duration      `yaml:"horizon"`      // how long after a window labels are waited for: until then its figures are provisional, then final, and its outcomes go to the sequential detectors. Default 24h
	MinLabels   int                `yaml:"min_labels"`   // labelled rows that a verdict needs. Default 100
	MinCoverage float64            `yaml:"min_coverage"` // smallest share of predictions with a label that a verdict needs. Default 0.1
	Effects     map[string]float64 `yaml:"effects"`      // how much worse than estimated counts, by metric, in its unit. Default: the metric's own; mae, rmse and pinball have none
	Floors      map[string]float64 `yaml:"floors"`       // by metric: realised or estimated worse than this alarms, if by more than chance. Default none
	Sequential  []string           `yaml:"sequential"`   // detectors over the errors in the order of their events, see docs/quality.md. Default adwin
	Challenger  string             `yaml:"challenger"`   // version that is compared with champion on the same windows. Default none
	Champion    string             `yaml:"champion"`     // version that it challenges. Required with challenger
}

// SetDefaults fills what the user leaves out.
func (c *Config) SetDefaults() {
	c.Positive, c.Horizon, c.MinLabels, c.MinCoverage, c.Sequential = "1", 24*time.Hour, 100, 0.1, []string{"adwin"}
}

// Tasks.
const (
	TaskBinary     = "binary"
	TaskClasses    = "classes"
	TaskRegression = "regression"
)

// Enabled tells whether performance is judged.
func (c *Config) Enabled() bool { return c.Task != "" }

// JudgedMetrics are those of the configuration, or the task's usual one.
func (c *Config) JudgedMetrics() []string {
	if len(c.Metrics) > 0 {
		return c.Metrics
	}
	return map[string][]string{TaskBinary: {NameAUC}, TaskClasses: {NameAccuracy}, TaskRegression: {NameMAE}}[c.Task]
}

// suits tells which metrics a task has.
var suits = map[string][]string{
	TaskBinary:     {NameAUC, NameAccuracy, NamePrecision, NameRecall, NameF1, NameLogLoss, NameBrier, NameECE},
	TaskClasses:    {NameAccuracy, NamePrecision, NameRecall, NameF1, NameMicroF1},
	TaskRegression: {NameMAE, NameRMSE, NamePinball, NameR2},
}

// Validate reports every mistake.
func (c Config) Validate() error {
	if !c.Enabled() {
		return nil
	}
	var errs []error
	check := func(ok bool, key, format string, args ...any) {
		if !ok {
			errs = append(errs, config.Faultf(key, format, args...))
		}
	}
	known, ok := suits[c.Task]
	check(ok, "task", "unsupported task %q; supported: binary, classes, regression", c.Task)
	for i, m := range c.Metrics {
		check(!ok || slices.Contains(known, m), fmt.Sprintf("metrics[%d]", i), "%q is no metric of task %s; it has: %v", m, c.Task, known)
	}
	for key, values := range map[string]map[string]float64{"effects": c.Effects, "floors": c.Floors} {
		for _, m := range slices.Sorted(maps.Keys(values)) {
			check(slices.Contains(c.JudgedMetrics(), m), key+"."+m, "is not among the metrics that are judged: %v", c.JudgedMetrics())
			check(!math.IsNaN(values[m]) && !math.IsInf(values[m], 0) && (key == "floors" || values[m] > 0), key+"."+m, "%v is not a number above 0", values[m])
		}
	}
	for i, name := range c.Sequential {
		_, err := sequential.Lookup(name)
		check(err == nil, fmt.Sprintf("sequential[%d]", i), "%v", err)
		if err == nil && c.Task == TaskRegression {
			e, _ := sequential.Lookup(name)
			check(e.Domain == sequential.Real, fmt.Sprintf("sequential[%d]", i), "%s takes errors of classifiers only", name)
		}
	}
	check(c.Horizon > 0, "horizon", "is %s; give a time above 0, such as 24h", c.Horizon)
	check(c.MinLabels >= 1, "min_labels", "is %d; give at least 1", c.MinLabels)
	check(c.MinCoverage >= 0 && c.MinCoverage <= 1, "min_coverage", "is %v; give a share from 0 to 1", c.MinCoverage)
	check((c.Challenger == "") == (c.Champion == ""), "challenger", "challenger and champion are given together or not at all")
	check(c.Challenger == "" || c.Task != TaskRegression, "challenger", "is compared for classifiers only")
	check(c.Challenger == "" || c.Challenger != c.Champion, "challenger", "is the champion itself")
	return errors.Join(errs...)
}
