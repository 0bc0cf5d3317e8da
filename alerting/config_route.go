package alerting

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/driftline/driftline/internal/config"
	"github.com/driftline/driftline/schemas"
)

// RouteSource is the Go source of the configuration of routes, from which its
// manual is made.
//
//go:embed config_route.go
var RouteSource string

// Route is a node of the tree that incidents fall through, in Alertmanager's
// vocabulary: an incident goes to the first of routes that matches it, to those
// after it while continue is set, and to the node itself where none does.
type Route struct {
	Receiver            string         `yaml:"receiver"`              // name of the receiver. Default: that of the route above; the root must name one
	Matchers            []string       `yaml:"matchers"`              // all must match: severity="critical", model=~"credit|fraud", owner!="", entity!~"gpu/.*". Labels: tenant, model, version, severity, kind (drift, silent, burn_rate), detector, cause_kind, entity, owner. The root takes everything
	GroupBy             []string       `yaml:"group_by"`              // incidents with the same values of these labels are told together; "..." stands for all labels, an empty list puts all into one group. Default: that of the route above; of the root tenant and model
	GroupWait           *time.Duration `yaml:"group_wait"`            // how long the first incident of a group waits for others. Default: that of the route above; of the root 30s
	GroupInterval       *time.Duration `yaml:"group_interval"`        // how long a group that was told waits before it tells of news. Default: that of the route above; of the root 5m
	RepeatInterval      *time.Duration `yaml:"repeat_interval"`       // how often an open incident is told again that has no news; 0 never. Default: that of the route above; of the root 4h
	Continue            bool           `yaml:"continue"`              // also try the routes after this one. Default false
	MuteTimeIntervals   []string       `yaml:"mute_time_intervals"`   // names of time_intervals in which nothing is told; what is over by their end is told as over
	ActiveTimeIntervals []string       `yaml:"active_time_intervals"` // names of time_intervals outside of which nothing is told. Default empty: always
	Routes              []Route        `yaml:"routes"`                // below this one
}

// TimeIntervals are named times of the week or the year.
type TimeIntervals struct {
	Name          string         `yaml:"name"`           // used by routes
	TimeIntervals []TimeInterval `yaml:"time_intervals"` // any of them
}

// TimeInterval is a set of moments: those that are in each of the lists given.
type TimeInterval struct {
	Times       []TimeRange `yaml:"times"`         // of the day
	Weekdays    []string    `yaml:"weekdays"`      // such as saturday or monday:friday
	DaysOfMonth []string    `yaml:"days_of_month"` // such as 1:7, or -3:-1 for the last three
	Months      []string    `yaml:"months"`        // such as december or 1:3
	Years       []string    `yaml:"years"`         // such as 2026 or 2026:2028
	Location    string      `yaml:"location"`      // time zone, such as Europe/Berlin. Default UTC
}

// TimeRange is a part of the day.
type TimeRange struct {
	StartTime string `yaml:"start_time"` // such as 08:30
	EndTime   string `yaml:"end_time"`   // first minute that is not in it; up to 24:00
}

// Owner says who answers for incidents, and what they should read.
type Owner struct {
	Matchers []string `yaml:"matchers"` // all must match, on the labels that routes know, without owner; empty: everything
	Owner    string   `yaml:"owner"`    // a team or a person; the label owner
	Runbook  string   `yaml:"runbook"`  // address of the page that says what to do
}

// Inhibition keeps back incidents that another one explains.
type Inhibition struct {
	Enabled       bool    `yaml:"enabled"`        // keep an incident back while another open one of its tenant, of higher rank, has as its likeliest cause an entity that the diagnosis of the first names. The rank goes by severity, then confidence, then age. Default true
	MinConfidence float64 `yaml:"min_confidence"` // only causes at least so likely explain others, 0 to 1. Default 0.6
}

// BurnRate is a rule over the share of bad windows of a model: those in which
// some detector of drift or performance alarmed. It opens an incident of its
// own, which is over when no pair of windows burns any more.
type BurnRate struct {
	Name      string            `yaml:"name"`       // of the rule; letters, digits, - and _
	Matchers  []string          `yaml:"matchers"`   // models it is for: tenant, model and owner can be matched; empty: all models
	Objective float64           `yaml:"objective"`  // share of windows that should be good, above 0 and below 1. Default 0.99
	Windows   []BurnWindow      `yaml:"windows"`    // any pair that burns opens the incident. Default 1h and 5m at 14.4 times the allowed share, critical; 6h and 30m at 6 times, error
	MinCount  int               `yaml:"min_count"`  // fewer windows with a verdict in the long time give no_data, and so does less than half of what the model's windows would make. Default 12
	NoData    *schemas.Severity `yaml:"no_data"`    // open an incident of this severity when a model that had windows has too few for a verdict; unset: the metric only, and an open incident stays open
	Error     *schemas.Severity `yaml:"error"`      // open an incident of this severity when the windows could not be read for error_after; unset: the metric only
	ErrorWait time.Duration     `yaml:"error_wait"` // how long reading must have failed for the state error. Default 10m
}

// BurnWindow is a pair of times, in event time, in both of which too much must
// be bad: the long one says that it matters, the short one that it still goes on.
type BurnWindow struct {
	Long     time.Duration    `yaml:"long"`     // such as 1h
	Short    time.Duration    `yaml:"short"`    // such as 5m
	Factor   float64          `yaml:"factor"`   // burns when the bad share is at least so many times that which the objective allows; 14.4 over 1h is 2 % of a month's allowance
	Severity schemas.Severity `yaml:"severity"` // of the incident
}

