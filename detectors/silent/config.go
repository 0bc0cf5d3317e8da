package silent

import (
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/driftline/driftline/internal/config"
	"github.com/driftline/driftline/schemas"
)

// ConfigSource is the Go source of Config, from which its manual is made.
//
//go:embed config.go
var ConfigSource string

// Config is the section detect.silent. The rules and their parameters are in
// docs/silent-failures.md.
type Config struct {
	Enabled    bool          `yaml:"enabled"`     // look for silent failures. Default true
	Every      time.Duration `yaml:"every"`       // wall-clock time between two rounds over all tenants. Default 1m
	Step       time.Duration `yaml:"step"`        // event-time length of the windows of signals: a stream is judged once for each that is over, the newest only. Default 1m
	Lateness   time.Duration `yaml:"lateness"`    // event time that late records are waited for. Default 2m
	Stall      time.Duration `yaml:"stall"`       // a stream that has not moved for so long, by the wall clock, is judged at the time of the tenant's other streams. Keep it above the time that ingest may stand still. Default 5m
	Recent     time.Duration `yaml:"recent"`      // event time that rules over counts judge, in whole bins of 5m. Default 15m
	Before     time.Duration `yaml:"before"`      // event time before it that they compare with, in whole bins of 5m. Default 3h
	Lookback   time.Duration `yaml:"lookback"`    // event time of jobs and labels that usual gaps are learned from; at most clickhouse.retention.raw. Default 7d
	LabelAge   time.Duration `yaml:"label_age"`   // age of predictions at which they should have their label. Default 24h
	MaxRows    uint64        `yaml:"max_rows"`    // raw events read for a question: with more in the time asked about, the time is shortened. Default 5000000
	QuietEvery time.Duration `yaml:"quiet_every"` // a series that stays ok has a signal no more often than this, in event time; all else is told at every step. Default 15m

	CommittedMetric string `yaml:"committed_metric"` // telemetry metric of the offsets that consumer groups committed, labelled consumergroup, topic and partition. Default kafka_consumergroup_current_offset
	EndMetric       string `yaml:"end_metric"`       // telemetry metric of the ends of logs, labelled topic and partition. Default kafka_topic_partition_current_offset

	Disable   []string          `yaml:"disable"`   // names of rules that are not run
	Params    map[string]Params `yaml:"params"`    // parameters by rule and name, instead of their defaults; times are in seconds
	Overrides []Override        `yaml:"overrides"` // exceptions for single subjects, in order: the last one wins
}

// Override is an exception for some subjects.
type Override struct {
	Tenant  string            `yaml:"tenant"`  // empty: every tenant
	Subject string            `yaml:"subject"` // model/NAME, job/NAME, source/NAME, consumer/GROUP/TOPIC/PARTITION or monitor/driftline; a * at its end stands for anything. Required
	Disable []string          `yaml:"disable"` // rules that are not run for it; all means every rule
	Params  map[string]Params `yaml:"params"`  // parameters by rule and name
}

// every is the word for every rule.
const every = "all"

// DefaultConfig is the documented default.
func DefaultConfig() Config {
	return Config{
		Enabled: true, Every: time.Minute, Step: time.Minute, Lateness: 2 * time.Minute, Stall: 5 * time.Minute,
		Recent: 15 * time.Minute, Before: 3 * time.Hour, Lookback: 7 * 24 * time.Hour, LabelAge: 24 * time.Hour,
		MaxRows: 5_000_000, QuietEvery: 15 * time.Minute,
		CommittedMetric: "kafka_consumergroup_current_offset", EndMetric: "kafka_topic_partition_current_offset",
	}
}

