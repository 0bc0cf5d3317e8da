package multivariate

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"github.com/driftline/driftline/detectors"
	"github.com/driftline/driftline/detectors/internal/tail"
)

// Explained is the share of the variance that the kept components explain at
// least: enough to hold the strong relations between features, few enough to
// leave a residual that breaks of them show in.
const Explained = 0.65

// pcaDetector is the change of the mean reconstruction error: rows are
// projected on the reference's principal components and back, and the
// Euclidean length of what got lost, in standardised columns, is a row's error.
// The score is the change of its mean in standard deviations of the
// reference's errors. It may fall too: a collapse onto the components does that.
//
// Errors of the rows that the components were fitted to are too small, so the
// reference is halved: each half is scored by the components of the other, and
// the window by both.
//
// Null distribution: t-test of the rows' errors (tail.SameMean).
// Cost: O((N+M)·P²+P³) for P columns.
var pcaDetector = Detector{
	Manual: detectors.Manual{
		Name: "pca_reconstruction", Title: "PCA reconstruction error", Unit: "standard deviations of the reference's errors", Range: "0 and up", Threshold: 0.2,
		Doc:    "Change of the mean error with which the reference's principal components reproduce rows: relations between features that break or tighten, though each feature stays as it was.",
		Use:    "Tables of numeric features that are correlated; cheap, and one figure for the whole table.",
		Blind:  "Changes within the space of the kept components, and independent features, which have no relation to break. Relations that are not linear.",
		Null:   "t-test of the rows' errors, the reference's two halves scored by each other's components.",
		Cost:   "O((N+M)·P² + P³) for P columns",
		Source: "Pearson 1901; components for 65 % of the variance as in NannyML",
	},
	Compare: pcaReconstruction,
}

// PCA are the principal components of standardised columns.
type PCA struct {
	Components int     // kept
	Explained  float64 // share of the variance that they explain

	scaler scaler
	rest   *mat.Dense // the components that were not kept, as columns
}

// FitPCA finds the components of complete rows: as few as explain the given
// share of the variance, at least one, and never all.
func FitPCA(rows *mat.Dense, explained float64) (*PCA, error) {
	n, width := rows.Dims()
	if width < 2 || n < 3 {
		return nil, fmt.Errorf("fit components of %d rows and %d columns: need at least 3 rows and 2 columns", n, width)
	}
	p := &PCA{scaler: newScaler(rows)}
	var eigen mat.EigenSym
	if !eigen.Factorize(covariance(p.scaler.apply(rows)), true) {
		return nil, errors.New("fit components: no eigenvalues; are there missing values?")
	}
	values := eigen.Values(nil) // ascending
	var total, sum float64
	for _, v := range values {
		total += max(0, v)
	}
	for p.Components < width-1 && (p.Components == 0 || sum < explained*total) {
		p.Components++
		sum += max(0, values[width-p.Components])
	}
	p.Explained = sum / total
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	p.rest = mat.DenseCopyOf(vectors.Slice(0, width, 0, width-p.Components))
	return p, nil
}

// Errors are the lengths of what the components cannot reproduce, by row.
func (p *PCA) Errors(rows *mat.Dense) []float64 {
	var lost mat.Dense
	lost.Mul(p.scaler.apply(rows), p.rest)
	n, _ := lost.Dims()
	out := make([]float64, n)
	for i := range out {
		out[i] = mat.Norm(lost.RowView(i), 2)
	}
	return out
}

func pcaReconstruction(ref, cur *mat.Dense, o Options) detectors.Result {
	p, ok := complete(ref, cur)
	if n, _ := p.rowsOrZero(ok); n < 8 || len(p.columns) < 2 {
		return detectors.Result{NoData: true, Detail: "needs 8 reference rows and two columns that vary"}
	}
	first, second := halves(p.ref, o.Seed)
	a, errA := FitPCA(first, Explained)
	b, errB := FitPCA(second, Explained)
	if errA != nil || errB != nil {
		return detectors.Result{NoData: true, Detail: errors.Join(errA, errB).Error()}
	}
	before := momentsOf(append(a.Errors(second), b.Errors(first)...))
	after := a.Errors(p.cur)
	for i, e := range b.Errors(p.cur) {
		after[i] = (after[i] + e) / 2
	}
	now := momentsOf(after)
	if !(before.Variance > 0) {
		return detectors.Result{NoData: true, Detail: "the components reproduce the reference without error"}
	}
	return detectors.Result{
		Score:  math.Abs(now.Mean-before.Mean) / math.Sqrt(before.Variance),
		PValue: tail.SameMean(before, now),
		Detail: fmt.Sprintf("mean reconstruction error went from %.3g to %.3g with %d of %d components", before.Mean, now.Mean, a.Components, len(p.columns)),
	}
}

func (p prepared) rowsOrZero(ok bool) (n, m float64) {
	if !ok {
		return 0, 0
	}
	return p.rows()
}

// halves deals the rows out at random.
func halves(m *mat.Dense, seed uint64) (a, b *mat.Dense) {
	n, _ := m.Dims()
	order := rand.New(rand.NewPCG(seed, 1)).Perm(n)
	return take(m, order[:n/2]), take(m, order[n/2:])
}

func take(m *mat.Dense, rows []int) *mat.Dense {
	_, width := m.Dims()
	out := mat.NewDense(len(rows), width, nil)
	for i, r := range rows {
		out.SetRow(i, m.RawRowView(r))
	}
	return out
}
