package world

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/agnivade/levenshtein"

	"github.com/driftline/driftline/internal/config"
)

// Fault is something that goes wrong, or seems to.
type Fault struct {
	Kind     string        `yaml:"kind"`     // what; see driftline loadtest kinds. Required
	On       string        `yaml:"on"`       // where: an entity of the fleet, such as gpu/node-1/0. Required
	From     time.Duration `yaml:"from"`     // event time after the start of the run. Required
	Until    time.Duration `yaml:"until"`    // event time after the start of the run; 0 lasts to the end. Default 0s
	Strength float64       `yaml:"strength"` // how strong; what it means depends on the kind; 0 takes the kind's. Default 0
	Features []string      `yaml:"features"` // of kinds that break inputs: which ones. Default: those that the entity delivers
}

// Validate reports every mistake that can be seen without a fleet.
func (f Fault) Validate() error {
	var errs []error
	check := func(ok bool, key, format string, args ...any) {
		if !ok {
			errs = append(errs, config.Faultf(key, format, args...))
		}
	}
	kind := KindOf(f.Kind)
	check(kind != nil, "kind", "unsupported kind %q; %ssupported: %s", f.Kind, hint(f.Kind, kindNames()), strings.Join(kindNames(), ", "))
	check(f.From >= 0, "from", "is negative")
	check(f.Until == 0 || f.Until > f.From, "until", "is %s, not after from, %s", f.Until, f.From)
	check(f.Strength >= 0 && f.Strength <= 100, "strength", "is %v; give 0 to 100", f.Strength)
	if kind == nil {
		return errors.Join(errs...)
	}
	place, _, _ := strings.Cut(f.On, "/")
	check(slices.Contains(kind.On, place), "on", "%q is no place for %s; give an entity of the kind %s, such as %s/NAME", f.On, f.Kind, strings.Join(kind.On, " or "), kind.On[0])
	check(len(f.Features) == 0 || kind.Inputs, "features", "%s does not change features", f.Kind)
	return errors.Join(errs...)
}

// hint is the nearest of some names, as a question, or nothing.
func hint(name string, of []string) string {
	best, least := "", max(2, len(name)/3)+1
	for _, v := range of {
		if d := levenshtein.ComputeDistance(strings.ToLower(name), v); d < least && d < len(v) {
			best, least = fmt.Sprintf("did you mean %q? ", v), d
		}
	}
	return best
}

// fault is a Fault with its time in a run.
type fault struct {
	Fault
	kind       *Kind
	start, end int64 // Unix milliseconds
	columns    []int // of the features that it breaks
	number     uint64
}

// strength at a time: 0 outside of the fault.
func (f *fault) at(ms int64) float64 {
	if ms < f.start || ms >= f.end {
		return 0
	}
	return f.Strength
}

// since its start, at a time within it.
func (f *fault) since(ms int64) time.Duration { return time.Duration(ms-f.start) * time.Millisecond }

// faults of one thing.
type faults []*fault

// of a kind at a time: the strength, and the fault; 0 and nil when there is none.
func (fs faults) of(kind string, ms int64) (float64, *fault) {
	for _, f := range fs {
		if f.Kind == kind {
			if s := f.at(ms); s > 0 {
				return s, f
			}
		}
	}
	return 0, nil
}
