package correlate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/driftline/driftline/schemas"
)

// isSilent tells whether an incident is about silent failures. All of its
// signals are, or none.
func isSilent(i *schemas.Incident) bool { return len(i.Signals) > 0 && i.Signals[0].Silent() }

// silentSeverity of an incident by what fails:
//
//	error     the model as a whole or its answers, a job, a source, a consumer, the monitor
//	warning   a feature, a GPU, the replicas of a deployment
func silentSeverity(features []string) schemas.Severity {
	for _, f := range features {
		kind, _, named := strings.Cut(f, "/")
		if isOutput(f) || named && slices.Contains([]string{"job", "source", "consumer", "monitor"}, kind) {
			return schemas.SeverityError
		}
	}
	return schemas.SeverityWarning
}

// silentTitle says in one line what fails and since when.
func silentTitle(i *schemas.Incident) string {
	what := "silent failure of " + extent(i.Features)
	if !slices.Contains(i.Features, i.Model) {
		what = i.Model + ": " + what
	}
	if i.ResolvedAt != nil {
		return oneLine(fmt.Sprintf("%s resolved at %s, began at %s", what, stamp(*i.ResolvedAt), stamp(i.Onset)))
	}
	return oneLine(fmt.Sprintf("%s since %s (%s)", what, stamp(i.Onset), strings.TrimPrefix(topOf(i).Detector, schemas.SilentPrefix)))
}

// silentSummary gives the sentence of the strongest signals, one of each
// feature and rule.
func silentSummary(i *schemas.Incident, silent int, cfg Config) string {
	var parts []string
	for k := range i.Signals {
		s := &i.Signals[k]
		if len(parts) == maxNamed {
			parts = append(parts, fmt.Sprintf("And %d more.", len(i.Signals)-maxNamed))
			break
		}
		version := ""
		if s.Version != "" {
			version = " (version " + s.Version + ")"
		}
		parts = append(parts, fmt.Sprintf("%s%s: %s.", name(s.Feature), version, s.Reason))
	}
	if i.ResolvedAt != nil {
		return strings.Join(append(parts, end(i, silent, cfg)), " ")
	}
	return strings.Join(append(parts, fmt.Sprintf("Look next at what changed shortly before %s.", stamp(i.Onset))), " ")
}
