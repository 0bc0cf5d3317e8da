package correlate

import (
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/driftline/driftline/correlate/graph"
	"github.com/driftline/driftline/correlate/metric"
	"github.com/driftline/driftline/internal/config"
)

// CausesSource is the Go source of Causes, from which its manual is made.
//
//go:embed causes.go
var CausesSource string

// Causes is how the causes of incidents are looked for.
type Causes struct {
	Enabled   bool           `yaml:"enabled"`    // look for causes when an incident opens or changes. Default true
	Lookback  time.Duration  `yaml:"lookback"`   // event time before an incident's onset from which usual levels come; a season by hour of day is taken out of series that cover two days. Default 6h
	Wait      time.Duration  `yaml:"wait"`       // wall-clock time after a revision before causes are looked for, so that telemetry of the same event time is stored. Default 3s
	Timeout   time.Duration  `yaml:"timeout"`    // of the questions to the store for one incident. Default 30s
	MaxSeries int            `yaml:"max_series"` // telemetry series read for one incident; of more, those of the first entities by name. Default 20000
	MaxEvents uint64         `yaml:"max_events"` // inference events read for one incident: with more in the time asked about, the newest. Default 20000000
	Edges     []Edge         `yaml:"edges"`      // what depends on what, besides what records say
	Metrics   []metric.Entry `yaml:"metrics"`    // what metrics mean, besides the built-in ones
}

// Edge is a dependency that no record shows.
type Edge struct {
	Source string    `yaml:"source"` // what calls or depends, such as model/credit. Required
	Target string    `yaml:"target"` // what it calls or depends on, such as pipeline/features. Required
	From   time.Time `yaml:"from"`   // since when, as 2026-03-01T00:00:00Z; empty: since ever
	Until  time.Time `yaml:"until"`  // until when; empty: for ever
}

// Validate reports every mistake.
func (e Edge) Validate() error {
	var errs []error
	for key, v := range map[string]string{"source": e.Source, "target": e.Target} {
		if v == "" {
			errs = append(errs, config.Faultf(key, "is missing; give kind/name, such as pipeline/features"))
		}
	}
	if e.Source != "" && e.Source == e.Target {
		errs = append(errs, config.Faultf("target", "is the source itself, %s", e.Target))
	}
	if !e.Until.IsZero() && e.Until.Before(e.From) {
		errs = append(errs, config.Faultf("until", "is before from"))
	}
	return errors.Join(errs...)
}

// DefaultCauses is the configuration before the user's.
func DefaultCauses() Causes {
	return Causes{Enabled: true, Lookback: 6 * time.Hour, Wait: 3 * time.Second, Timeout: 30 * time.Second, MaxSeries: 20_000, MaxEvents: 20_000_000}
}

// Validate reports every mistake.
func (c Causes) Validate() error {
	var errs []error
	check := func(ok bool, key, format string, args ...any) {
		if !ok {
			errs = append(errs, config.Faultf(key, format, args...))
		}
	}
	check(c.Lookback >= 10*time.Minute, "lookback", "is %s; give at least 10m", c.Lookback)
	check(c.Wait >= 0, "wait", "is %s; give 0 or more", c.Wait)
	check(c.Timeout > 0, "timeout", "is %s; give a duration such as 30s", c.Timeout)
	check(c.MaxSeries >= 1, "max_series", "is %d; give at least 1", c.MaxSeries)
	check(c.MaxEvents >= 1, "max_events", "is %d; give at least 1", c.MaxEvents)
	seen := map[string]bool{}
	for i, m := range c.Metrics {
		check(!seen[m.Name], fmt.Sprintf("metrics[%d].name", i), "metric %q is given twice", m.Name)
		seen[m.Name] = true
	}
	return errors.Join(errs...)
}

// Declare adds the declared edges to a graph.
func (c Causes) Declare(g *graph.Graph) {
	for _, e := range c.Edges {
		g.Add(graph.Edge{Source: graph.Entity(e.Source), Target: graph.Entity(e.Target), From: e.From, Until: e.Until, Declared: true})
	}
}
