package multivariate

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"os"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/driftline/driftline/detectors/internal/tail"
	"github.com/driftline/driftline/internal/tabular"
	"github.com/driftline/driftline/internal/testkit"
)

// Each feature of the window is distributed as in the reference, and only their
// relation is gone: what no univariate detector can see.
func TestRelationsAreSeenWhenFeaturesStay(t *testing.T) {
	ref := table(draw(1), 5000, nil)
	rng := draw(2)
	cur := table(draw(3), 2000, func(row []float64) { row[1] = rng.NormFloat64() })
	for _, d := range []Detector{pcaDetector, correlationDetector} {
		if r := d.Compare(ref, cur, Options{Seed: seed}); r.Score < d.Threshold || r.PValue > 1e-6 {
			t.Errorf("%s: %+v", d.Name, r)
		}
	}
	for _, d := range []Detector{mahalanobisDetector, embeddingDetector} {
		if r := d.Compare(ref, cur, Options{Seed: seed}); r.Score >= d.Threshold {
			t.Errorf("%s sees what it should be blind to: %+v", d.Name, r)
		}
	}
}

// A plane with noise of 0.1 in three dimensions: two components explain all but
// the noise, and the error is its length.
func TestPCAFindsAPlane(t *testing.T) {
	rng := draw(4)
	rows := mat.NewDense(4000, 3, nil)
	for i := range 4000 {
		a, b := rng.NormFloat64(), rng.NormFloat64()
		rows.SetRow(i, []float64{a, b, (a+b)/math.Sqrt2 + 0.1*rng.NormFloat64()})
	}
	p, err := FitPCA(rows, 0.95)
	if err != nil || p.Components != 2 || p.Explained < 0.99 {
		t.Fatalf("%+v, %v", p, err)
	}
	var sum float64
	for _, e := range p.Errors(rows) {
		sum += e * e / 4000
	}
	// The smallest eigenvalue of the correlation matrix with r = (r,r,0).
	r := 1 / math.Sqrt2 / math.Sqrt(1.01)
	if want := 1 - r*math.Sqrt2; math.Abs(sum-want) > 0.1*want {
		t.Errorf("mean square error %.5f, want %.5f", sum, want)
	}
	if _, err := FitPCA(mat.NewDense(5, 1, nil), 0.65); err == nil {
		t.Error("one column has components")
	}
}

// With columns that are independent and hardly shrunk, the distance is that of
// standardised means.
func TestMahalanobisOfIndependentColumns(t *testing.T) {
	f := populations["independent normals"]
	ref, cur := f(draw(5), 20000), f(draw(6), 20000)
	cur.Apply(func(_, _ int, v float64) float64 { return v + 0.5 }, cur)
	r := mahalanobis(ref, cur, Options{Seed: seed})
	if want := 0.5 * math.Sqrt(8); math.Abs(r.Score-want) > 0.05 {
		t.Errorf("distance %v, want %v", r.Score, want)
	}
}

// Hotelling's test without shrinkage is χ² in the limit, which three cumulants
// give exactly.
func TestQuadraticIsExactForEqualWeights(t *testing.T) {
	if p := tail.Quadratic(5, 5, 5, 11.0705); math.Abs(p-0.05) > 1e-5 {
		t.Errorf("P(χ²₅ ≥ 11.0705) = %v", p)
	}
}

func TestMannWhitney(t *testing.T) {
	for _, c := range []struct {
		a, b []float64
		want float64
	}{
		{[]float64{1, 2}, []float64{3, 4}, 1},
		{[]float64{3, 4}, []float64{1, 2}, 0},
		{[]float64{1, 1}, []float64{1, 1, 1}, 0.5},
		{[]float64{1, 2, 3}, []float64{2, 4}, (1.5 + 3) / 6},
	} {
		if got, v := mannWhitney(c.a, c.b); math.Abs(got-c.want) > 1e-15 || !(v > 0) {
			t.Errorf("%v, %v: AUC %v, want %v", c.a, c.b, got, c.want)
		}
	}
}

