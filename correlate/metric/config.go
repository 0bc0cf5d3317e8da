package metric

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/driftline/driftline/internal/config"
)

// ConfigSource is the Go source of Entry, from which its manual is made.
//
//go:embed config.go
var ConfigSource string

// Entry is a metric of the user's: what is not built in, or what is meant
// otherwise.
type Entry struct {
	Name      string        `yaml:"name"`       // as it is stored, after ingest has normalised names. Required
	Kind      Kind          `yaml:"kind"`       // ratio, latency, bytes, count, counter, gauge, event, temperature or power. Default gauge
	Worse     Direction     `yaml:"worse"`      // which way is worse: up, down or either. Default up
	MinEffect float64       `yaml:"min_effect"` // smallest change that counts, in the metric's unit; of a counter, a second. Default by kind: a ratio 0.005, a latency 5 % and at least 1 ms, bytes 1 %, a temperature 3, all else 5 %
	Gate      string        `yaml:"gate"`       // metric of the same entity that counts its requests: while there are none, this one says nothing
	Stale     time.Duration `yaml:"stale"`      // a series that is silent for longer is not observed. Default 0: five times the time between its samples
	Mechanism Mechanism     `yaml:"mechanism"`  // how a change does harm, such as slow, failing, saturation or stale_input; empty is shown as evidence and accuses nobody
}

// Validate reports every mistake.
func (e Entry) Validate() error {
	var errs []error
	check := func(ok bool, key, format string, args ...any) {
		if !ok {
			errs = append(errs, config.Faultf(key, format, args...))
		}
	}
	check(e.Name != "", "name", "is missing; give the metric's name as it is stored")
	check(e.Kind == "" || slices.Contains(Kinds, e.Kind), "kind", "unsupported kind %q; supported: %s", e.Kind, join(Kinds))
	check(e.Worse == "" || slices.Contains(Directions, e.Worse), "worse", "unsupported direction %q; supported: %s", e.Worse, join(Directions))
	check(e.MinEffect >= 0, "min_effect", "is %g; give 0 or more", e.MinEffect)
	check(e.Stale >= 0, "stale", "is %s; give 0 or more", e.Stale)
	check(e.Mechanism == "" || slices.Contains(Mechanisms, e.Mechanism), "mechanism", "unsupported mechanism %q; supported: %s", e.Mechanism, join(Mechanisms))
	return errors.Join(errs...)
}

func join[T ~string](names []T) string {
	var out []string
	for _, n := range names {
		out = append(out, string(n))
	}
	return strings.Join(out, ", ")
}

// New makes the built-in registry with the user's entries over it.
func New(entries []Entry) (*Registry, error) {
	r := Builtin()
	for _, e := range entries {
		if err := e.Validate(); err != nil {
			return nil, fmt.Errorf("metric %q: %w", e.Name, err)
		}
		m := Metric{Name: e.Name, Kind: e.Kind, Worse: e.Worse, MinEffect: e.MinEffect, Gate: e.Gate, Stale: e.Stale, Mechanism: e.Mechanism}
		if m.Kind == "" {
			m.Kind = Gauge
		}
		if m.Worse == "" {
			m.Worse = Up
		}
		r.byName[e.Name] = m
	}
	return r, nil
}
