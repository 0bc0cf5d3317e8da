package multivariate

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/driftline/driftline/detectors"
	"github.com/driftline/driftline/internal/tabular"
	"github.com/driftline/driftline/schemas"
)

// fixedSeed of samples, folds and projections: a signal is the same on every
// instance and on every run.
const fixedSeed = 1

// Rows are a sample of rows; every row has one value a column, NaN where it
// has none.
type Rows struct {
	Columns []string // features
	Values  [][]float64
}

// RowSource reads a sample of at most limit rows of a version's window: the
// same rows whenever the window holds the same ones. The span's rows are known
// to be total.
type RowSource interface {
	Rows(ctx context.Context, key schemas.ModelKey, version string, span schemas.Span, total uint64, columns []string, limit int) ([][]float64, error)
}

// Comparer runs the detectors over rows. It makes the service's
// detectors.JointSource from rows that a store holds; Compare alone serves
// files. Safe for concurrent use once its references are set.
type Comparer struct {
	source     RowSource
	references map[string]Rows // by tenant, model and id
}

// NewComparer makes a comparer that has no references yet.
func NewComparer(source RowSource) *Comparer {
	return &Comparer{source: source, references: map[string]Rows{}}
}

// SetReference gives the rows behind a reference.
func (c *Comparer) SetReference(ref *schemas.Reference, rows Rows) { c.references[idOf(ref)] = rows }

func idOf(ref *schemas.Reference) string {
	return fmt.Sprintf("%q %q %s", ref.Tenant, ref.Model, ref.ID())
}

// Joint reads and compares the window of every version.
func (c *Comparer) Joint(ctx context.Context, p *detectors.Plan, ref *schemas.Reference, found []schemas.WindowSummaries) ([]detectors.Joint, error) {
	rows, ok := c.references[idOf(ref)]
	if !ok {
		return nil, nil
	}
	var out []detectors.Joint
	for i := range found {
		w := &found[i]
		values, err := c.source.Rows(ctx, p.Key, w.Version, w.Span, w.Rows, rows.Columns, p.JointRows())
		if err != nil {
			return nil, err
		}
		out = append(out, Compare(p, rows, Rows{rows.Columns, values}, w.Version)...)
	}
	return out, nil
}

// Compare a window's rows with the reference's by the detectors that the plan
// names. A column that the window lacks is missing in all of its rows.
func Compare(p *detectors.Plan, ref, cur Rows, version string) (out []detectors.Joint) {
	names := p.Joint()
	if len(names) == 0 {
		return nil
	}
	a, b := ref.matrix(ref.Columns), cur.matrix(ref.Columns)
	for _, d := range All() {
		if !slices.Contains(names, d.Name) {
			continue
		}
		j := detectors.Joint{Manual: d.Manual, Version: version, NReference: uint64(len(ref.Values)), NWindow: uint64(len(cur.Values))}
		if a != nil && b != nil {
			j.Result = d.Compare(a, b, Options{Seed: fixedSeed, Columns: ref.Columns})
		} else {
			j.Result.NoData = true
		}
		out = append(out, j)
	}
	return out
}

// matrix of the columns; nil without rows or columns.
func (r Rows) matrix(columns []string) *mat.Dense {
	if len(r.Values) == 0 || len(columns) == 0 {
		return nil
	}
	out := mat.NewDense(len(r.Values), len(columns), nil)
	for k, name := range columns {
		at := slices.Index(r.Columns, name)
		for i, row := range r.Values {
			v := math.NaN()
			if at >= 0 {
				v = row[at]
			}
			out.Set(i, k, v)
		}
	}
	return out
}

// OfTable is a sample of a table's rows, over the numeric features that the
// plan looks at together.
func OfTable(p *detectors.Plan, t *tabular.Table, roles detectors.ReferenceFile) Rows {
	var r Rows
	var columns [][]float64
	for i := range t.Columns {
		c := &t.Columns[i]
		name := c.Name
		switch name {
		case roles.Timestamp, roles.ID, roles.Prediction:
			continue
		case roles.Score:
			name = schemas.FeatureScore
		case roles.Latency:
			name = schemas.FeatureLatency
		}
		if c.Kind == tabular.Numeric && !slices.Contains(roles.Exclude, c.Name) && p.JointFeature(name) {
			r.Columns, columns = append(r.Columns, name), append(columns, c.Numbers)
		}
	}
	for _, i := range sampled(t.Rows, p.JointRows()) {
		row := make([]float64, len(columns))
		for k, c := range columns {
			row[k] = c[i]
		}
		r.Values = append(r.Values, row)
	}
	return r
}

// sampled are the places of at most limit of n rows, ascending.
func sampled(n, limit int) []int {
	places := rand.New(rand.NewPCG(fixedSeed, uint64(n))).Perm(n)
	places = places[:min(n, limit)]
	slices.Sort(places)
	return places
}

// LoadReference samples the rows of a model's reference file.
func LoadReference(p *detectors.Plan, m *detectors.Model) (Rows, error) {
	file := m.Reference
	t, err := tabular.Open(file.File, tabular.Options{Timestamp: file.Timestamp, Categorical: file.Categorical, Skip: file.Exclude})
	if err != nil {
		return Rows{}, fmt.Errorf("load rows of the reference of model %q: %w", m.Name, err)
	}
	return OfTable(p, t, file), nil
}
