package sequential

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Param is one parameter of a method and its manual.
type Param struct {
	Name     string
	Default  float64
	Min, Max float64 // both allowed
	Kind     ParamKind
	Doc      string // what it means, and what more or less of it does
}

// ParamKind is the kind of number that a parameter takes.
type ParamKind uint8

// The kinds of parameter.
const (
	Number ParamKind = iota
	Whole            // a whole number
	Switch           // 0 is off, 1 is on
)

// String is the kind in words.
func (k ParamKind) String() string {
	switch k {
	case Number:
		return "number"
	case Whole:
		return "whole number"
	case Switch:
		return "0 or 1"
	}
	return fmt.Sprintf("ParamKind(%d)", uint8(k))
}

// Params are values of parameters by name; those left out have their defaults.
type Params map[string]float64

func (p Params) clone() Params { return maps.Clone(p) }

func (p Params) whole(name string) int    { return int(p[name]) }
func (p Params) count(name string) uint64 { return uint64(p[name]) }
func (p Params) on(name string) bool      { return p[name] != 0 }

// Param finds a parameter by name; its error suggests the nearest one.
func (e *Entry) Param(name string) (Param, error) {
	for _, p := range e.Params {
		if p.Name == name {
			return p, nil
		}
	}
	return Param{}, fmt.Errorf("%s has no parameter %q%s; parameters: %s", e.Name, name, suggestion(name, e.paramNames()), strings.Join(e.paramNames(), ", "))
}

func (e *Entry) paramNames() []string {
	out := make([]string, len(e.Params))
	for i, p := range e.Params {
		out[i] = p.Name
	}
	return out
}

// complete adds the defaults to set and reports every mistake in it.
func (e *Entry) complete(set Params) (Params, error) {
	out := Params{}
	for _, p := range e.Params {
		out[p.Name] = p.Default
	}
	var mistakes []error
	for _, name := range slices.Sorted(maps.Keys(set)) {
		p, err := e.Param(name)
		if err == nil {
			err = p.check(e.Name, set[name])
		}
		mistakes = append(mistakes, err)
		out[name] = set[name]
	}
	if err := errors.Join(mistakes...); err != nil {
		return nil, err
	}
	if e.check != nil {
		if err := e.check(out); err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name, err)
		}
	}
	return out, nil
}

func (p *Param) check(method string, v float64) error {
	switch {
	case !(v >= p.Min && v <= p.Max):
		return fmt.Errorf("%s.%s = %v: want %v to %v", method, p.Name, v, p.Min, p.Max)
	case p.Kind != Number && v != math.Trunc(v):
		return fmt.Errorf("%s.%s = %v: want a whole number", method, p.Name, v)
	}
	return nil
}

// ParseSettings reads settings of the form method.parameter=value, such as
// adwin.delta=0.01; switches also take true and false. The result has an entry
// for each method named.
func ParseSettings(settings []string) (map[string]Params, error) {
	out := map[string]Params{}
	var mistakes []error
	for _, text := range settings {
		e, p, v, err := parseSetting(text)
		if err != nil {
			mistakes = append(mistakes, err)
			continue
		}
		if out[e.Name] == nil {
			out[e.Name] = Params{}
		}
		out[e.Name][p.Name] = v
	}
	return out, errors.Join(mistakes...)
}

func parseSetting(text string) (e Entry, p Param, v float64, err error) {
	key, value, found := strings.Cut(text, "=")
	method, name, dotted := strings.Cut(key, ".")
	if !found || !dotted {
		return e, p, 0, fmt.Errorf("setting %q: want detector.parameter=value, such as adwin.delta=0.01", text)
	}
	if e, err = Lookup(strings.TrimSpace(method)); err != nil {
		return e, p, 0, fmt.Errorf("setting %q: %w", text, err)
	}
	if p, err = e.Param(strings.TrimSpace(name)); err != nil {
		return e, p, 0, fmt.Errorf("setting %q: %w", text, err)
	}
	if v, err = p.parse(strings.TrimSpace(value)); err == nil {
		err = p.check(e.Name, v)
	}
	if err != nil {
		return e, p, 0, fmt.Errorf("setting %q: %w", text, err)
	}
	return e, p, v, nil
}

func (p *Param) parse(text string) (float64, error) {
	if p.Kind == Switch {
		if on, err := strconv.ParseBool(text); err == nil {
			if on {
				return 1, nil
			}
			return 0, nil
		}
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	return v, nil
}
