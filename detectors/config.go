package detectors

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"path"
	"slices"
	"time"

	"github.com/driftline/driftline/detectors/outcomes"
	"github.com/driftline/driftline/detectors/silent"
	"github.com/driftline/driftline/internal/config"
	"github.com/driftline/driftline/schemas"
)

// Config is the detect section: what holds for all models.
type Config struct {
	Window          Window        `yaml:"window"`            // event-time length of a window: 5m, 1h, 1d, 1mo. Shorter reacts sooner, longer sees smaller changes. Default 1h
	Every           Window        `yaml:"every"`             // how often a window of that length begins, at least 1m and a whole part of it: window 1h and every 5m answer each five minutes for the hour before. Each answer is a test of the false-alarm budget. Default empty, which means the window's length: no window shares rows with another
	Lateness        time.Duration `yaml:"lateness"`          // how long after its end a window waits for late events, in event time. Default 1m
	Idle            time.Duration `yaml:"idle"`              // a window whose time is over by the wall clock is evaluated when nothing touched it for this long, although no newer event came. Default 5s
	Settle          time.Duration `yaml:"settle"`            // late data re-evaluate a window at most once in this time. Default 1s
	ReferenceSettle time.Duration `yaml:"reference_settle"`  // data that come late into a reference made of production re-evaluate the windows compared with it at most once in this time. Default 10m
	MinRows         uint64        `yaml:"min_rows"`          // fewer rows in the window or in the reference give insufficient, not a verdict. Default 100
	FalseAlarmEvery Window        `yaml:"false_alarm_every"` // false-alarm budget: one window with a false alarm in this time for each model and segment. Default 30d
	BudgetPer       string        `yaml:"budget_per"`        // whose budget that is: model, or feature, where each feature of a model has its own. Default model
	Correction      string        `yaml:"correction"`        // for the many tests of a window: bh (Benjamini–Hochberg) or by (Benjamini–Yekutieli, valid under any dependence, stricter). Default bh
	Calibrate       bool          `yaml:"calibrate"`         // where a reference has a timestamp column, learn from its own windows how far scores stray when nothing is wrong, dependence between rows and season (hour of day, hour of week) included; takes 20 windows of history, better 200. Default true
	AlarmWindows    int           `yaml:"alarm_windows"`     // so many of the last alarm_of windows must have changed before an alarm, 1 to alarm_of. The budget stays what it is: each single window may be less sure. Default 1
	AlarmOf         int           `yaml:"alarm_of"`          // see alarm_windows; 1 to 24. Default 1
	Hold            float64       `yaml:"hold"`              // an alarm lasts while the score is at least this part of its threshold and significant at 0.05, above 0 and up to 1, where 1 means no longer than the alarm's own conditions. Default 1
	Detectors       []string      `yaml:"detectors"`         // names of the detectors to run, see docs/detectors.md; "default" stands for the default set, "all" for every one over single features, "multivariate" for those over rows of several. Each further one is a further test, which the others pay for with a little of their sensitivity. Default empty, which means the default set
	Bins            int           `yaml:"psi_bins"`          // quantile bins of PSI, 2 to 100. Default 10
	JSBase          string        `yaml:"js_base"`           // logarithm of the Jensen–Shannon distance: 2 (maximum 1) or e (maximum 0.8326). Default 2
	Multivariate    Multivariate  `yaml:"multivariate"`      // what detectors over rows of several features look at, where detectors names any
	Silent          silent.Config `yaml:"silent"`            // failures that raise no error, for all models, jobs and sources; see docs/silent-failures.md
}

// The corrections for multiple tests.
const (
	CorrectionBH = "bh"
	CorrectionBY = "by"
)

// Whose the false-alarm budget is.
const (
	PerModel   = "model"
	PerFeature = "feature"
)

// DefaultConfig is the documented default.
func DefaultConfig() Config {
	return Config{
		Window:          Every(time.Hour),
		Lateness:        time.Minute,
		Idle:            5 * time.Second,
		Settle:          time.Second,
		ReferenceSettle: 10 * time.Minute,
		MinRows:         100,
		FalseAlarmEvery: Every(30 * 24 * time.Hour),
		BudgetPer:       PerModel,
		Correction:      CorrectionBH,
		Calibrate:       true,
		AlarmWindows:    1,
		AlarmOf:         1,
		Hold:            1,
		Bins:            10,
		JSBase:          "2",
		Multivariate:    Multivariate{Rows: jointRows},
		Silent:          silent.DefaultConfig(),
	}
}

