package causes

import (
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/driftline/driftline/correlate/rank"
)

// Simulated incidents that the confidence is fitted on, and those that it is
// checked on.
const (
	fitted  = 1200
	checked = 600
)

// ridge keeps a weight finite that the incidents hardly determine: the variance
// of its prior is 1 over this.
const ridge = 1

// Fit the weights of the confidence on simulated incidents: logistic
// regression by Newton's method.
func Fit() rank.Weights {
	var of []judged
	for seed := range uint64(fitted) {
		if j := judgeSimulated(simulate(seed)); j.named {
			of = append(of, j)
		}
	}
	return fit(of)
}

func row(f rank.Features) []float64 {
	return []float64{1, math.Min(f.Score, 8), f.Coverage, f.Share, f.Located}
}

func fit(of []judged) rank.Weights {
	const n = 5
	w := make([]float64, n)
	for range 25 {
		gradient, hessian := mat.NewVecDense(n, nil), mat.NewSymDense(n, nil)
		for i := 1; i < n; i++ { // the bias has no prior
			gradient.SetVec(i, -ridge*w[i])
			hessian.SetSym(i, i, ridge)
		}
		for _, j := range of {
			x, z := row(j.features), 0.
			for i := range n {
				z += w[i] * x[i]
			}
			p := 1 / (1 + math.Exp(-z))
			for i := range n {
				gradient.SetVec(i, gradient.AtVec(i)+(truth(j.right)-p)*x[i])
				for k := i; k < n; k++ {
					hessian.SetSym(i, k, hessian.At(i, k)+p*(1-p)*x[i]*x[k])
				}
			}
		}
		var step mat.VecDense
		if err := step.SolveVec(hessian, gradient); err != nil {
			break
		}
		for i := range n {
			w[i] += step.AtVec(i)
		}
	}
	return rank.Weights{Bias: w[0], Score: w[1], Coverage: w[2], Share: w[3], Located: w[4]}
}

// evaluateSimulated holds confidences against simulated incidents that they
// were not fitted on.
func evaluateSimulated() []judged {
	var of []judged
	for seed := range uint64(checked) {
		of = append(of, judgeSimulated(simulate(1_000_000+seed)))
	}
	return of
}
