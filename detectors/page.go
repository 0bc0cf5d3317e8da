package detectors

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/driftline/driftline/schemas"
)

const pageIntro = `# Detectors

This page is generated from the code: ` + "`make generate`" + `.

A detector compares a window of a model's traffic with its reference and gives a **score**, an effect size in its own
unit, and a **p-value**, the chance of such a score when nothing changed. It alarms when the score reaches the
threshold, the p-value, adjusted for all tests of the window, is within the level that ` + "`detect.false_alarm_every`" + `
allows, and both sides have ` + "`detect.min_rows`" + ` rows ([ADR 6](adr/0006-verdict.md)).

` + "`detect.detectors`" + ` and ` + "`models[].detectors`" + ` name the detectors to run. An empty list means the default set, marked
below; ` + "`default`" + ` in a list stands for it, ` + "`all`" + ` for every detector of single features, ` + "`multivariate`" + ` for every one
over [several features](#over-several-features). More detectors are more tests, and the adjustment
makes each of them a little less sensitive; so the default set stays small, and asks each question once.
` + "`thresholds`" + ` of a model or of a feature replace those shown here.

N and M are the rows of the reference and of the window, K the categories, B the bins, points the distinct values of
both or, from sketches, 268 a window and 2,048 a reference. Values compare at single precision, which is what the
store keeps.
`

const multivariateIntro = `
## Over several features

These compare rows, which summaries do not hold, and run only where ` + "`detectors`" + ` names them. Of the reference file and of
each window and version ` + "`multivariate.rows`" + ` rows are compared (2,000): a sample that is the same whenever the rows are. The
service reads it from ` + "`inference_events`" + `, of busy windows in 64 slices of time, so that the cost does not follow traffic; the
rows must still be stored, and a reference that is no file has no rows to compare with. ` + "`multivariate.features`" + ` chooses the
columns, numeric features by name or pattern; unless told otherwise all but ` + "`_latency_ms`" + `. 2,000 rows of 100 columns take each of them 0.01 to 0.4 s of a core, the domain classifier
2 s (300 columns: 1 s and 4 s): name the features of wide tables, or leave that one out.

Their signals have no feature, for they are about the model as a whole, and share the budget of the window's other tests. Their
p-values take rows for independent: nothing is calibrated on the reference's history, so where rows depend on each other the
threshold alone holds back chance. A missing value is imputed by the reference's median of its column (the window's missing share
is the business of ` + "`missing`" + `); columns that are constant in the reference are left out.
`

// Page is the manual page of the detectors, docs/detectors.md, with the
// multivariate ones at its end.
func Page(multivariate []Manual) []byte {
	var b bytes.Buffer
	b.WriteString(pageIntro)
	b.WriteString("\n| name | features | default set | unit | threshold | sees |\n|---|---|---|---|---|---|\n")
	for _, d := range register {
		set := ""
		if d.Default {
			set = "yes"
		}
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s | %s | %s | %v | %s |\n", d.Name, d.Name, kindNames(d.Kinds), set, d.Unit, d.Threshold, firstClause(d.Doc))
	}
	for _, d := range register {
		d.write(&b, "##", kindNames(d.Kinds))
	}
	b.WriteString(multivariateIntro)
	for _, m := range multivariate {
		m.write(&b, "###", "rows of numbers")
	}
	return b.Bytes()
}

func (m Manual) write(b *bytes.Buffer, level, features string) {
	fmt.Fprintf(b, "\n%s %s\n\n%s: %s\n\n", level, m.Name, m.Title, m.Doc)
	for _, line := range [][2]string{
		{"use", m.Use},
		{"blind spots", m.Blind},
		{"features", features},
		{"score", m.Unit + ", " + m.Range},
		{"default threshold", fmt.Sprint(m.Threshold)},
		{"null distribution", m.Null},
		{"cost", m.Cost},
		{"source", m.Source},
	} {
		fmt.Fprintf(b, "- **%s**: %s\n", line[0], line[1])
	}
}

// brief is the manual as one line, for editors.
func (m Manual) brief() string {
	return fmt.Sprintf("%s: %s Use: %s Blind spots: %s Score: %s, %s; default threshold %v. Null: %s Cost: %s. Source: %s.",
		m.Title, m.Doc, m.Use, m.Blind, m.Unit, m.Range, m.Threshold, m.Null, m.Cost, m.Source)
}

func kindNames(kinds []schemas.FeatureKind) string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = string(k)
	}
	return strings.Join(names, ", ")
}

// firstClause is a text up to its first colon or full stop.
func firstClause(text string) string {
	if i := strings.IndexAny(text, ":."); i > 0 {
		return text[:i]
	}
	return text
}
