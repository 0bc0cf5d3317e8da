package correlate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/driftline/driftline/schemas"
)

// maxNamed is how many features a summary names.
const maxNamed = 5

// title says in one line what it is about, since when, and what is strongest.
func title(i *schemas.Incident) string {
	what := i.Model + ": drift in " + extent(i.Features)
	if i.ResolvedAt != nil {
		return oneLine(fmt.Sprintf("%s resolved at %s, began at %s", what, stamp(*i.ResolvedAt), stamp(i.Onset)))
	}
	top := topOf(i)
	measure := fmt.Sprintf("%s %s", top.Detector, number(top.Score))
	if len(i.Features) == 1 {
		return oneLine(fmt.Sprintf("%s since %s (%s)", what, stamp(i.Onset), measure))
	}
	return oneLine(fmt.Sprintf("%s since %s, strongest %s (%s)", what, stamp(i.Onset), name(top.Feature), measure))
}

// topOf is the strongest signal; an incident restored from a damaged record
// may have none.
func topOf(i *schemas.Incident) *schemas.Signal {
	if len(i.Signals) == 0 {
		return &schemas.Signal{WindowStart: i.Onset, WindowEnd: i.OpenedAt}
	}
	return &i.Signals[0]
}

func extent(features []string) string {
	if len(features) == 1 {
		return name(features[0])
	}
	return strconv.Itoa(len(features)) + " features"
}

// summary says what, since when, how large, where, against what, and what to
// look at next.
func summary(i *schemas.Incident, inputs, silent int, cfg Config) string {
	top := topOf(i)
	parts := []string{
		begin(i),
		"Strongest per feature: " + strongest(i) + ".",
		because(i, inputs),
		"Versions: " + list(i.Versions, "none named") + ". Segments: " + list(segments(i), "all") + ".",
		fmt.Sprintf("Compared with %s (%d rows; %d in the window of the strongest signal).", orElse(top.Reference, "the reference"), top.NReference, top.NWindow),
	}
	if i.ResolvedAt != nil {
		return strings.Join(append(parts, end(i, silent, cfg)), " ")
	}
	return strings.Join(append(parts, next(i)), " ")
}

func begin(i *schemas.Incident) string {
	return fmt.Sprintf("Drift in %s of model %s (tenant %s) since %s.", extent(i.Features), i.Model, i.Tenant, stamp(i.Onset))
}

func strongest(i *schemas.Incident) string {
	var out []string
	named := map[string]bool{}
	for k := range i.Signals {
		s := &i.Signals[k]
		if !named[s.Feature] && len(out) < maxNamed {
			out = append(out, size(s))
		}
		named[s.Feature] = true
	}
	if more := len(named) - len(out); more > 0 {
		out = append(out, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(out, "; ")
}

func size(s *schemas.Signal) string {
	text := fmt.Sprintf("%s %s %s", name(s.Feature), s.Detector, number(s.Score))
	if s.Unit != "" {
		text += " " + s.Unit
	}
	if s.Threshold > 0 {
		text += fmt.Sprintf(", %s times its threshold %s", number(strength(s)), number(s.Threshold))
	}
	if s.Importance > 0 {
		text += fmt.Sprintf(", %s times as important as the average feature", number(s.Importance))
	}
	if s.StrongestSegment != "" {
		text += fmt.Sprintf(", strongest in %s: %.0f %% of it", s.StrongestSegment, 100*s.SegmentShare)
	}
	return text
}

// because explains the severity.
func because(i *schemas.Incident, inputs int) string {
	affected, output := 0, "not affected"
	for _, f := range i.Features {
		if isInput(f) {
			affected++
		}
		if isOutput(f) {
			output = "affected"
		}
	}
	of := ""
	if inputs > 0 {
		of = fmt.Sprintf(" of %d", inputs)
	}
	return fmt.Sprintf("Severity %s: the model's output is %s, its input in %d%s features.", i.Severity, output, affected, of)
}

func next(i *schemas.Incident) string {
	s := topOf(i)
	return fmt.Sprintf("Look next at %s from %s to %s against %s, and at deploys, configuration and upstream data changed shortly before %s.",
		name(s.Feature), stamp(s.WindowStart), stamp(s.WindowEnd), orElse(s.Reference, "the reference"), stamp(i.Onset))
}

func end(i *schemas.Incident, silent int, cfg Config) string {
	text := fmt.Sprintf("Resolved at %s: every series was ok for %d windows.", stamp(*i.ResolvedAt), cfg.ResolveAfter)
	if silent > 0 {
		text = fmt.Sprintf("Resolved at %s: %d series gave no answer for %d windows in which the model gave others, the rest was ok for %d windows. Check that what fell silent was meant to.",
			stamp(*i.ResolvedAt), silent, cfg.GoneAfter, cfg.ResolveAfter)
	}
	return text
}

func segments(i *schemas.Incident) []string {
	var out []string
	for k := range i.Signals {
		out = append(out, orElse(i.Signals[k].Segment, "all"))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func list(names []string, none string) string {
	return orElse(strings.Join(slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == "" }), ", "), none)
}

func name(feature string) string { return orElse(feature, "the model as a whole") }

func orElse(s, instead string) string {
	if s == "" {
		return instead
	}
	return s
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func number(v float64) string { return strconv.FormatFloat(v, 'g', 3, 64) }

// oneLine keeps names with line breaks from breaking the title.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
