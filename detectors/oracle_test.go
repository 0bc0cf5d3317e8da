package detectors

import (
	"encoding/json"
	"fmt"
	"math"
	"math/bits"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/mathext/prng"

	"github.com/driftline/driftline/detectors/internal/tail"
	"github.com/driftline/driftline/internal/tabular"
	"github.com/driftline/driftline/internal/testkit"
	"github.com/driftline/driftline/schemas"
)

// oracles are expected values from other projects.
type oracles struct {
	Points map[string]json.RawMessage `json:"point_tests"`
	Cal    struct {
		KS map[string]float64 `json:"KS_mean_all_20_chunks_published_and_reproduced"`
	} `json:"california_housing"`
}

func readOracles(t *testing.T) oracles {
	t.Helper()
	data, err := os.ReadFile(testkit.Oracle(t, "drift.json"))
	if err != nil {
		t.Fatal(err)
	}
	var o oracles
	if err := json.Unmarshal(data, &o); err != nil {
		t.Fatal(err)
	}
	return o
}

func point[T any](t *testing.T, o oracles, name string) (v T) {
	t.Helper()
	if err := json.Unmarshal(o.Points[name], &v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s = %.10g, want %.10g ± %g", what, got, want, tolerance)
	}
}

func numbers(values ...float64) *schemas.Summary {
	s := SummarizeNumbers("x", values)
	return &s
}

func TestKSExactOracle(t *testing.T) {
	o := readOracles(t)
	want := point[[2]float64](t, o, "ks(a,b)")
	r := kolmogorovSmirnov(numbers(point[[]float64](t, o, "a")...), numbers(point[[]float64](t, o, "b")...), DefaultParams())
	near(t, "D", r.Score, want[0], 1e-12)
	near(t, "exact p", r.PValue, want[1], 1e-9)
}

// The oracle's p is that of a goodness-of-fit test with the reference's counts
// as the expected ones: Σ(cur−ref)²/ref = 3.1746 with 5 degrees of freedom.
// Ours is the test of homogeneity, of which that is the limit for a reference
// so large that its shares are known.
func TestChiSquareOracle(t *testing.T) {
	want := point[float64](t, readOracles(t), "chisq_p")
	ref := []uint64{16, 18, 16, 14, 12, 12}
	cur := []uint64{16, 16, 16, 16, 16, 8}
	a := &schemas.Summary{Kind: schemas.Categorical}
	b := &schemas.Summary{Kind: schemas.Categorical}
	for i := range ref {
		name := string(rune('1' + i))
		a.Categories = append(a.Categories, schemas.Category{Value: name, Count: ref[i] * 1e9})
		b.Categories = append(b.Categories, schemas.Category{Value: name, Count: cur[i]})
	}
	near(t, "p with an endless reference", chiSquare(a, b, DefaultParams()).PValue, want, 1e-7)
	for i := range ref {
		a.Categories[i].Count = ref[i]
	}
	r := chiSquare(a, b, DefaultParams())
	if r.PValue < want {
		t.Errorf("homogeneity p = %v, must be above that of goodness of fit %v: it knows that the reference is a sample", r.PValue, want)
	}
}

// frouros' samples: 100 normal variables of NumPy's first generator with seed
// 31, by the polar method, once as N(1,1) and once as N(5,2).
func frouros() (ref, cur []float64) {
	src := prng.NewMT19937()
	src.Seed(31)
	uniform := func() float64 {
		a, b := src.Uint32()>>5, src.Uint32()>>6
		return (float64(a)*(1<<26) + float64(b)) / (1 << 53)
	}
	for len(ref) < 100 {
		x, y := 2*uniform()-1, 2*uniform()-1
		r := x*x + y*y
		if r >= 1 || r == 0 {
			continue
		}
		f := math.Sqrt(-2 * math.Log(r) / r)
		for _, z := range []float64{f * y, f * x} {
			ref, cur = append(ref, 1+z), append(cur, 5+2*z)
		}
	}
	return ref, cur
}

