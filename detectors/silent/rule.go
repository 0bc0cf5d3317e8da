package silent

import (
	"maps"
	"time"
)

// Rule is one entry of the register: a pure function and its manual. Exactly
// one of the functions at its end is set.
type Rule struct {
	Name   string  // as in configuration; signals have [schemas.SilentPrefix] before it
	Title  string  // short, for people
	Doc    string  // what it sees
	Use    string  // when it is of use, and when not
	Blind  string  // what it does not see
	Unit   string  // of score and threshold
	Source string  // where formula and defaults come from
	Params []Param // with defaults and meaning
	Needs  []Input // what is asked for it
	Twin   string  // drift detector that sees the same in models with a reference, where the rule is left out
	Wall   bool    // goes by the wall clock instead of event time

	Job      func(*Job, Clock, Params) []Finding
	Model    func(*Model, Clock, Params) []Finding
	Feed     func(*Feed, Clock, Params) []Finding
	Consumer func(*Consumer, Clock, Params) []Finding
	Monitor  func(*Monitor, Clock, Params) []Finding
}

// Param is one parameter of a rule and its manual. Times are in seconds.
type Param struct {
	Name     string
	Default  float64
	Min, Max float64 // both allowed
	Unit     string
	Doc      string
}

// Params are the values of a rule's parameters by name.
type Params map[string]float64

// duration of a parameter in seconds.
func (p Params) duration(name string) time.Duration {
	return time.Duration(p[name] * float64(time.Second))
}

func (p Params) count(name string) uint64 { return uint64(p[name]) }

// with gives the rule's defaults, and over them those of every set that has any.
func (r *Rule) with(sets ...Params) Params {
	out := Params{}
	for _, p := range r.Params {
		out[p.Name] = p.Default
	}
	for _, set := range sets {
		maps.Copy(out, set)
	}
	return out
}

// Parameters that several rules share.
var (
	significance = Param{"p_value", 1e-6, 0, 0.05, "probability", "chance of such a finding when nothing changed, at or below which it counts; asked again every step for every feature, hence so small"}
	leastRows    = Param{"min_rows", 100, 1, 1e9, "rows", "fewer in either time give insufficient"}
	leastRuns    = Param{"min_runs", 10, 2, 1e6, "runs", "fewer runs to learn from give insufficient"}
	runsWithin   = Param{"within", 3600, 60, 30 * 86400, "seconds", "runs that ended so lately are judged, against all earlier ones of the lookback"}
)

// week is the longest time that rules look back in seconds, as a bound.
const week = 7 * 86400.
