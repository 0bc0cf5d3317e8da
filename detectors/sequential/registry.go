package sequential

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Entry is one method of the register, with its manual.
type Entry struct {
	Name   string  // as in configuration, flags and snapshots
	Title  string  // short, for people
	Domain Domain  // of the values it takes
	Warns  bool    // it knows the state Warning
	Params []Param // with defaults, ranges and meaning
	Doc    string  // what it sees and what it is blind to
	Use    string  // when to choose it, and when not
	Cost   string  // time a value and memory a stream
	Source string  // of formula and defaults

	check func(Params) error // of parameters together; may be nil
	make  func(Params) machine
}

// register is the one table of methods, in the order of the manual.
var register = []Entry{
	adwinEntry,
	ddmEntry, eddmEntry,
	hddmAEntry, hddmWEntry,
	pageHinkleyEntry, pageHinkleyScaledEntry,
	cusumEntry, ewmaEntry, ecddEntry,
	stepdEntry, kswinEntry,
	periodicEntry,
}

// All lists the registered methods in the order of the manual.
func All() []Entry { return slices.Clone(register) }

// Names of the registered methods.
func Names() []string {
	out := make([]string, len(register))
	for i := range register {
		out[i] = register[i].Name
	}
	return out
}

// Lookup finds a method by name; its error suggests the nearest one.
func Lookup(name string) (Entry, error) {
	e, err := lookup(name)
	if err != nil {
		return Entry{}, err
	}
	return *e, nil
}

func lookup(name string) (*Entry, error) {
	for i := range register {
		if register[i].Name == name {
			return &register[i], nil
		}
	}
	return nil, fmt.Errorf("unknown detector %q%s; detectors: %s", name, suggestion(name, Names()), strings.Join(Names(), ", "))
}

// New makes a detector by name. Parameters that set leaves out have their
// defaults; every mistake in it is reported.
func New(name string, set Params) (*Detector, error) {
	e, err := lookup(name)
	if err != nil {
		return nil, err
	}
	params, err := e.complete(set)
	if err != nil {
		return nil, err
	}
	d := &Detector{entry: e, params: params, machine: e.make(params)}
	d.machine.reset()
	return d, nil
}

// suggestion is " (did you mean …?)", empty when no name is near.
func suggestion(name string, names []string) string {
	best, at := "", 4 // more than three edits is another word
	for _, n := range names {
		if d := levenshtein.ComputeDistance(strings.ToLower(name), n); d < at && d < len(n) {
			best, at = n, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}