// The oracle's PSI has bins of equal width over both samples, with empty ones
// floored at the smallest float: the floor is the result. The same figure comes
// out here when that is done, and with smoothing the score stays on the scale
// of its thresholds.
func TestPSIStaysModestWhereFloorsExplode(t *testing.T) {
	want := point[float64](t, readOracles(t), "frouros_PSI10")
	a, b := frouros()
	low, high := min(slices.Min(a), slices.Min(b)), max(slices.Max(a), slices.Max(b))
	count := func(values []float64) []float64 {
		out := make([]float64, 10)
		for _, v := range values {
			out[min(9, int((v-low)/(high-low)*10))] += 1 / float64(len(values))
		}
		for i, c := range out {
			out[i] = max(c, 0x1p-1022) // the least normal float
		}
		return out
	}
	var floored float64
	p, q := count(a), count(b)
	for i := range p {
		floored += (q[i] - p[i]) * math.Log(q[i]/p[i])
	}
	near(t, "floored PSI", floored, want, 1e-6)
	r := psi(numbers(a...), numbers(b...), DefaultParams())
	if !(r.Score > 1 && r.Score < 10) {
		t.Errorf("PSI = %v, want within 1 and 10 (floored: %v)", r.Score, floored)
	}
	t.Logf("PSI %.4f, floored %.4f, oracle %.4f", r.Score, floored, want)
}

// Single precision, in which values are compared, is the tolerance.
func TestFrourosDistances(t *testing.T) {
	o := readOracles(t)
	a, b := frouros()
	near(t, "Wasserstein", area(numbers(a...).Points, numbers(b...).Points), point[float64](t, o, "frouros_EMD"), 1e-6)
	sum, _ := squareArea(numbers(a...).Points, numbers(b...).Points)
	near(t, "energy", math.Sqrt(2*sum), point[float64](t, o, "frouros_energy"), 1e-6)
	r := energy(numbers(a...), numbers(b...), DefaultParams())
	near(t, "energy in roots of deviations", r.Score, math.Sqrt(2*sum/spread(numbers(a...))), 1e-12)
}

func TestEnergyOracle(t *testing.T) {
	o := readOracles(t)
	a := point[[]float64](t, o, "a")
	shifted := make([]float64, len(a))
	for i := range a {
		shifted[i] = a[i] + 5
	}
	sum, _ := squareArea(numbers(a...).Points, numbers(shifted...).Points)
	near(t, "energy distance of a shift by 5", math.Sqrt(2*sum), point[float64](t, o, "energy(a,a+5)"), 1e-6)
}

// categories of the oracle, 1 to 6.
func sixCategories(ref, cur []uint64) (a, b *schemas.Summary) {
	a, b = &schemas.Summary{Kind: schemas.Categorical}, &schemas.Summary{Kind: schemas.Categorical}
	for i := range ref {
		name := string(rune('1' + i))
		a.Categories = append(a.Categories, schemas.Category{Value: name, Count: ref[i]})
		b.Categories = append(b.Categories, schemas.Category{Value: name, Count: cur[i]})
		a.Rows, b.Rows = a.Rows+ref[i], b.Rows+cur[i]
	}
	return a, b
}

func TestHellingerOracle(t *testing.T) {
	a, b := sixCategories([]uint64{16, 18, 16, 14, 12, 12}, []uint64{16, 16, 16, 16, 16, 8})
	near(t, "Hellinger", hellinger(a, b, DefaultParams()).Score, point[float64](t, readOracles(t), "hellinger_cat"), 1e-7)
}

// For equal sizes the bias-corrected V is that of the plain 2×K table.
func TestCramersVIsTheUsualOneForEqualSizes(t *testing.T) {
	ref, cur := []uint64{16, 18, 16, 14, 12, 12}, []uint64{6, 26, 10, 20, 18, 8}
	a, b := sixCategories(ref, cur)
	var x2 float64
	for i := range ref {
		d, s := float64(ref[i])-float64(cur[i]), float64(ref[i]+cur[i])
		x2 += d * d / s // both samples have 88 rows, so each expects s/2
	}
	phi2 := max(0, x2/176-5.0/175)
	near(t, "V", cramersV(a, b, DefaultParams()).Score, math.Sqrt(phi2/(1-1.0/175)), 1e-12)
}

func TestTTestOracle(t *testing.T) {
	o := readOracles(t)
	a, b := sampled(numbers(point[[]float64](t, o, "a")...)), sampled(numbers(point[[]float64](t, o, "b")...))
	near(t, "p", tail.Student(a, b), point[float64](t, o, "ttest_p(a,b)"), 1e-7)
	t.Logf("Student %.7f, Welch %.7f, ours the larger %.7f", tail.Student(a, b), tail.Welch(a, b), tail.SameMean(a, b))
}

