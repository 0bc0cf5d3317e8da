package alerting

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/alertmanager/pkg/labels"

	"github.com/driftline/driftline/internal/config"
	"github.com/driftline/driftline/schemas"
)

// The labels of an incident, by which it is routed, grouped and silenced.
const (
	labelTenant    = "tenant"
	labelModel     = "model"
	labelVersion   = "version"  // several are joined by commas, ascending
	labelSeverity  = "severity" // info, warning, error or critical
	labelKind      = "kind"     // drift, silent or burn_rate
	labelDetector  = "detector" // of the strongest signal
	labelCauseKind = "cause_kind"
	labelEntity    = "entity" // of the likeliest cause
	labelOwner     = "owner"
)

var labelNames = []string{labelTenant, labelModel, labelVersion, labelSeverity, labelKind, labelDetector, labelCauseKind, labelEntity, labelOwner}

// allLabels as the only element of group_by stands for all of them.
const allLabels = "..."

// The kinds of incident.
const (
	kindDrift    = "drift"
	kindSilent   = "silent"
	kindBurnRate = "burn_rate"
)

// Labels of an incident. A label that is not there counts as empty.
type Labels map[string]string

// labelsOf an incident, without the owner.
func labelsOf(inc *schemas.Incident) Labels {
	l := Labels{
		labelTenant: inc.Tenant, labelModel: inc.Model, labelSeverity: string(inc.Severity),
		labelVersion: strings.Join(inc.Versions, ","), labelKind: kindOf(inc),
	}
	if len(inc.Signals) > 0 {
		l[labelDetector] = inc.Signals[0].Detector
	}
	if c := likeliest(inc); c != nil {
		l[labelCauseKind], l[labelEntity] = string(c.Kind), c.Entity
	}
	return l
}

func kindOf(inc *schemas.Incident) string {
	switch {
	case inc.BurnRate():
		return kindBurnRate
	case len(inc.Signals) > 0 && inc.Signals[0].Silent():
		return kindSilent
	}
	return kindDrift
}

// likeliest cause of an incident, nil for none.
func likeliest(inc *schemas.Incident) *schemas.Cause {
	if inc.Diagnosis == nil || len(inc.Diagnosis.Causes) == 0 {
		return nil
	}
	return &inc.Diagnosis.Causes[0]
}

// String writes labels as Alertmanager does, without empty ones.
func (l Labels) String() string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(l)) {
		if l[name] != "" {
			out = append(out, fmt.Sprintf("%s=%q", name, l[name]))
		}
	}
	return "{" + strings.Join(out, ", ") + "}"
}

// Full writes labels with the empty ones.
func (l Labels) Full() string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(l)) {
		out = append(out, fmt.Sprintf("%s=%q", name, l[name]))
	}
	return "{" + strings.Join(out, ", ") + "}"
}

// pick the labels that are named.
func (l Labels) pick(names []string) Labels {
	if len(names) == 1 && names[0] == allLabels {
		return maps.Clone(l)
	}
	out := Labels{}
	for _, n := range names {
		out[n] = l[n]
	}
	return out
}

// matchers that must all match.
type matchers []*labels.Matcher

func (ms matchers) match(l Labels) bool {
	for _, m := range ms {
		if !m.Matches(l[m.Name]) {
			return false
		}
	}
	return true
}

func (ms matchers) String() string {
	if len(ms) == 0 {
		return "everything"
	}
	var out []string
	for _, m := range ms {
		out = append(out, m.String())
	}
	return strings.Join(out, ", ")
}

// parseMatchers reads texts in Alertmanager's grammar; each may hold several,
// separated by commas.
func parseMatchers(texts []string) (matchers, error) {
	var out matchers
	for i, text := range texts {
		ms, err := labels.ParseMatchers(text)
		if err == nil && len(ms) == 0 {
			err = fmt.Errorf("holds no matcher")
		}
		if err != nil {
			return nil, fmt.Errorf("matcher %d, %s: %w; write label=\"value\", or !=, =~, !~ in place of =", i+1, text, err)
		}
		out = append(out, ms...)
	}
	return out, nil
}

func mustMatchers(texts []string) matchers {
	ms, _ := parseMatchers(texts) // checked by Validate
	return ms
}

// checkMatchers reports matchers that cannot be read, or would never match
// because they name no label of an incident.
func checkMatchers(key string, texts, known []string) error {
	ms, err := parseMatchers(texts)
	if err != nil {
		return config.Faultf(key, "%v", err)
	}
	for _, m := range ms {
		if !slices.Contains(known, m.Name) {
			return config.Faultf(key, "unknown label %q; known: %s", m.Name, listed(known))
		}
	}
	return nil
}

func listed(names []string) string { return strings.Join(names, ", ") }