// Validate reports every mistake of the section.
func (c Config) Validate() error {
	errs := []error{
		check(!c.Window.IsZero(), "window", "missing; such as 1h"),
		check(c.Lateness >= 0, "lateness", "is negative"),
		check(c.Idle >= 0, "idle", "is negative"),
		check(c.Settle >= 0, "settle", "is negative"),
		check(c.ReferenceSettle >= 0, "reference_settle", "is negative"),
		checkEvery("every", c.Window, c.Every),
		check(c.MinRows > 0, "min_rows", "must be at least 1"),
		check(!c.FalseAlarmEvery.IsZero(), "false_alarm_every", "missing; such as 30d"),
		check(c.Correction == CorrectionBH || c.Correction == CorrectionBY, "correction", "%q is neither bh nor by", c.Correction),
		check(c.BudgetPer == PerModel || c.BudgetPer == PerFeature, "budget_per", "%q is neither model nor feature", c.BudgetPer),
		check(c.AlarmOf >= 1 && c.AlarmOf <= 24, "alarm_of", "%d is not within 1 to 24", c.AlarmOf),
		check(c.AlarmWindows >= 1 && c.AlarmWindows <= max(1, c.AlarmOf), "alarm_windows", "%d is not within 1 to alarm_of", c.AlarmWindows),
		check(c.Hold > 0 && c.Hold <= 1, "hold", "%v is not above 0 and up to 1", c.Hold),
		check(c.Bins >= 2 && c.Bins <= 100, "psi_bins", "%d is not within 2 to 100", c.Bins),
		check(c.JSBase == "2" || c.JSBase == "e", "js_base", "%q is neither 2 nor e", c.JSBase),
		checkDetectors(c.Detectors),
		c.Multivariate.check(),
	}
	return errors.Join(errs...)
}

// Multivariate is what the detectors over rows of several features look at.
// They need rows, which the window's sketches do not hold: a sample is read.
type Multivariate struct {
	Rows     int      `yaml:"rows"`     // rows of a window, and of the reference, that are compared: a sample that is the same whenever the rows are; 200 to 20000. More see smaller changes and cost in proportion. Default 2000
	Features []string `yaml:"features"` // numeric features to look at together, by name or pattern such as emb_*. Default empty, which means all but _latency_ms
}

func (m Multivariate) check() error {
	errs := []error{check(m.Rows == 0 || m.Rows >= 200 && m.Rows <= 20000, "multivariate.rows", "%d is not within 200 to 20000", m.Rows)}
	for i, f := range m.Features {
		if _, err := path.Match(f, ""); err != nil {
			errs = append(errs, config.Faultf(fmt.Sprintf("multivariate.features[%d]", i), "%q is no pattern: %v", f, err))
		}
	}
	return errors.Join(errs...)
}

// Model is one entry of the models section: a model to watch. Empty fields
// take the value of the detect section.
type Model struct {
	Tenant          string                  `yaml:"tenant"`            // owner of the model. Default "default"
	Name            string                  `yaml:"name"`              // of the model, as in its events. Required
	Window          Window                  `yaml:"window"`            // see detect.window
	Every           Window                  `yaml:"every"`             // see detect.every; a model with a window of its own does not take that of the section
	Lateness        *time.Duration          `yaml:"lateness"`          // see detect.lateness
	MinRows         uint64                  `yaml:"min_rows"`          // see detect.min_rows; 0 means not set
	FalseAlarmEvery Window                  `yaml:"false_alarm_every"` // see detect.false_alarm_every
	Reference       ReferenceFile           `yaml:"reference"`         // what windows are compared with
	Detectors       []string                `yaml:"detectors"`         // see detect.detectors
	Thresholds      map[string]float64      `yaml:"thresholds"`        // smallest effect that counts, by detector, in the detector's unit. Default: the detector's own
	Multivariate    Multivariate            `yaml:"multivariate"`      // see detect.multivariate
	Features        map[string]FeatureRules `yaml:"features"`          // exceptions by feature, also for _score, _latency_ms and _prediction
	Importance      map[string]float64      `yaml:"importance"`        // of features for the model, such as the mean of |SHAP|, at least 0: signals and incidents are ranked by drift times importance. Features that are not named count as the average of those that are
	ImportanceFrom  string                  `yaml:"importance_from"`   // CSV or Parquet file with the columns feature and importance, for those that importance does not name
	Performance     outcomes.Performance    `yaml:"performance"`       // how well the model does by its labels; see docs/performance.md
	Sequential      []string                `yaml:"sequential"`        // detectors that follow the model's errors one by one, once its labels are final, see docs/quality.md; "none" for none. Default empty, which means adwin
	Challenger      outcomes.Challenger     `yaml:"challenger"`        // two versions held against each other by their labels
}

// FeatureRules are the exceptions for one feature.
type FeatureRules struct {
	Ignore     bool               `yaml:"ignore"`     // do not watch this feature. Default false
	Thresholds map[string]float64 `yaml:"thresholds"` // by detector; over those of the model
	Min        *float64           `yaml:"min"`        // smallest value that is right, for out_of_range. Default: the reference's
	Max        *float64           `yaml:"max"`        // largest value that is right, for out_of_range. Default: the reference's
}

