package detectors

import (
	"fmt"
	"maps"
	"math"

	"github.com/driftline/driftline/internal/tabular"
)

// leastImportance of a feature against the average: a change of one that the
// model hardly uses ranks last, and is still one.
const leastImportance = 0.01

// WithImportance is the entry with the importance of features read from the
// file that it names; the entry itself where it names none.
func (m Model) WithImportance() (Model, error) {
	if m.ImportanceFrom == "" {
		return m, nil
	}
	t, err := tabular.Open(m.ImportanceFrom, tabular.Options{})
	if err != nil {
		return m, fmt.Errorf("read importance of the features of model %q: %w", m.Name, err)
	}
	feature, importance := t.Column("feature"), t.Column("importance")
	if feature == nil || feature.Kind != tabular.Categorical || importance == nil || importance.Kind != tabular.Numeric {
		return m, fmt.Errorf("read importance of the features of model %q: %s: want a column feature of names and a column importance of numbers", m.Name, m.ImportanceFrom)
	}
	all := map[string]float64{}
	for i, name := range feature.Strings {
		v := importance.Numbers[i]
		if !(v >= 0) || math.IsInf(v, 0) {
			return m, fmt.Errorf("read importance of the features of model %q: %s: row %d: %v is not a number of at least 0", m.Name, m.ImportanceFrom, i+1, v)
		}
		all[name] = v
	}
	maps.Copy(all, m.Importance)
	m.Importance, m.ImportanceFrom = all, ""
	return m, nil
}

// relative importance of features: divided by their mean, nil without any.
func relative(importance map[string]float64) map[string]float64 {
	sum := 0.
	for _, v := range importance {
		sum += v
	}
	if sum == 0 {
		return nil
	}
	out := make(map[string]float64, len(importance))
	for f, v := range importance {
		out[f] = max(leastImportance, v*float64(len(importance))/sum)
	}
	return out
}

// importanceOf a feature in signals: 0 when the user gave none at all.
func (p *Plan) importanceOf(feature string) float64 {
	if len(p.importance) == 0 {
		return 0
	}
	if v, ok := p.importance[feature]; ok {
		return v
	}
	return 1
}
