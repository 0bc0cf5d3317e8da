package detectors

import (
	"fmt"
	"slices"
	"strings"

	"github.com/driftline/driftline/internal/tabular"
	"github.com/driftline/driftline/schemas"
)

// SummarizeTable counts the features of a table. The columns that roles names
// as timestamp, id or excluded are left out, and so are other times;
// prediction, score and latency become the built-in features. A column to
// which roles gives a meaning must exist and be of its kind.
func SummarizeTable(t *tabular.Table, roles ReferenceFile) ([]schemas.Summary, error) {
	if err := checkRoles(t, roles); err != nil {
		return nil, err
	}
	var out []schemas.Summary
	for i := range t.Columns {
		c := &t.Columns[i]
		switch {
		case c.Name == roles.Timestamp, c.Name == roles.ID, slices.Contains(roles.Exclude, c.Name):
		case c.Name == roles.Prediction:
			out = append(out, SummarizeStrings(schemas.FeaturePrediction, c.Texts()))
		case c.Name == roles.Score:
			out = append(out, SummarizeNumbers(schemas.FeatureScore, c.Numbers))
		case c.Name == roles.Latency:
			out = append(out, SummarizeNumbers(schemas.FeatureLatency, c.Numbers))
		case c.Kind == tabular.Numeric:
			out = append(out, SummarizeNumbers(c.Name, c.Numbers))
		case c.Kind == tabular.Categorical:
			out = append(out, SummarizeStrings(c.Name, c.Strings))
		}
	}
	sortFeatures(out)
	return out, nil
}

func checkRoles(t *tabular.Table, roles ReferenceFile) error {
	for _, name := range []string{roles.Timestamp, roles.ID, roles.Prediction, roles.Score, roles.Latency} {
		if name != "" && t.Column(name) == nil {
			return fmt.Errorf("no column %q; columns: %s", name, strings.Join(t.Names(), ", "))
		}
	}
	for _, name := range []string{roles.Score, roles.Latency} {
		if c := t.Column(name); c != nil && c.Kind != tabular.Numeric {
			return fmt.Errorf("column %q is not numeric", name)
		}
	}
	return nil
}
