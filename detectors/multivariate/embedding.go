package multivariate

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"github.com/driftline/driftline/detectors"
	"github.com/driftline/driftline/detectors/internal/tail"
)

// projectedColumns is what rows of more columns are projected to.
const projectedColumns = 64

// embeddingDetector is the distance of the mean rows, in units of the
// reference's root mean square distance from its mean. Columns are not
// standardised: an embedding's directions have the scale that its model gave
// them. Rows of more than 64 columns are first projected at random, which keeps
// distances within a few percent (Johnson and Lindenstrauss 1984).
//
// Null distribution: NM/(N+M)·‖Δ‖² is a sum of weighted χ², with the
// covariance's eigenvalues for weights (tail.Quadratic). Cost: O((N+M)·P·64).
var embeddingDetector = Detector{
	Manual: detectors.Manual{
		Name: "embedding_shift", Title: "embedding shift", Unit: "root mean square radii of the reference", Range: "0 and up", Threshold: 0.1,
		Doc:    "Distance of the mean embedding, after a seeded random projection to 64 columns.",
		Use:    "Embeddings of texts, images and users, whose columns mean nothing alone.",
		Blind:  "Changes that leave the mean, such as a new topic opposite to another one.",
		Null:   "Sum of weighted χ² by three cumulants of the projected reference's covariance.",
		Cost:   "O((N+M)·P·64) for P columns",
		Source: "Johnson and Lindenstrauss 1984; Achlioptas 2003; Chen and Qin 2010 for the two-sample mean",
	},
	Compare: embeddingShift,
}

// Projection maps rows of From columns to To by a matrix of random signs over
// √To. It is given by its seed and sizes alone, forever: the signs are the bits
// of a PCG generator, in the order of rows, and so need not be stored.
type Projection struct {
	From, To int
	signs    *mat.Dense
}

// NewProjection makes the projection of a seed.
func NewProjection(seed uint64, from, to int) *Projection {
	p := &Projection{From: from, To: to, signs: mat.NewDense(from, to, nil)}
	src := rand.NewPCG(seed, 3)
	size := 1 / math.Sqrt(float64(to))
	var bits uint64
	for k := range from * to {
		if k%64 == 0 {
			bits = src.Uint64()
		}
		p.signs.Set(k/to, k%to, size*(1-2*float64(bits&1)))
		bits >>= 1
	}
	return p
}

// Apply projects rows of From columns.
func (p *Projection) Apply(rows *mat.Dense) *mat.Dense {
	var out mat.Dense
	out.Mul(rows, p.signs)
	return &out
}

func embeddingShift(ref, cur *mat.Dense, o Options) detectors.Result {
	p, ok := complete(ref, cur)
	n, m := p.rowsOrZero(ok)
	if n < 2 {
		return detectors.Result{NoData: true, Detail: "needs two reference rows and a column that varies"}
	}
	x, y := p.ref, p.cur
	if len(p.columns) > projectedColumns {
		// One by the input's width, of which the columns kept take their rows:
		// a column that goes constant must not reshuffle the others.
		_, width := ref.Dims()
		whole := NewProjection(o.Seed, width, projectedColumns)
		own := &Projection{From: len(p.columns), To: projectedColumns, signs: take(whole.signs, p.columns)}
		x, y = own.Apply(x), own.Apply(y)
	}
	var gap mat.VecDense
	gap.SubVec(columnMeans(y), columnMeans(x))
	d2 := mat.Dot(&gap, &gap)
	s1, s2, s3 := traces(covariance(x))
	if !(s1 > 0) {
		return detectors.Result{NoData: true, Detail: "the reference has no spread"}
	}
	return finite(detectors.Result{
		Score:  math.Sqrt(d2 / s1),
		PValue: tail.Quadratic(s1, s2, s3, d2*n*m/(n+m)),
		Detail: fmt.Sprintf("mean embedding is %.3g radii away over %d columns", math.Sqrt(d2/s1), len(p.columns)),
	})
}