// SetDefaults fills what the user leaves out.
func (b *BurnRate) SetDefaults() {
	b.Objective, b.MinCount, b.ErrorWait = 0.99, 12, 10*time.Minute
	b.Windows = []BurnWindow{
		{time.Hour, 5 * time.Minute, 14.4, schemas.SeverityCritical},
		{6 * time.Hour, 30 * time.Minute, 6, schemas.SeverityError},
	}
}

// The timing of a root that does not say otherwise, as in Alertmanager.
const (
	defaultGroupWait      = 30 * time.Second
	defaultGroupInterval  = 5 * time.Minute
	defaultRepeatInterval = 4 * time.Hour
)

func (r *Route) validate(key string, root bool, receivers, intervals []string) error {
	var errs []error
	check := func(ok bool, sub, format string, args ...any) {
		if !ok {
			errs = append(errs, config.Faultf(key+sub, format, args...))
		}
	}
	check(r.Receiver != "" || !root, ".receiver", "is missing; the root needs one for what no other route takes")
	check(r.Receiver == "" || slices.Contains(receivers, r.Receiver), ".receiver", "%q is none of the receivers", r.Receiver)
	check(!root || len(r.Matchers) == 0, ".matchers", "the root takes everything; put matchers into routes below it")
	check(!root || !r.Continue, ".continue", "nothing comes after the root")
	check(!root || len(r.MuteTimeIntervals)+len(r.ActiveTimeIntervals) == 0, "", "the root cannot have time intervals; put them into routes below it")
	errs = append(errs, checkMatchers(key+".matchers", r.Matchers, labelNames))
	for i, l := range r.GroupBy {
		check(slices.Contains(labelNames, l) || l == allLabels, fmt.Sprintf(".group_by[%d]", i), "unknown label %q; known: %s", l, listed(labelNames))
		check(l != allLabels || len(r.GroupBy) == 1, fmt.Sprintf(".group_by[%d]", i), "%q stands for all labels and goes alone", l)
	}
	for sub, d := range map[string]*time.Duration{".group_wait": r.GroupWait, ".group_interval": r.GroupInterval, ".repeat_interval": r.RepeatInterval} {
		check(d == nil || *d >= 0, sub, "is negative")
	}
	check(r.RepeatInterval == nil || *r.RepeatInterval == 0 || *r.RepeatInterval >= time.Minute, ".repeat_interval", "is below a minute; give 0 to never repeat")
	for sub, names := range map[string][]string{".mute_time_intervals": r.MuteTimeIntervals, ".active_time_intervals": r.ActiveTimeIntervals} {
		for i, n := range names {
			check(slices.Contains(intervals, n), fmt.Sprintf("%s[%d]", sub, i), "%q is none of the time_intervals", n)
		}
	}
	for i := range r.Routes {
		errs = append(errs, r.Routes[i].validate(fmt.Sprintf("%s.routes[%d]", key, i), false, receivers, intervals))
	}
	return errors.Join(errs...)
}

func (b *BurnRate) validate(key string) error {
	var errs []error
	check := func(ok bool, sub, format string, args ...any) {
		if !ok {
			errs = append(errs, config.Faultf(key+sub, format, args...))
		}
	}
	check(validName(b.Name), ".name", "is %q; give 1 to 64 letters, digits, - or _", b.Name)
	errs = append(errs, checkMatchers(key+".matchers", b.Matchers, []string{labelTenant, labelModel, labelOwner}))
	check(b.Objective > 0 && b.Objective < 1, ".objective", "is %g; give a share above 0 and below 1, such as 0.99", b.Objective)
	check(len(b.Windows) > 0, ".windows", "is empty; give at least one pair")
	check(b.MinCount >= 1, ".min_count", "is %d; give at least 1", b.MinCount)
	check(b.ErrorWait > 0, ".error_wait", "is %s; give a time above 0", b.ErrorWait)
	for sub, s := range map[string]*schemas.Severity{".no_data": b.NoData, ".error": b.Error} {
		check(s == nil || slices.Contains(severities, *s), sub, "unsupported severity; supported: info, warning, error, critical")
	}
	for i, w := range b.Windows {
		sub := fmt.Sprintf(".windows[%d]", i)
		check(w.Short > 0 && w.Short < w.Long, sub, "short is %s and long %s; give times above 0, the short one shorter", w.Short, w.Long)
		check(w.Long <= maxBurnWindow, sub+".long", "is %s; give at most %s", w.Long, maxBurnWindow)
		check(w.Factor > 0 && w.Factor*(1-b.Objective) <= 1, sub+".factor", "is %g: with an objective of %g a share of %.3g would have to be bad; give a factor above 0, at most %.4g", w.Factor, b.Objective, w.Factor*(1-b.Objective), 1/(1-b.Objective))
		check(slices.Contains(severities, w.Severity), sub+".severity", "unsupported severity %q; supported: info, warning, error, critical", w.Severity)
	}
	return errors.Join(errs...)
}

// maxBurnWindow bounds what is read of the signals at every round.
const maxBurnWindow = 3 * 24 * time.Hour
