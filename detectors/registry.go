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
	Bins        int  // quantile bins of PSI; default 10
	NaturalLogs bool // Jensen–Shannon distance in base e (maximum 0.8326) instead of base 2 (maximum 1)
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

// Detector is one entry of the register: a pure statistic and its manual.
type Detector struct {
	Name      string                // as in configuration and signals
	Title     string                // short, for people
	Kinds     []schemas.FeatureKind // of the features it applies to
	Unit      string                // of Score and Threshold
	Range     string                // of Score
	Threshold float64               // default for the smallest effect that counts
	Doc       string                // what it sees and what it is blind to
	Source    string                // where the formula and its null distribution come from
	AllRows   bool                  // it counts rows without a value too (missing rate)

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
	psiDetector, jsDetector, ksDetector, wassersteinDetector,
	chiSquareDetector, linfDetector, newCategoryDetector,
	missingDetector, constantDetector,
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

// Lookup finds a detector by name; its error suggests the nearest one.
func Lookup(name string) (Detector, error) {
	for i := range register {
		if register[i].Name == name {
			return register[i], nil
		}
	}
	return Detector{}, fmt.Errorf("unknown detector %q%s; detectors: %s", name, suggestion(name), strings.Join(Names(), ", "))
}

// suggestion is " (did you mean …?)", empty when nothing is near.
func suggestion(name string) string {
	best, at := "", 4 // more than three edits is another word
	for _, n := range Names() {
		if d := levenshtein.ComputeDistance(strings.ToLower(name), n); d < at && d < len(n) {
			best, at = n, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}