// Validate reports every mistake of the section.
func (c Config) Validate() error {
	var errs []error
	check := func(ok bool, key, format string, args ...any) {
		if !ok {
			errs = append(errs, config.Faultf(key, format, args...))
		}
	}
	check(c.Every >= 100*time.Millisecond, "every", "is %s; give at least 100ms", c.Every)
	check(c.Step >= time.Second && c.Step%time.Second == 0, "step", "is %s; give whole seconds, at least 1s", c.Step)
	check(c.Lateness >= 0, "lateness", "is negative")
	check(c.Stall >= 0, "stall", "is negative")
	check(c.Recent >= Bin && c.Recent%Bin == 0, "recent", "is %s; give a multiple of %s", c.Recent, Bin)
	check(c.Before >= Bin && c.Before%Bin == 0, "before", "is %s; give a multiple of %s", c.Before, Bin)
	check(c.Lookback >= time.Hour, "lookback", "is %s; give at least 1h", c.Lookback)
	check(c.LabelAge >= time.Minute, "label_age", "is %s; give at least 1m", c.LabelAge)
	check(c.MaxRows >= 1000, "max_rows", "is %d; give at least 1000", c.MaxRows)
	check(c.QuietEvery >= 0, "quiet_every", "is negative")
	errs = append(errs, checkRules("disable", c.Disable, false), checkParams("params", c.Params))
	return errors.Join(errs...)
}

// Validate reports every mistake of the exception.
func (o Override) Validate() error {
	kind, name, _ := strings.Cut(o.Subject, "/")
	var err error
	if o.Subject != "*" && (!slices.Contains(subjectKinds, kind) || name == "") {
		err = config.Faultf("subject", "%q is not of the form kind/name; kinds: %s", o.Subject, strings.Join(subjectKinds, ", "))
	}
	return errors.Join(err, checkRules("disable", o.Disable, true), checkParams("params", o.Params))
}

func checkRules(key string, names []string, all bool) error {
	var errs []error
	for i, n := range names {
		if _, err := Lookup(n); err != nil && (!all || n != every) {
			errs = append(errs, config.Faultf(fmt.Sprintf("%s[%d]", key, i), "%v", err))
		}
	}
	return errors.Join(errs...)
}

func checkParams(key string, params map[string]Params) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(params)) {
		r, err := Lookup(name)
		if err != nil {
			errs = append(errs, config.Faultf(key+"."+name, "%v", err))
			continue
		}
		for _, p := range slices.Sorted(maps.Keys(params[name])) {
			if err := r.check(p, params[name][p]); err != nil {
				errs = append(errs, config.Faultf(key+"."+name+"."+p, "%v", err))
			}
		}
	}
	return errors.Join(errs...)
}

// Watched leaves out, for models that have a reference, the rules of which a
// drift detector sees the same: one cause is to be one incident.
func (c *Config) Watched(models []schemas.ModelKey) {
	var twins []string
	for i := range register {
		if register[i].Twin != "" {
			twins = append(twins, register[i].Name)
		}
	}
	c.Overrides = slices.Clone(c.Overrides)
	for _, m := range models {
		c.Overrides = append(c.Overrides, Override{Tenant: m.Tenant, Subject: kindModel + "/" + m.Model, Disable: twins})
	}
}

// covers tells whether the exception is about a subject.
func (o *Override) covers(tenant, subject string) bool {
	if o.Tenant != "" && o.Tenant != tenant {
		return false
	}
	if prefix, ok := strings.CutSuffix(o.Subject, "*"); ok {
		return strings.HasPrefix(subject, prefix)
	}
	return o.Subject == subject
}

// forSubject are a rule's parameters for a subject; false when it is not run.
func (c *Config) forSubject(r *Rule, tenant, subject string) (Params, bool) {
	sets := []Params{c.Params[r.Name]}
	on := !slices.Contains(c.Disable, r.Name)
	for i := range c.Overrides {
		o := &c.Overrides[i]
		if o.covers(tenant, subject) {
			sets = append(sets, o.Params[r.Name])
			on = on && !slices.Contains(o.Disable, r.Name) && !slices.Contains(o.Disable, every)
		}
	}
	return r.with(sets...), on
}
