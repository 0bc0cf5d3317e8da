package silent

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// register is the one table of rules, in the order of the manual.
var register = []Rule{
	deadManRule, heartbeatRule, zombieRule, lostRunsRule, emptySuccessRule, truncatedRule, retryMaskingRule,
	throughputRule, staleModelRule, stuckLagRule, staleSourceRule, telemetryVanishedRule,
	staleFeatureRule, frozenFeatureRule, nullRateRule, unitShiftRule, schemaDriftRule,
	outputCollapseRule, duplicatesRule, versionSkewRule, gpuOutlierRule,
	labelFeedRule, labelJoinRule,
	clockAheadRule, monitorBlindRule,
}

// All lists the registered rules in the order of the manual.
func All() []Rule { return slices.Clone(register) }

// Names of the registered rules.
func Names() []string {
	out := make([]string, len(register))
	for i := range register {
		out[i] = register[i].Name
	}
	return out
}

// Lookup finds a rule by name; its error suggests the nearest one.
func Lookup(name string) (Rule, error) {
	for i := range register {
		if register[i].Name == name {
			return register[i], nil
		}
	}
	return Rule{}, fmt.Errorf("unknown rule %q%s; rules: %s", name, suggestion(name, Names()), strings.Join(Names(), ", "))
}

// check a value of one of the rule's parameters.
func (r *Rule) check(name string, v float64) error {
	var names []string
	for _, p := range r.Params {
		if p.Name == name {
			if !(v >= p.Min && v <= p.Max) {
				return fmt.Errorf("%v is not within %v to %v (%s)", v, p.Min, p.Max, p.Unit)
			}
			return nil
		}
		names = append(names, p.Name)
	}
	return fmt.Errorf("%s has no parameter %q%s; parameters: %s", r.Name, name, suggestion(name, names), strings.Join(names, ", "))
}

// suggestion is " (did you mean …?)", empty when nothing is near.
func suggestion(name string, valid []string) string {
	best, at := "", 4 // more than three edits is another word
	for _, n := range valid {
		if d := levenshtein.ComputeDistance(strings.ToLower(name), n); d < at && d < len(n) {
			best, at = n, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}
