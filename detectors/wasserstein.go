package detectors

import (
	"math"

	"github.com/driftline/driftline/detectors/internal/tail"
	"github.com/driftline/driftline/schemas"
)

// nullCells is how many cells the null distribution's integral is cut into;
// twice as many change p-values by less than one percent of themselves.
const nullCells = 48

// wassersteinDetector is the Wasserstein-1 distance ∫|F−G|dx in standard
// deviations of the reference (the Kantorovich form; Vallender 1974).
//
// Null distribution: √(NM/(N+M))·W converges to ∫|B(F(x))|dx, B a Brownian
// bridge (del Barrio, Giné and Matrán, Annals of Probability 1999). That law
// depends on F and has no closed form, but its first two moments do: B(F(x)) is
// normal with variance s² = F(1−F), so E|B| = s·√(2/π), and for two places with
// correlation ρ = √(F₁(1−F₂)/(F₂(1−F₁))), F₁ ≤ F₂, the covariance of the
// absolute values is s₁s₂·(2/π)·(√(1−ρ²)+ρ·asin ρ−1). Both are integrated over
// the reference's own distribution function, and a gamma distribution with the
// same mean and variance gives the body. Its far tail is too light, but there a
// bound is nearly sharp: ∫|B| ≥ |∫B|, and ∫B(F(x))dx is normal with the
// variance of F, which makes the bound the two-sided z-test of that distance.
// The p-value is the larger of the two (for uniform F the bound gives 0.0092
// where the true tail is 0.01; Johnson and Killeen, JASA 1983, tabulate that
// case). Cost: O(points + cells²).
var wassersteinDetector = Detector{
	Manual: Manual{
		Name: "wasserstein", Title: "Wasserstein", Unit: "reference standard deviations", Range: "0 and up", Threshold: 0.2,
		Doc:    "How far the rows moved on average, in standard deviations of the reference: sees tails that rank statistics miss.",
		Use:    "Features where the size of a change is what it costs: amounts, latencies, scores.",
		Blind:  "A constant reference has no scale: no data. One outlier of the reference can make the unit large.",
		Null:   "∫|B(F(x))|dx has no closed form: a gamma distribution with its first two moments, a z-test in the far tail.",
		Cost:   "O(points + 48²)",
		Source: "Vallender 1974; del Barrio, Giné and Matrán 1999",
	},
	Kinds: numericOnly, Default: true, Compare: wasserstein,
}

func wasserstein(ref, cur *schemas.Summary, _ Params) Result {
	if !bothPresent(ref, cur) {
		return Result{NoData: true}
	}
	scale := spread(ref)
	if !(scale > 0) {
		return Result{NoData: true, Detail: "the reference has one value and so no scale"}
	}
	distance := area(ref.Points, cur.Points)
	mean, variance := bridgeMoments(ref.Points)
	root := math.Sqrt(effective(ref, cur))
	return Result{
		Score: distance / scale,
		PValue: max(fittedTail(distance*root, mean, variance),
			tail.Clamp(2*tail.Normal(distance/scale*root))),
		Detail: moved(ref, cur),
	}
}

// area between two distribution functions.
func area(ref, cur []schemas.Point) (sum float64) {
	var last, gap float64
	walk(ref, cur, func(at, f, g float64) {
		if gap > 0 { // not before the first value, where both are 0
			sum += gap * (at - last)
		}
		last, gap = at, math.Abs(f-g)
	})
	return sum
}

// cell is a stretch of the axis on which the bridge is taken as one variable.
type cell struct {
	f     float64 // distribution function, averaged over the stretch
	sigma float64 // ∫√(F(1−F))dx
}

// bridgeMoments are mean and variance of ∫|B(F(x))|dx.
func bridgeMoments(ref []schemas.Point) (mean, variance float64) {
	cells := bridgeCells(ref)
	for i, a := range cells {
		mean += a.sigma
		for j := range i {
			variance += 2 * absCovariance(cells[j], a)
		}
		variance += absCovariance(a, a)
	}
	return mean * math.Sqrt(2/math.Pi), variance
}

// absCovariance of the integrals over two cells, the one of smaller f first.
func absCovariance(a, b cell) float64 {
	rho := 1.0
	if a != b {
		rho = min(1, math.Sqrt(a.f*(1-b.f)/(b.f*(1-a.f))))
	}
	return a.sigma * b.sigma * 2 / math.Pi * (math.Sqrt(1-rho*rho) + rho*math.Asin(rho) - 1)
}

// bridgeCells cuts the axis so that each cell holds a small part both of the
// integral and of the reference's mass: by the first long tails are resolved,
// by the second the middle, where correlation falls fastest.
func bridgeCells(ref []schemas.Point) []cell {
	total := mass(ref)
	var whole, sum float64
	for i, p := range ref[:len(ref)-1] {
		sum += p.Weight
		whole += sigma(sum/total) * (narrow(ref[i+1].Value) - narrow(p.Value))
	}
	cells := make([]cell, 0, nullCells+2)
	var open cell // its f is weighted by sigma until it is closed
	var from float64
	sum = 0
	for i, p := range ref[:len(ref)-1] {
		sum += p.Weight
		f := sum / total
		s := sigma(f) * (narrow(ref[i+1].Value) - narrow(p.Value))
		open.sigma += s
		open.f += s * f
		if open.sigma/whole+f-from >= 2.0/nullCells && open.sigma > 0 {
			cells = append(cells, cell{open.f / open.sigma, open.sigma})
			open, from = cell{}, f
		}
	}
	if open.sigma > 0 {
		cells = append(cells, cell{open.f / open.sigma, open.sigma})
	}
	return cells
}

// sigma is the standard deviation of a Brownian bridge at f.
func sigma(f float64) float64 { return math.Sqrt(max(0, f*(1-f))) }

// fittedTail is P(X ≥ x) of the gamma distribution with the given moments.
func fittedTail(x, mean, variance float64) float64 {
	if !(mean > 0) || !(variance > 0) {
		if x > 0 {
			return 0
		}
		return 1
	}
	return tail.Gamma(mean*mean/variance, x*mean/variance)
}
