package detectors

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

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

// Two shifted normal samples of 100 as in frouros' tests: with empty bins
// floored at the smallest float they score 461. Smoothed, the score stays on
// the scale of its thresholds.
func TestPSIStaysModestWhereFloorsExplode(t *testing.T) {
	floored := point[float64](t, readOracles(t), "frouros_PSI10")
	rng := rand.New(rand.NewPCG(31, 0))
	a, b := make([]float64, 100), make([]float64, 100)
	for i := range a {
		a[i], b[i] = rng.NormFloat64(), 4+rng.NormFloat64()
	}
	r := psi(numbers(a...), numbers(b...), DefaultParams())
	if !(r.Score > 1 && r.Score < 10) {
		t.Errorf("PSI = %v, want within 1 and 10 (floored: %v)", r.Score, floored)
	}
}

// The distance itself, before it is scaled, on samples whose distance is known:
// for equal sizes it is the mean gap between the sorted values. (Of the oracle's
// frouros_EMD, 3.85346, only the value is known, not the samples.)
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
	a, err := LoadReference(&m)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("loaded %d rows of %d features in %v: %s", a.Rows, len(a.Features), time.Since(start), a.ID())
	b, err := LoadReference(&m)
	if err != nil {
		t.Fatal(err)
	}
	if a.Version != b.Version || len(a.Version) != 12 || len(a.Features) != 10 || a.Rows != 5832 {
		t.Errorf("reference %s, %d features, %d rows; again %s", a.ID(), len(a.Features), a.Rows, b.ID())
	}
}
