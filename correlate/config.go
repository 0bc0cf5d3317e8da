package correlate

import (
	_ "embed"
	"errors"

	"github.com/driftline/driftline/internal/config"
)

// ConfigSource is the Go source of Config, from which its manual is made.
//
//go:embed config.go
var ConfigSource string

// Config of correlation. Durations are numbers of windows, so that they fit
// models with windows of five minutes and of a day alike.
type Config struct {
	JoinWithin   int     `yaml:"join_within"`   // a series that begins to alarm within so many windows of an incident's onset, or of its newest series, belongs to it. Default 3
	ResolveAfter int     `yaml:"resolve_after"` // consecutive windows in which every series of an incident must be ok; windows without enough data neither count nor break the row. Default 3
	ReopenWithin int     `yaml:"reopen_within"` // a feature that alarms again within so many windows of its incident's end opens that one again; 0: never, it is a new one. Default 6
	GoneAfter    int     `yaml:"gone_after"`    // a series without an answer for so many windows in which its model gave others, such as that of a version no longer served, no longer holds an incident open. Default 24
	WideShare    float64 `yaml:"wide_share"`    // share of the model's features, at least two, from which an incident is an error rather than a warning. Default 0.3
	GrowBy       float64 `yaml:"grow_by"`       // an open incident is told again when a feature exceeds its former peak by this share. Default 0.25

	Causes Causes `yaml:"causes"` // how the causes of incidents are looked for
}

// DefaultConfig is the configuration before the user's.
func DefaultConfig() Config {
	return Config{JoinWithin: 3, ResolveAfter: 3, ReopenWithin: 6, GoneAfter: 24, WideShare: 0.3, GrowBy: 0.25, Causes: DefaultCauses()}
}

// Validate reports every mistake.
func (c Config) Validate() error {
	var errs []error
	check := func(ok bool, key, format string, args ...any) {
		if !ok {
			errs = append(errs, config.Faultf(key, format, args...))
		}
	}
	check(c.JoinWithin >= 0, "join_within", "is %d; give 0 or more windows", c.JoinWithin)
	check(c.ResolveAfter >= 1, "resolve_after", "is %d; give at least 1 window", c.ResolveAfter)
	check(c.ReopenWithin >= 0 && c.ReopenWithin <= 10_000, "reopen_within", "is %d; give 0 to 10000 windows", c.ReopenWithin)
	check(c.GoneAfter >= c.ResolveAfter, "gone_after", "is %d; give at least resolve_after, %d windows", c.GoneAfter, c.ResolveAfter)
	check(c.GoneAfter <= 10_000, "gone_after", "is %d; give at most 10000 windows: they are kept in memory", c.GoneAfter)
	check(c.WideShare > 0 && c.WideShare <= 1, "wide_share", "is %g; give a share above 0, at most 1", c.WideShare)
	check(c.GrowBy > 0, "grow_by", "is %g; give a share above 0, such as 0.25", c.GrowBy)
	return errors.Join(errs...)
}

// memory is how many windows of a series are remembered: those that decide,
// and as many again for late data.
func (c Config) memory() int { return 2 * max(c.GoneAfter, c.ResolveAfter, 8) }
