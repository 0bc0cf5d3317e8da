package multivariate

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/driftline/driftline/detectors"
	"github.com/driftline/driftline/detectors/internal/tail"
)

// duplicatesDetector is the share of rows that repeat another row in every
// column, beyond the reference's. Repeats grow with the rows, so the larger
// side is rarefied to the rows of the smaller one: its expected repeats in a
// random part of that size. Missing values are equal to each other.
//
// Null distribution: given the pooled counts t of each different row, its count
// in the window is hypergeometric, and the repeats Σ(x−1)⁺ are increasing
// convex functions of negatively associated counts; Chernoff's bound with
// independent binomials holds at every size (Hoeffding 1963; Joag-Dev and
// Proschan 1983). Cost: O((N+M)·P).
var duplicatesDetector = Detector{
	Manual: detectors.Manual{
		Name: "duplicate_rows", Title: "duplicate rows", Unit: "share of rows", Range: "0 to 1", Threshold: 0.05,
		Doc:    "Share of rows that repeat another row of the window in every column, beyond what the reference has.",
		Use:    "Behind queues that deliver twice and jobs that append again. Give it all the columns: few columns repeat by nature.",
		Blind:  "Repeats that differ in a column, such as a new timestamp or id: leave that column out.",
		Null:   "Chernoff's bound given the pooled counts: conservative at every size.",
		Cost:   "O((N+M)·P) for P columns",
		Source: "rarefaction: Hurlbert, Ecology 1971; bound: Hoeffding 1963, Joag-Dev and Proschan 1983",
	},
	Compare: duplicateRows,
}

func duplicateRows(ref, cur *mat.Dense, _ Options) detectors.Result {
	if ref == nil || cur == nil || ref.IsEmpty() || cur.IsEmpty() {
		return detectors.Result{NoData: true}
	}
	a, b := rowCounts(ref), rowCounts(cur)
	rn, _ := ref.Dims()
	rm, _ := cur.Dims()
	n, m := float64(rn), float64(rm)
	size := min(n, m)
	before, after := (size-different(a, n, size))/size, (size-different(b, m, size))/size
	r := detectors.Result{
		Score: max(0, after-before), PValue: 1,
		Detail: fmt.Sprintf("%.3g%% of %.0f rows repeat another, %.3g%% of the reference", 100*after, size, 100*before),
	}
	if r.Score < 1e-9 { // the same, but for rounding
		r.Score = 0
	} else {
		groups := map[float64]float64{}
		var repeats float64
		for row, c := range b {
			repeats += c - 1
			groups[a[row]+c]++
		}
		for row, c := range a {
			if b[row] == 0 {
				groups[c]++
			}
		}
		r.PValue = repeatsBound(groups, m/(n+m), repeats)
	}
	return r
}

// rowCounts counts the different rows.
func rowCounts(m *mat.Dense) map[string]float64 {
	out := map[string]float64{}
	var key []byte
	for _, row := range sortedRows(m) {
		key = key[:0]
		for _, v := range row {
			if math.IsNaN(v) {
				v = math.NaN() // one of the many
			}
			key = binary.LittleEndian.AppendUint64(key, math.Float64bits(v))
		}
		out[string(key)]++
	}
	return out
}

// different rows that are expected among size of n rows. Equal counts are taken
// together in ascending order, so that the sum has one value.
func different(counts map[string]float64, n, size float64) (sum float64) {
	groups := map[float64]float64{}
	for _, c := range counts {
		groups[c]++
	}
	for _, c := range slices.Sorted(maps.Keys(groups)) {
		absent := 0.0
		if c <= n-size {
			absent = math.Exp(logGamma(n-c+1) - logGamma(n-c-size+1) - logGamma(n+1) + logGamma(n-size+1))
		}
		sum += groups[c] * (1 - absent)
	}
	return min(sum, size) // rounded logarithms
}

// repeatsBound bounds P(Σ(x−1)⁺ ≥ repeats), x binomial of t trials for each
// different row; groups count the rows by t.
func repeatsBound(groups map[float64]float64, share, repeats float64) float64 {
	totals := slices.Sorted(maps.Keys(groups))
	return tail.Chernoff(func(l float64) float64 {
		sum := -l * repeats
		for _, t := range totals {
			if t < 2 {
				continue
			}
			none := t*math.Log1p(-share) + math.Log1p(-math.Exp(-l))
			some := t*(l+math.Log(share+(1-share)*math.Exp(-l))) - l
			high, low := max(none, some), min(none, some)
			sum += groups[t] * (high + math.Log1p(math.Exp(low-high)))
		}
		return sum
	})
}

func logGamma(x float64) float64 {
	v, _ := math.Lgamma(x)
	return v
}