// The oracle's p comes from Scholz and Stephens' standardised statistic and a
// parabola through the logarithms of seven tabled levels. Done here with our
// statistic, that gives the oracle's figure. Our own p has no table; for two samples of eight, where
// neither is at home, it is near the exact one.
func TestAndersonDarlingOracle(t *testing.T) {
	o := readOracles(t)
	a, b := numbers(point[[]float64](t, o, "a")...), numbers(point[[]float64](t, o, "b")...)
	want := point[float64](t, o, "anderson_p(a,b)")
	r := andersonDarling(a, b, DefaultParams())
	near(t, "p by the table", scholzStephens(r.Score*r.Score*4*15/16, 8, 8), want, 1e-6)
	// What both estimate: the share of the 12,870 ways to deal out the sixteen
	// values that are at least as far apart.
	all := slices.Concat(point[[]float64](t, o, "a"), point[[]float64](t, o, "b"))
	ways, farther := 0, 0.0
	for mask := range 1 << 16 {
		if bits.OnesCount16(uint16(mask)) != 8 {
			continue
		}
		var x, y []float64
		for i, v := range all {
			if mask>>i&1 == 1 {
				x = append(x, v)
			} else {
				y = append(y, v)
			}
		}
		ways++
		if andersonDarling(numbers(x...), numbers(y...), DefaultParams()).Score >= r.Score-1e-12 {
			farther++
		}
	}
	exact := farther / float64(ways)
	near(t, "our p against the exact one", r.PValue, exact, 0.01)
	t.Logf("ours %.6f, oracle %.6f, exact %.6f of %d", r.PValue, want, exact, ways)
}

// scholzStephens is the p-value of A²ₐ for two samples (JASA 1987, equation 4
// and table 2).
func scholzStephens(a2 float64, n, m int) float64 {
	total := n + m
	bigH := 1/float64(n) + 1/float64(m)
	var h, g float64
	for i := 1; i < total; i++ {
		h += 1 / float64(i)
	}
	for i := 1; i < total-1; i++ {
		for j := i + 1; j < total; j++ {
			g += 1 / (float64(total-i) * float64(j))
		}
	}
	k, N := 2.0, float64(total)
	ca := (4*g-6)*(k-1) + (10-6*g)*bigH
	cb := (2*g-4)*k*k + 8*h*k + (2*g-14*h-4)*bigH - 8*h + 4*g - 6
	cc := (6*h+2*g-2)*k*k + (4*h-4*g+6)*k + (2*h-6)*bigH + 4*h
	cd := (2*h+6)*k*k - 4*h*k
	variance := (ca*N*N*N + cb*N*N + cc*N + cd) / ((N - 1) * (N - 2) * (N - 3))
	t := (a2 - (k - 1)) / math.Sqrt(variance)
	b0 := []float64{0.675, 1.281, 1.645, 1.96, 2.326, 2.573, 3.085}
	b1 := []float64{-0.245, 0.25, 0.678, 1.149, 1.822, 2.364, 3.615}
	b2 := []float64{-0.105, -0.305, -0.362, -0.391, -0.396, -0.345, -0.154}
	design, logs := mat.NewDense(7, 3, nil), mat.NewVecDense(7, nil)
	for i, level := range []float64{0.25, 0.1, 0.05, 0.025, 0.01, 0.005, 0.001} {
		critical := b0[i] + b1[i] + b2[i]
		design.SetRow(i, []float64{1, critical, critical * critical})
		logs.SetVec(i, math.Log(level))
	}
	var fit mat.VecDense
	if err := fit.SolveVec(design, logs); err != nil {
		panic(err)
	}
	return math.Exp(fit.AtVec(0) + fit.AtVec(1)*t + fit.AtVec(2)*t*t)
}

// Known points of the limiting laws, which the three cumulants must hit: tables
// of Anderson and Darling 1952 and 1954.
func TestQuadraticTails(t *testing.T) {
	var cvm, ad quadratic
	const n = 20000
	for i := range n {
		u := (float64(i) + 0.5) / n
		cvm.add(u, u*(1-u), 1./n)
		ad.add(u, u*(1-u), 1/(n*u*(1-u)))
	}
	for _, c := range []struct {
		name    string
		q       *quadratic
		x, want float64
	}{
		{"Cramér–von Mises", &cvm, 0.34730, 0.10},
		{"Cramér–von Mises", &cvm, 0.46136, 0.05},
		{"Cramér–von Mises", &cvm, 0.74346, 0.01},
		{"Cramér–von Mises", &cvm, 1.16786, 0.001},
		{"Anderson–Darling", &ad, 1.933, 0.10},
		{"Anderson–Darling", &ad, 2.492, 0.05},
		{"Anderson–Darling", &ad, 3.857, 0.01},
	} {
		near(t, fmt.Sprintf("%s at %v", c.name, c.x), c.q.tail(c.x), c.want, 0.1*c.want)
		t.Logf("%s at %v: %.5f, table %v", c.name, c.x, c.q.tail(c.x), c.want)
	}
	near(t, "mean of ω²", cvm.s1, 1.0/6, 1e-6)
	near(t, "half the variance of ω²", cvm.s2, 1.0/90, 1e-6)
	near(t, "an eighth of the third cumulant of ω²", cvm.s3, 1.0/945, 1e-6)
	var binary quadratic
	binary.add(0.3, 0.21, 2)
	near(t, "one place is χ² with one degree of freedom", binary.tail(0.42*3.841459), 0.05, 1e-6)
}

