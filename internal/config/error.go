package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Error is every mistake found in one configuration file.
type Error struct {
	File   string
	Faults []*Fault // ascending by line, then by key
}

// Error has one line per fault: FILE:LINE: KEY: message.
func (e *Error) Error() string {
	lines := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		lines[i] = e.line(f)
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the faults one by one.
func (e *Error) Unwrap() []error {
	errs := make([]error, len(e.Faults))
	for i, f := range e.Faults {
		errs[i] = f
	}
	return errs
}

func (e *Error) line(f *Fault) string {
	place, what := e.File, f.Msg
	if f.Line > 0 {
		place = fmt.Sprintf("%s:%d", e.File, f.Line)
	}
	if f.Key != "" {
		what = f.Key + ": " + f.Msg
	}
	return place + ": " + what
}

func newError(file string, faults []*Fault) *Error {
	slices.SortStableFunc(faults, func(a, b *Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Key, b.Key))
	})
	return &Error{File: file, Faults: faults}
}