// ReferenceFile says what a model's windows are compared with: by default a
// file, and then which of its columns are not features; else stored production.
type ReferenceFile struct {
	Kind string `yaml:"kind"` // of the reference, see docs/references.md. Default profile
	Name string `yaml:"name"` // of the reference in signals. Default "training" for a profile, else its kind

	File       string   `yaml:"file"`       // of a profile: CSV (also .gz) or Parquet
	Timestamp  string   `yaml:"timestamp"`  // column of the event time; not a feature
	Prediction string   `yaml:"prediction"` // column of the predicted class; becomes _prediction
	Score      string   `yaml:"score"`      // column of the score or predicted value; becomes _score
	Latency    string   `yaml:"latency"`    // column of the latency in milliseconds; becomes _latency_ms
	ID         string   `yaml:"id"`         // column of the request id; not a feature
	Exclude    []string `yaml:"exclude"`    // further columns that are not features, such as the label

	Categorical []string `yaml:"categorical"` // columns of digits that are names, not quantities, such as zip codes

	Length  Window     `yaml:"length"`  // how much production, of trailing and version. Default 7d for trailing; empty for version, which means the window itself, both versions side by side
	Guard   Window     `yaml:"guard"`   // gap between the end of trailing production and a window: drift younger than this is not in the reference. Default 1d
	Refresh Window     `yaml:"refresh"` // trailing production is taken anew so often, and is the same for all windows in between. Default 1d, or length if that is shorter
	From    *time.Time `yaml:"from"`    // start of a range, such as 2026-01-01T00:00:00Z
	To      *time.Time `yaml:"to"`      // end of a range; windows that begin before it are not judged
	Weeks   int        `yaml:"weeks"`   // how many weeks back same_hour_of_week looks, 1 to 52. Default 4
	Version string     `yaml:"version"` // whose production version takes: the model's version in its events

	IncludeIncidents bool `yaml:"include_incidents"` // take also what was produced during incidents of the model into trailing, same_hour_of_week and version. Default false
}

// Key names the model.
func (m *Model) Key() schemas.ModelKey {
	tenant := m.Tenant
	if tenant == "" {
		tenant = schemas.DefaultTenant
	}
	return schemas.ModelKey{Tenant: tenant, Model: m.Name}
}

// Validate reports every mistake of the entry.
func (m Model) Validate() error {
	errs := []error{
		check(m.Name != "", "name", "missing: the model's name as its events give it"),
		check(m.Lateness == nil || *m.Lateness >= 0, "lateness", "is negative"),
		checkDetectors(m.Detectors),
		checkThresholds("thresholds", m.Thresholds),
		m.Multivariate.check(),
		m.Reference.check("reference"),
		outcomes.CheckTogether(m.Performance, m.Sequential, m.Challenger),
	}
	for _, f := range slices.Sorted(maps.Keys(m.Importance)) {
		v := m.Importance[f]
		errs = append(errs, check(v >= 0 && !math.IsInf(v, 0), "importance."+f, "%v is not a number of at least 0", v))
	}
	for _, f := range slices.Sorted(maps.Keys(m.Features)) {
		errs = append(errs, m.Features[f].check("features."+f))
	}
	return errors.Join(errs...)
}

func (r FeatureRules) check(key string) error {
	return errors.Join(
		checkThresholds(key+".thresholds", r.Thresholds),
		check(finite(r.Min), key+".min", "is not a number"),
		check(finite(r.Max), key+".max", "is not a number"),
		check(r.Min == nil || r.Max == nil || !(*r.Min > *r.Max), key+".max", "is below min"),
	)
}

// finite tells whether a limit is absent or a number.
func finite(limit *float64) bool {
	return limit == nil || !math.IsNaN(*limit) && !math.IsInf(*limit, 0)
}

func check(ok bool, key, format string, args ...any) error {
	if ok {
		return nil
	}
	return config.Faultf(key, format, args...)
}

func checkDetectors(names []string) error {
	var errs []error
	for i, n := range names {
		if n == DefaultSet || n == AllSet || n == JointSet || slices.Contains(jointNames, n) {
			continue
		}
		if _, err := Lookup(n); err != nil {
			errs = append(errs, config.Faultf(fmt.Sprintf("detectors[%d]", i), "%v", err))
		}
	}
	return errors.Join(errs...)
}

func checkThresholds(key string, ts map[string]float64) error {
	var errs []error
	for _, n := range slices.Sorted(maps.Keys(ts)) {
		if _, err := Lookup(n); err != nil && !slices.Contains(jointNames, n) {
			errs = append(errs, config.Faultf(key+"."+n, "%v", err))
		} else if t := ts[n]; t < 0 || math.IsNaN(t) || math.IsInf(t, 0) {
			errs = append(errs, config.Faultf(key+"."+n, "%v is not a number of at least 0", t))
		}
	}
	return errors.Join(errs...)
}