// Stored projections rest on it that a seed gives the same signs in every
// version, so a digest of them is fixed here.
func TestProjectionIsFixedAndKeepsDistances(t *testing.T) {
	p := NewProjection(42, 300, 64)
	h := fnv.New64a()
	for _, v := range p.signs.RawMatrix().Data {
		fmt.Fprint(h, math.Signbit(v))
	}
	if got := h.Sum64(); got != 0x4da951d10b8ba620 {
		t.Errorf("signs of seed 42 have digest %#x", got)
	}
	rng := draw(7)
	rows := mat.NewDense(60, 300, nil)
	rows.Apply(func(int, int, float64) float64 { return rng.NormFloat64() }, rows)
	short := p.Apply(rows)
	var worst, mean float64
	for i := range 59 {
		var a, b mat.VecDense
		a.SubVec(rows.RowView(i), rows.RowView(i+1))
		b.SubVec(short.RowView(i), short.RowView(i+1))
		ratio := mat.Norm(&b, 2) / mat.Norm(&a, 2)
		mean += ratio / 59
		worst = max(worst, math.Abs(ratio-1))
	}
	if math.Abs(mean-1) > 0.05 || worst > 0.4 { // deviation of a ratio: 1/√128
		t.Errorf("distances change by a factor of %.3f on average, by %.3f at most", mean, worst)
	}
}

func TestWideEmbeddingIsProjected(t *testing.T) {
	rng := draw(8)
	wide := func(n int, shift float64) *mat.Dense {
		out := mat.NewDense(n, 384, nil)
		out.Apply(func(_, j int, _ float64) float64 { return rng.NormFloat64() + shift*float64(j%2) }, out)
		return out
	}
	ref := wide(1500, 0)
	if r := embeddingShift(ref, wide(400, 0), Options{Seed: seed}); r.PValue < 0.01 || r.Score >= embeddingDetector.Threshold {
		t.Errorf("unchanged: %+v", r)
	}
	if r := embeddingShift(ref, wide(400, 0.3), Options{Seed: seed}); r.PValue > 1e-9 || r.Score < embeddingDetector.Threshold {
		t.Errorf("shifted: %+v", r)
	}
}

// On real data: the months in which the housing classifier's inputs moved to
// another region (Latitude and Longitude) stand out from the reference's own.
func TestCaliforniaHousing(t *testing.T) {
	columns := []string{"MedInc", "HouseAge", "AveRooms", "AveBedrms", "Population", "AveOccup", "Latitude", "Longitude"}
	load := func(name string) *mat.Dense {
		tab, err := tabular.Open(testkit.TestData(t, "california_housing", "california_housing_"+name+".csv.gz"), tabular.Options{Timestamp: "timestamp"})
		if err != nil {
			t.Fatal(err)
		}
		out := mat.NewDense(tab.Rows, len(columns), nil)
		for j, c := range columns {
			out.SetCol(j, tab.Column(c).Numbers)
		}
		return out
	}
	ref, cur := load("reference"), load("analysis")
	same := shuffled(ref, draw(9))
	n, _ := ref.Dims()
	width := len(columns)
	for _, d := range All() {
		within := d.Compare(same.Slice(0, n/2, 0, width).(*mat.Dense), same.Slice(n/2, n, 0, width).(*mat.Dense), Options{Seed: seed})
		across := d.Compare(ref, cur, Options{Seed: seed})
		t.Logf("%-20s halves of the reference %.3f (p=%.2g), analysis %.3f (p=%.2g)", d.Name, within.Score, within.PValue, across.Score, across.PValue)
		if within.Score >= d.Threshold && within.PValue < 0.01 {
			t.Errorf("%s alarms between two halves of the reference: %+v", d.Name, within)
		}
		if d.Name != "duplicate_rows" && across.Score <= within.Score {
			t.Errorf("%s: analysis %+v, halves of the reference %+v", d.Name, across, within)
		}
	}
}

// The oracle's one-sided p for two samples with many ties, by the normal limit
// with a correction for continuity, as SciPy has it.
func TestMannWhitneyOracle(t *testing.T) {
	data, err := os.ReadFile(testkit.Oracle(t, "drift.json"))
	if err != nil {
		t.Fatal(err)
	}
	var o struct {
		Points struct {
			P float64 `json:"mannwhitney_less_p"`
		} `json:"point_tests"`
	}
	if err := json.Unmarshal(data, &o); err != nil {
		t.Fatal(err)
	}
	rows := func(counts ...int) (out []float64) {
		for v, n := range counts {
			out = append(out, slices.Repeat([]float64{float64(v + 1)}, n)...)
		}
		return out
	}
	a, b := rows(16, 18, 16, 14, 12, 12), rows(16, 16, 16, 16, 16, 8)
	auc, variance := mannWhitney(a, b)
	z := (auc - 0.5 - 0.5/float64(len(a)*len(b))) / math.Sqrt(variance)
	if p := distuv.UnitNormal.Survival(z); math.Abs(p-o.Points.P) > 1e-6 {
		t.Errorf("p = %.7f, want %.7f", p, o.Points.P)
	}
}
