package detectors

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"

	"github.com/driftline/driftline/schemas"
)

// Params are the few choices that all detectors share. Use DefaultParams.
type Params struct {
	Bins        int      // quantile bins of PSI; default 10
	NaturalLogs bool     // Jensen–Shannon distance in base e (maximum 0.8326) instead of base 2 (maximum 1)
	Lower       *float64 // smallest value that the feature may have; nil takes the reference's
	Upper       *float64 // largest value that the feature may have; nil takes the reference's
}

// DefaultParams are the documented choices.
func DefaultParams() Params { return Params{Bins: 10} }

// Result is what a statistic found. Score and PValue are always finite.
type Result struct {
	NoData bool    // nothing to compare: Score and PValue carry no meaning
	Score  float64 // in the detector's unit
	PValue float64 // [0,1]: chance of such a statistic when nothing changed
	Detail string  // a clause with numbers for the reason, such as "moved from median 41 to 58"
}

// Manual is what people are told of a statistic. The page docs/detectors.md
// and the configuration's schema are made of it.
type Manual struct {
	Name      string  // as in configuration and signals
	Title     string  // short, for people
	Unit      string  // of Score and Threshold
	Range     string  // of Score
	Threshold float64 // default for the smallest effect that counts
	Doc       string  // what it sees
	Use       string  // when to choose it
	Blind     string  // what it does not see
	Null      string  // distribution of the statistic when nothing changed: how p-values are made
	Cost      string  // in terms of points, categories or rows
	Source    string  // where the formula and its null distribution come from
}

// Detector is one entry of the register: a pure statistic and its manual.
type Detector struct {
	Manual
	Kinds   []schemas.FeatureKind // of the features it applies to
	Default bool                  // it runs unless the configuration names detectors
	AllRows bool                  // it counts rows without a value too (missing rate)

	Compare func(ref, cur *schemas.Summary, p Params) Result // must not change its inputs
}

// Applies tells whether the detector reads features of a kind.
func (d *Detector) Applies(k schemas.FeatureKind) bool { return slices.Contains(d.Kinds, k) }

// Rows is how many rows of a summary the detector counts.
func (d *Detector) Rows(s *schemas.Summary) uint64 {
	if d.AllRows {
		return s.Rows
	}
	return s.Present()
}

var (
	numericOnly     = []schemas.FeatureKind{schemas.Numeric}
	categoricalOnly = []schemas.FeatureKind{schemas.Categorical}
	bothKinds       = []schemas.FeatureKind{schemas.Numeric, schemas.Categorical}
)

// register is the one table of detectors, in the order of the manual.
var register = []Detector{
	psiDetector, jsDetector, hellingerDetector,
	ksDetector, cvmDetector, andersonDetector,
	wassersteinDetector, energyDetector, meanDetector, varianceDetector,
	chiSquareDetector, gTestDetector, cramersVDetector,
	linfDetector, totalVariationDetector, newCategoryDetector, vanishedDetector,
	missingDetector, typeDetector, rangeDetector,
	constantDetector, frozenDetector, defaultValueDetector, unitDetector,
}

// All lists the registered detectors in the order of the manual.
func All() []Detector { return slices.Clone(register) }

// Names of the registered detectors.
func Names() []string {
	out := make([]string, len(register))
	for i := range register {
		out[i] = register[i].Name
	}
	return out
}

// Names that stand for several detectors in a configuration's list.
const (
	DefaultSet = "default" // those with Default set, which run unless the list names others
	AllSet     = "all"     // every registered one; those over rows are JointSet
)

// selected are the detectors that a list of names asks for, in the order of
// the register; an empty list asks for the default set. More detectors are more
// tests, for which the adjustment of p-values makes each of them less
// sensitive: that is why the register may grow and the default set does not.
func selected(names []string) []Detector {
	if len(names) == 0 {
		names = []string{DefaultSet}
	}
	var out []Detector
	for _, d := range register {
		if slices.Contains(names, d.Name) || slices.Contains(names, AllSet) || d.Default && slices.Contains(names, DefaultSet) {
			out = append(out, d)
		}
	}
	return out
}

// Lookup finds a detector by name; its error suggests the nearest one.
func Lookup(name string) (Detector, error) {
	for i := range register {
		if register[i].Name == name {
			return register[i], nil
		}
	}
	return Detector{}, fmt.Errorf("unknown detector %q%s; detectors: %s", name, suggestion(name), strings.Join(slices.Concat(Names(), jointNames), ", "))
}

// suggestion is " (did you mean …?)", empty when nothing is near.
func suggestion(name string) string {
	best, at := "", 4 // more than three edits is another word
	for _, n := range slices.Concat(Names(), jointNames) {
		if d := levenshtein.ComputeDistance(strings.ToLower(name), n); d < at && d < len(n) {
			best, at = n, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}