// The distance itself, before it is scaled, on samples whose distance is known:
// for equal sizes it is the mean gap between the sorted values.
func TestWassersteinIsMeanGapOfSortedValues(t *testing.T) {
	o := readOracles(t)
	a, b := point[[]float64](t, o, "a"), point[[]float64](t, o, "b") // ascending
	var want float64
	for i := range a {
		want += math.Abs(narrow(a[i])-narrow(b[i])) / float64(len(a))
	}
	near(t, "W1", area(numbers(a...).Points, numbers(b...).Points), want, 1e-12)
	shifted := make([]float64, len(a))
	for i := range a {
		shifted[i] = a[i] + 5
	}
	r := wasserstein(numbers(a...), numbers(shifted...), DefaultParams())
	near(t, "W1 of a shift by 5, in deviations", r.Score, 5/spread(numbers(a...)), 1e-6)
}

// californiaMonths are the 8 reference and 12 analysis months.
func californiaMonths(t testing.TB) (reference *tabular.Table, months []*tabular.Table) {
	t.Helper()
	month := Months(1)
	for i, name := range []string{"reference", "analysis"} {
		tab, err := tabular.Open(testkit.TestData(t, "california_housing", "california_housing_"+name+".csv.gz"), tabular.Options{Timestamp: "timestamp"})
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			reference = tab
		}
		times := tab.Column("timestamp").Times
		for from := 0; from < tab.Rows; {
			to, span := from, month.Span(times[from])
			for to < tab.Rows && span.Contains(times[to]) {
				to++
			}
			months = append(months, tab.Slice(from, to))
			from = to
		}
	}
	return reference, months
}

func TestCaliforniaKS(t *testing.T) {
	want := readOracles(t).Cal.KS
	reference, months := californiaMonths(t)
	if len(months) != 20 {
		t.Fatalf("%d months, want 20", len(months))
	}
	for feature := range strings.FieldsSeq("MedInc HouseAge AveRooms AveBedrms Population AveOccup Latitude Longitude") {
		ref := SummarizeNumbers(feature, reference.Column(feature).Numbers)
		reduced := Reduce(ref)
		var sum, worst float64
		for _, m := range months {
			cur := SummarizeNumbers(feature, m.Column(feature).Numbers)
			d := kolmogorovSmirnov(&ref, &cur, DefaultParams()).Score
			sum += d
			worst = max(worst, math.Abs(d-kolmogorovSmirnov(&reduced, &cur, DefaultParams()).Score))
		}
		near(t, "mean KS of "+feature, sum/20, want[feature], 1e-6)
		if worst > 1.0/4096+1e-9 {
			t.Errorf("%s: reducing the reference moved KS by %v, more than 1/4096", feature, worst)
		}
		t.Logf("%-10s mean KS %.6f, oracle %.6f, reduced reference off by at most %.6f (%d distinct)", feature, sum/20, want[feature], worst, len(ref.Points))
	}
}

func TestCaliforniaReferenceVersion(t *testing.T) {
	m := Model{Name: "m", Reference: ReferenceFile{
		File:      testkit.TestData(t, "california_housing", "california_housing_reference.csv.gz"),
		Timestamp: "timestamp", ID: "id", Prediction: "y_pred", Score: "y_pred_proba", Exclude: []string{"clf_target"},
	}}
	start := time.Now()
	a, err := LoadReference(mustPlan(t, DefaultConfig(), m), &m, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("loaded %d rows of %d features in %v: %s", a.Rows, len(a.Features), time.Since(start), a.ID())
	b, err := LoadReference(mustPlan(t, DefaultConfig(), m), &m, nil)
	if err != nil {
		t.Fatal(err)
	}
	if a.Version != b.Version || len(a.Version) != 12 || len(a.Features) != 10 || a.Rows != 5832 {
		t.Errorf("reference %s, %d features, %d rows; again %s", a.ID(), len(a.Features), a.Rows, b.ID())
	}
}
