package backtest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/driftline/driftline/detectors/performance"
	"github.com/driftline/driftline/internal/tabular"
)

// class of a model of several, and the column of its probability.
type class struct{ name, column string }

// classesOf reads --score-columns: class=column, or a prefix and *, which
// stands for every numeric column of the data that begins so; the rest of its
// name is the class. Two classes in the order of their names: metrics of one
// class take the last one for the positive.
func classesOf(o Options, data *tabular.Table) ([]class, error) {
	var out []class
	for _, text := range o.ScoreColumns {
		name, column, named := strings.Cut(text, "=")
		prefix, starred := strings.CutSuffix(text, "*")
		switch {
		case named && name != "" && column != "":
			out = append(out, class{name, column})
		case !named && starred && prefix != "":
			for _, c := range data.Columns {
				if rest, ok := strings.CutPrefix(c.Name, prefix); ok && rest != "" && c.Kind == tabular.Numeric {
					out = append(out, class{rest, c.Name})
				}
			}
		default:
			return nil, fmt.Errorf("--score-columns %q: want class=column for every class, or the prefix of their columns and *, such as proba_*", text)
		}
	}
	slices.SortFunc(out, func(a, b class) int { return strings.Compare(a.name, b.name) })
	if len(o.ScoreColumns) > 0 && len(out) < 2 {
		return nil, fmt.Errorf("--score-columns: %d columns of %s fit; a model has two classes at least. Columns: %v", len(out), data.Name, data.Names())
	}
	var errs []error
	for i, c := range out {
		if i > 0 && c.name == out[i-1].name {
			errs = append(errs, fmt.Errorf("--score-columns: class %q has two columns, %q and %q", c.name, out[i-1].column, c.column))
		}
		if found := data.Column(c.column); found == nil || found.Kind != tabular.Numeric {
			errs = append(errs, fmt.Errorf("--score-columns: %s has no numeric column %q; columns: %v", data.Name, c.column, data.Names()))
		}
	}
	return out, errors.Join(errs...)
}

// names of classes, ascending.
func names(classes []class) []string {
	out := make([]string, len(classes))
	for i, c := range classes {
		out[i] = c.name
	}
	return out
}

// addClasses adds a row of a model of several classes, by numbers of the
// classes, ascending by name. Rows that lack a probability, or the prediction
// where the options name its column, are left out.
func (s *sampler) addClasses(r *performance.MulticlassRows, columns [][]float64, prediction string, truths []string, i int) error {
	known := names(s.classes)
	place := func(what, name string) (int, error) {
		k, ok := slices.BinarySearch(known, name)
		if !ok {
			return 0, fmt.Errorf("%s %q is none of the classes of --score-columns, %v", what, name, known)
		}
		return k, nil
	}
	p := make([]float64, len(columns))
	for k, c := range columns {
		if p[k] = c[i]; p[k] != p[k] {
			return nil
		}
	}
	if s.o.Prediction != "" {
		if prediction == "" {
			return nil
		}
		k, err := place("prediction", prediction)
		if err != nil {
			return err
		}
		r.Predicted = append(r.Predicted, k)
	}
	if truths != nil {
		k, err := place("label", truths[i])
		if err != nil {
			return err
		}
		r.Truth = append(r.Truth, k)
	}
	r.Probabilities = append(r.Probabilities, p)
	return nil
}

// measureNames is a metric of predictions and labels that are names, without
// probabilities.
func measureNames(metric string, predicted, truths []string) performance.Figure {
	known := slices.Compact(slices.Sorted(slices.Values(slices.Concat(predicted, truths))))
	state := performance.NewMulticlassState(len(known))
	for i, truth := range truths {
		p, _ := slices.BinarySearch(known, predicted[i])
		y, _ := slices.BinarySearch(known, truth)
		state.Add(nil, p, y)
	}
	return state.Figure(metric)
}
