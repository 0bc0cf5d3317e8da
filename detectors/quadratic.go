package detectors

import (
	"github.com/driftline/driftline/detectors/internal/tail"
	"github.com/driftline/driftline/schemas"
)

// quadratic is the null distribution of a statistic ∫B(F(x))²w(dx), B a
// Brownian bridge: the limit of the sample size times a weighted square
// distance between two empirical distribution functions. It is a sum of
// weighted χ² variables, and its cumulants are 2ʳ⁻¹(r−1)!·tr(Kʳ), K being the
// bridge's covariance under the weights (T. W. Anderson and D. A. Darling,
// Annals of Mathematical Statistics 1952). A gamma distribution with an offset
// that has the first three of them gives the tail: exact for one place, as for
// a binary feature, and within a few percent of p for continuous ones down to
// 0.001. Ties need no other treatment: the places and weights are the data's
// own.
//
// The covariance of two places c < e is u(c)·(1−u(e)), a product, so that
// traces are sums over ordered pairs and triples that one pass collects.
type quadratic struct {
	s1, s2, s3 float64 // traces of K, K², K³
	a, av, ag  float64 // sums over the places so far, for the pairs and triples that the next one closes
}

// add a place, ascending: u is the distribution function there, variance that
// of the bridge (u(1−u), or less where it is averaged over an atom), weight w.
func (q *quadratic) add(u, variance, weight float64) {
	v := weight * variance
	a, b, g := weight*u*u, weight*(1-u)*(1-u), weight*u*(1-u)
	q.s1 += v
	q.s2 += v*v + 2*b*q.a
	q.s3 += v*v*v + 3*b*(q.av+q.a*v) + 6*b*q.ag
	q.ag += q.a * g
	q.av += a * v
	q.a += a
}

// tail is P(X ≥ x).
func (q *quadratic) tail(x float64) float64 { return tail.Quadratic(q.s1, q.s2, q.s3, x) }

// places visits the distinct values of two samples as atoms: the mass h of the
// value, half from each side, the middle u of the pooled distribution function
// over it, and the gap between the two functions at their middles. Sides count
// alike whatever their rows, so that the statistic does not depend on them.
func places(ref, cur []schemas.Point, visit func(h, u, variance, gap float64)) {
	var lastF, lastG float64
	walk(ref, cur, func(_, f, g float64) {
		h := (f - lastF + g - lastG) / 2
		u := (f + lastF + g + lastG) / 4
		visit(h, u, max(0, u*(1-u)-h/4), (f+lastF-g-lastG)/2)
		lastF, lastG = f, g
	})
}
