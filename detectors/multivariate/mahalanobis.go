package multivariate

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/driftline/driftline/detectors"
	"github.com/driftline/driftline/detectors/internal/tail"
)

// leastShrinkage keeps the correlations of collinear columns invertible.
const leastShrinkage = 1e-3

// mahalanobisDetector is the distance of the window's mean row from the
// reference's in the metric of the reference's correlations: a shift along
// which features never moved together counts more than one that they take every
// day. The correlations are shrunk towards none by Schäfer and Strimmer's
// estimate of the best intensity, or few rows and many columns would make
// directions of no variance, and of endless distance, by chance.
//
// Null distribution: NM/(N+M)·d² is a sum of weighted χ², with the eigenvalues
// of S*⁻¹S for weights (tail.Quadratic); the larger of that p-value and of
// Hotelling's F, which knows that S is an estimate. Cost: O((N+M)·P²+P³).
var mahalanobisDetector = Detector{
	Manual: detectors.Manual{
		Name: "mahalanobis", Title: "Mahalanobis distance of means", Unit: "standard deviations", Range: "0 and up", Threshold: 0.3,
		Doc:    "Distance of the mean rows in the metric of the reference's correlations, shrunk.",
		Use:    "Tables of numeric features: one test for a shift of any of them, or of a combination that none shows alone.",
		Blind:  "Changes that leave all means: spread, shape, relations. Needs twice as many reference rows as columns.",
		Null:   "Sum of weighted χ² by three cumulants, or Hotelling's F where that is larger.",
		Cost:   "O((N+M)·P² + P³) for P columns",
		Source: "Mahalanobis 1936; Hotelling 1931; Schäfer and Strimmer 2005",
	},
	Compare: mahalanobis,
}

func mahalanobis(ref, cur *mat.Dense, _ Options) detectors.Result {
	p, ok := complete(ref, cur)
	if !ok {
		return detectors.Result{NoData: true}
	}
	n, m := p.rows()
	width := float64(len(p.columns))
	if n < 2*width+2 {
		return detectors.Result{NoData: true, Detail: "needs more than twice as many reference rows as columns"}
	}
	scale := newScaler(p.ref)
	x := scale.apply(p.ref)
	s := covariance(x)
	lambda := shrinkage(x, s)
	shrunk := mat.NewSymDense(len(p.columns), nil)
	for i := range p.columns {
		for j := range i {
			shrunk.SetSym(i, j, (1-lambda)*s.At(i, j))
		}
		shrunk.SetSym(i, i, 1)
	}
	var factor mat.Cholesky
	if !factor.Factorize(shrunk) {
		return detectors.Result{NoData: true, Detail: "the correlations cannot be inverted"}
	}
	means := columnMeans(scale.apply(p.cur)) // the reference's are 0
	var solved mat.VecDense
	var metric mat.Dense
	if factor.SolveVecTo(&solved, means) != nil || factor.SolveTo(&metric, s) != nil {
		return detectors.Result{NoData: true, Detail: "the correlations cannot be inverted"}
	}
	d2 := max(0, mat.Dot(means, &solved))
	size := n * m / (n + m)
	s1, s2, s3 := traces(&metric)
	return finite(detectors.Result{
		Score:  math.Sqrt(d2),
		PValue: max(tail.Quadratic(s1, s2, s3, size*d2), tail.F(size*d2*(n-width)/(width*(n-1)), width, n-width)),
		Detail: fmt.Sprintf("mean row is %.3g deviations away over %d columns, correlations shrunk by %.2g", math.Sqrt(d2), len(p.columns), lambda),
	})
}

// shrinkage is the estimated best intensity towards uncorrelated columns: the
// correlations' variance over their squares, summed over pairs (J. Schäfer and
// K. Strimmer, Statistical Applications in Genetics and Molecular Biology 2005).
func shrinkage(x *mat.Dense, s *mat.SymDense) float64 {
	n, width := x.Dims()
	var noise, signal float64
	for i := range width {
		for j := range i {
			r := s.At(i, j)
			var sum float64
			for k := range n {
				d := x.At(k, i)*x.At(k, j) - r
				sum += d * d
			}
			noise += sum * float64(n) / math.Pow(float64(n-1), 3)
			signal += r * r
		}
	}
	if !(signal > 0) {
		return 1
	}
	return min(1, max(leastShrinkage, noise/signal))
}
