package multivariate

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/driftline/driftline/detectors"
	"github.com/driftline/driftline/detectors/internal/tail"
)

const (
	domainFolds = 5
	domainRidge = 1.0 // penalty of a weight's square, in rows; keeps separable classes finite
	domainSteps = 12  // of Newton's method; six are usual
	domainClip  = 5.0 // deviations beyond which a value counts as that far: squares of outliers would rule
)

// domainDetector trains a classifier to tell window from reference and reports
// how well it does on rows that it has not seen: the area under its ROC curve,
// averaged over five folds. 0.5 means that nothing tells them apart. The
// classifier is logistic regression with a ridge on the standardised columns
// and their squares, so that it sees shifts and changes of spread; folds come
// from the seed.
//
// Null distribution: a fold's AUC is a Mann–Whitney statistic of rows that the
// classifier has not seen, normal with variance (n+m+1)/(12nm). But what one
// fold tests, the others train on, and their mean varies more than that of five
// independent ones: taken so, 11 % of p-values were below 0.05. Nadeau and
// Bengio's correction multiplies the variance by 1+5/4, tested over trained rows
// in each fold times folds, which leaves about 4 %.
// Cost: O((N+M)·P²) times folds and steps.
var domainDetector = Detector{
	Manual: detectors.Manual{
		Name: "domain_classifier", Title: "domain classifier", Unit: "AUC", Range: "0.5 to 1", Threshold: 0.6,
		Doc:    "How well a classifier tells rows of the window from rows of the reference, cross-validated.",
		Use:    "When no single test is trusted: it combines weak changes of many features into one figure that means the same everywhere.",
		Blind:  "Changes of relations alone: the classifier is additive in values and squares. The dearest test of all.",
		Null:   "Mann–Whitney's normal limit for rows that the classifier has not seen, with Nadeau and Bengio's variance for overlapping folds; a little conservative.",
		Cost:   "O((N+M)·P²) times 60 for P columns",
		Source: "Friedman 2003; Mann and Whitney 1947; Nadeau and Bengio, Machine Learning 2003",
	},
	Compare: domainClassifier,
}

func domainClassifier(ref, cur *mat.Dense, o Options) detectors.Result {
	p, ok := complete(ref, cur)
	n, m := p.rowsOrZero(ok)
	if min(n, m) < 4*domainFolds {
		return detectors.Result{NoData: true, Detail: fmt.Sprintf("needs %d rows on either side", 4*domainFolds)}
	}
	scale := newScaler(p.ref)
	rng := rand.New(rand.NewPCG(o.Seed, 2))
	a, b := dealt(squared(scale.apply(p.ref)), rng), dealt(squared(scale.apply(p.cur)), rng)
	var sum, variance float64
	for k := range domainFolds {
		w := logistic(a, b, k)
		auc, v := mannWhitney(scores(a[k], w), scores(b[k], w))
		sum += auc / domainFolds
		variance += v / domainFolds / domainFolds * (1 + float64(domainFolds)/(domainFolds-1))
	}
	return detectors.Result{
		Score:  max(0.5, sum),
		PValue: tail.Normal((sum - 0.5) / math.Sqrt(variance)),
		Detail: fmt.Sprintf("a classifier tells the window's rows from the reference's with AUC %.3f", sum),
	}
}

// squared has a constant, each column and each column's square.
func squared(m *mat.Dense) *mat.Dense {
	n, width := m.Dims()
	out := mat.NewDense(n, 2*width+1, nil)
	for i := range n {
		out.Set(i, 0, 1)
		for j := range width {
			v := max(-domainClip, min(domainClip, m.At(i, j)))
			out.Set(i, 1+2*j, v)
			out.Set(i, 2+2*j, v*v-1)
		}
	}
	return out
}

// dealt are the rows in folds.
func dealt(m *mat.Dense, rng *rand.Rand) (folds [domainFolds]*mat.Dense) {
	n, _ := m.Dims()
	order := rng.Perm(n)
	for k := range folds {
		folds[k] = take(m, order[k*n/domainFolds:(k+1)*n/domainFolds])
	}
	return folds
}

// logistic fits the weights by Newton's method to all folds but one.
func logistic(a, b [domainFolds]*mat.Dense, left int) *mat.VecDense {
	_, width := a[0].Dims()
	w := mat.NewVecDense(width, nil)
	for range domainSteps {
		gradient, hessian := mat.NewVecDense(width, nil), mat.NewSymDense(width, nil)
		for j := 1; j < width; j++ { // the constant is free
			gradient.SetVec(j, -domainRidge*w.AtVec(j))
			hessian.SetSym(j, j, domainRidge)
		}
		hessian.SetSym(0, 0, 1e-9)
		for k := range domainFolds {
			if k != left {
				accumulate(a[k], 0, w, gradient, hessian)
				accumulate(b[k], 1, w, gradient, hessian)
			}
		}
		var factor mat.Cholesky
		var step mat.VecDense
		if !factor.Factorize(hessian) || factor.SolveVecTo(&step, gradient) != nil {
			break // keep what there is: any classifier gives a valid test
		}
		w.AddVec(w, &step)
		if mat.Norm(&step, 2) < 1e-8*(1+mat.Norm(w, 2)) {
			break
		}
	}
	return w
}

// accumulate the rows of one class into gradient and Hessian.
func accumulate(rows *mat.Dense, label float64, w, gradient *mat.VecDense, hessian *mat.SymDense) {
	n, width := rows.Dims()
	weighted := mat.NewDense(n, width, nil)
	for i := range n {
		x := rows.RawRowView(i)
		var z float64
		for j, v := range x {
			z += v * w.AtVec(j)
		}
		p := 1 / (1 + math.Exp(-z))
		root := math.Sqrt(p * (1 - p))
		out := weighted.RawRowView(i)
		for j, v := range x {
			gradient.SetVec(j, gradient.AtVec(j)+(label-p)*v)
			out[j] = root * v
		}
	}
	var outer mat.SymDense
	outer.SymOuterK(1, weighted.T())
	hessian.AddSym(hessian, &outer)
}

func scores(rows *mat.Dense, w *mat.VecDense) []float64 {
	n, _ := rows.Dims()
	var out mat.VecDense
	out.MulVec(rows, w)
	return out.RawVector().Data[:n]
}

// mannWhitney is the share of pairs in which the second sample's score is the
// higher, ties counting half, and its variance when both are one population.
func mannWhitney(a, b []float64) (auc, variance float64) {
	type scored struct {
		value float64
		own   int
	}
	all := make([]scored, 0, len(a)+len(b))
	for _, v := range a {
		all = append(all, scored{v, 0})
	}
	for _, v := range b {
		all = append(all, scored{v, 1})
	}
	slices.SortFunc(all, func(x, y scored) int { return cmp.Compare(x.value, y.value) })
	var ranks, ties float64
	for i := 0; i < len(all); {
		k, own := i, 0
		for k < len(all) && all[k].value == all[i].value {
			own += all[k].own
			k++
		}
		ranks += float64(own) * float64(i+k+1) / 2
		t := float64(k - i)
		ties += t*t*t - t
		i = k
	}
	n, m := float64(len(a)), float64(len(b))
	total := n + m
	auc = (ranks - m*(m+1)/2) / (n * m)
	return auc, max(1e-12, (total+1-ties/(total*(total-1)))/(12*n*m))
}
