package multivariate

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/driftline/driftline/detectors"
	"github.com/driftline/driftline/detectors/internal/tail"
)

// prepared are the rows of both sides as the statistics want them.
type prepared struct {
	ref, cur *mat.Dense
	columns  []int // of the input that were kept
}

// raw sorts the rows of both sides, for sums of floats and draws from a seed
// depend on an order and the result must not, and keeps the columns that vary
// in the reference. Missing values stay NaN. Not ok when nothing is left, or
// when the sides do not have the same columns.
func raw(ref, cur *mat.Dense) (p prepared, ok bool) {
	if ref == nil || cur == nil || ref.IsEmpty() || cur.IsEmpty() {
		return p, false
	}
	_, width := ref.Dims()
	if _, w := cur.Dims(); w != width {
		return p, false
	}
	a, b := sortedRows(ref), sortedRows(cur)
	for j := range width {
		if m := momentsOf(column(a, j)); m.N >= 2 && m.Variance > 0 && !math.IsInf(m.Variance, 1) {
			p.columns = append(p.columns, j)
		}
	}
	if len(p.columns) == 0 {
		return p, false
	}
	p.ref, p.cur = matrix(a, p.columns), matrix(b, p.columns)
	return p, true
}

// complete is raw with missing values imputed by the reference's median.
func complete(ref, cur *mat.Dense) (p prepared, ok bool) {
	if p, ok = raw(ref, cur); !ok {
		return p, false
	}
	for j := range p.columns {
		middle := median(mat.Col(nil, j, p.ref))
		for _, m := range []*mat.Dense{p.ref, p.cur} {
			rows, _ := m.Dims()
			for i := range rows {
				if math.IsNaN(m.At(i, j)) {
					m.Set(i, j, middle)
				}
			}
		}
	}
	return p, true
}

// finite turns a score that left the range of floats into no data: values that
// far out are no quantities, and a signal could not carry it.
func finite(r detectors.Result) detectors.Result {
	if math.IsInf(r.Score, 0) || math.IsNaN(r.Score) {
		return detectors.Result{NoData: true, Detail: "values are too large to compare"}
	}
	return r
}

// rows of the reference and of the window.
func (p prepared) rows() (n, m float64) {
	a, _ := p.ref.Dims()
	b, _ := p.cur.Dims()
	return float64(a), float64(b)
}

// sortedRows copies a matrix's rows into one order; what is not a number is NaN
// and comes first, −0 is 0.
func sortedRows(m *mat.Dense) [][]float64 {
	n, _ := m.Dims()
	out := make([][]float64, n)
	for i := range out {
		out[i] = slices.Clone(m.RawRowView(i))
		for j, v := range out[i] {
			if math.IsInf(v, 0) {
				out[i][j] = math.NaN()
			} else {
				out[i][j] = v + 0
			}
		}
	}
	slices.SortFunc(out, func(a, b []float64) int { return slices.CompareFunc(a, b, cmp.Compare[float64]) })
	return out
}

func column(rows [][]float64, j int) []float64 {
	out := make([]float64, len(rows))
	for i, r := range rows {
		out[i] = r[j]
	}
	return out
}

func matrix(rows [][]float64, columns []int) *mat.Dense {
	out := mat.NewDense(len(rows), len(columns), nil)
	for i, r := range rows {
		for k, j := range columns {
			out.Set(i, k, r[j])
		}
	}
	return out
}

// momentsOf the values present, by Welford's recurrence.
func momentsOf(values []float64) (s tail.Sample) {
	var m2 float64
	for _, v := range values {
		if !math.IsNaN(v) {
			s.N++
			d := v - s.Mean
			s.Mean += d / s.N
			m2 += d * (v - s.Mean)
		}
	}
	if s.N > 0 {
		s.Variance = m2 / s.N
	}
	return s
}

// median of the values present, the lower one of two.
func median(values []float64) float64 {
	present := slices.DeleteFunc(slices.Clone(values), math.IsNaN)
	slices.Sort(present)
	return present[(len(present)-1)/2]
}

// scaler shifts and scales columns to mean 0 and deviation 1 of the rows that
// it was made from.
type scaler struct{ mean, deviation []float64 }

func newScaler(m *mat.Dense) scaler {
	_, width := m.Dims()
	s := scaler{make([]float64, width), make([]float64, width)}
	for j := range width {
		c := momentsOf(mat.Col(nil, j, m))
		s.mean[j], s.deviation[j] = c.Mean, math.Sqrt(c.Variance)
		if !(s.deviation[j] > 0) {
			s.deviation[j] = 1 // constant here: only a departure from it counts
		}
	}
	return s
}

func (s scaler) apply(m *mat.Dense) *mat.Dense {
	out := mat.DenseCopyOf(m)
	out.Apply(func(_, j int, v float64) float64 { return (v - s.mean[j]) / s.deviation[j] }, out)
	return out
}

// columnMeans of a matrix.
func columnMeans(m *mat.Dense) *mat.VecDense {
	n, width := m.Dims()
	out := mat.NewVecDense(width, nil)
	for j := range width {
		var sum float64
		for i := range n {
			sum += m.At(i, j)
		}
		out.SetVec(j, sum/float64(n))
	}
	return out
}

// covariance of the rows of a matrix, divided by n.
func covariance(m *mat.Dense) *mat.SymDense {
	n, width := m.Dims()
	means := columnMeans(m)
	centred := mat.DenseCopyOf(m)
	centred.Apply(func(_, j int, v float64) float64 { return v - means.AtVec(j) }, centred)
	out := mat.NewSymDense(width, nil)
	out.SymOuterK(1/float64(n), centred.T())
	return out
}

// traces of a square matrix, its square and its cube.
func traces(a mat.Matrix) (s1, s2, s3 float64) {
	var square, cube mat.Dense
	square.Mul(a, a)
	cube.Mul(&square, a)
	return mat.Trace(a), mat.Trace(&square), mat.Trace(&cube)
}
