package multivariate

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/driftline/driftline/detectors"
)

const seed = 7

// table draws correlated rows: column 0 is normal, 1 follows it, 2 is skewed,
// 3 follows 2, 4 is discrete; one value in fifty is missing.
func table(rng *rand.Rand, n int, change func(row []float64)) *mat.Dense {
	out := mat.NewDense(n, 5, nil)
	for i := range n {
		row := out.RawRowView(i)
		row[0] = rng.NormFloat64()
		row[1] = 0.8*row[0] + 0.6*rng.NormFloat64()
		row[2] = math.Exp(0.7 * rng.NormFloat64())
		row[3] = row[2] + 0.5*rng.NormFloat64()
		row[4] = math.Floor(4 * rng.Float64())
		if change != nil {
			change(row)
		}
		for j := range row {
			if rng.Float64() < 0.02 {
				row[j] = math.NaN()
			}
		}
	}
	return out
}

func draw(stream uint64) *rand.Rand { return rand.New(rand.NewPCG(stream, 11)) }

// faults grow with size from 0 to 1: each detector's own.
var faults = map[string]func(row []float64, size float64, rng *rand.Rand){
	"pca_reconstruction": func(row []float64, size float64, rng *rand.Rand) { // the relation of 0 and 1 loosens
		if rng.Float64() < size {
			row[1] = rng.NormFloat64()
		}
	},
	"mahalanobis": func(row []float64, size float64, _ *rand.Rand) { row[0] += size },
	"correlation_change": func(row []float64, size float64, rng *rand.Rand) {
		if rng.Float64() < size {
			row[1] = rng.NormFloat64()
		}
	},
	"domain_classifier": func(row []float64, size float64, _ *rand.Rand) { row[0] *= 1 + 2*size },
	"embedding_shift":   func(row []float64, size float64, _ *rand.Rand) { row[2] += 2 * size },
	"duplicate_rows": func(row []float64, size float64, rng *rand.Rand) {
		if rng.Float64() < size {
			copy(row, []float64{1, 2, 3, 4, 5})
		}
	},
}

func each(t *testing.T, law func(t *testing.T, d Detector)) {
	for _, d := range All() {
		t.Run(d.Name, func(t *testing.T) { law(t, d) })
	}
}

func TestRegisterIsComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, n := range detectors.Names() {
		seen[n] = true
	}
	for _, d := range All() {
		if seen[d.Name] || d.Title == "" || d.Unit == "" || d.Range == "" || !(d.Threshold > 0) || d.Doc == "" || d.Use == "" ||
			d.Blind == "" || d.Null == "" || d.Cost == "" || d.Source == "" || d.Compare == nil || faults[d.Name] == nil {
			t.Errorf("%s: the entry is incomplete, or the name is taken: %+v", d.Name, d)
		}
		seen[d.Name] = true
	}
}

func TestLawSameRowsAreNoAlarm(t *testing.T) {
	each(t, func(t *testing.T, d Detector) {
		rows := table(draw(1), 1000, nil)
		if r := d.Compare(rows, rows, Options{Seed: seed}); r.NoData || r.Score >= 0.9*d.Threshold || r.PValue < 0.2 {
			t.Errorf("a window equal to its reference: %+v", r)
		}
	})
}

func TestLawLargerFaultsScoreMore(t *testing.T) {
	each(t, func(t *testing.T, d Detector) {
		ref := table(draw(1), 3000, nil)
		var last detectors.Result
		for _, size := range []float64{0.25, 0.5, 0.75, 1} {
			rng := draw(5)
			cur := table(draw(2), 1000, func(row []float64) { faults[d.Name](row, size, rng) })
			r := d.Compare(ref, cur, Options{Seed: seed})
			if r.NoData || r.Score <= last.Score || r.PValue < 0 || r.PValue > 1 {
				t.Errorf("size %v: %+v, a smaller one gave %+v", size, r, last)
			}
			last = r
		}
		if last.Score < d.Threshold || last.PValue > 1e-6 {
			t.Errorf("the whole fault gives %+v, threshold %v", last, d.Threshold)
		}
		t.Logf("%.3f, p=%.2g: %s", last.Score, last.PValue, last.Detail)
	})
}

func shuffled(m *mat.Dense, rng *rand.Rand) *mat.Dense {
	n, _ := m.Dims()
	return take(m, rng.Perm(n))
}

func TestLawOrderOfRowsDoesNotMatterAndInputsStay(t *testing.T) {
	each(t, func(t *testing.T, d Detector) {
		ref, cur := table(draw(1), 400, nil), table(draw(2), 300, func(row []float64) { row[0]++ })
		before := mat.DenseCopyOf(cur)
		want := d.Compare(ref, cur, Options{Seed: seed})
		if want.NoData {
			t.Fatal(want.Detail)
		}
		if got := d.Compare(ref, cur, Options{Seed: seed}); got != want {
			t.Errorf("two runs differ: %+v, %+v", got, want)
		}
		if got := d.Compare(shuffled(ref, draw(3)), shuffled(cur, draw(4)), Options{Seed: seed}); got != want {
			t.Errorf("shuffled: %+v, want %+v", got, want)
		}
		for i, v := range cur.RawMatrix().Data {
			if math.Float64bits(v) != math.Float64bits(before.RawMatrix().Data[i]) {
				t.Fatal("the detector changed its input")
			}
		}
	})
}

func TestLawNothingToCompareIsNoData(t *testing.T) {
	rows := table(draw(1), 100, nil)
	empty := mat.NewDense(100, 5, nil) // constant
	missing := mat.NewDense(100, 5, nil)
	missing.Apply(func(int, int, float64) float64 { return math.NaN() }, missing)
	each(t, func(t *testing.T, d Detector) {
		for name, pair := range map[string][2]*mat.Dense{
			"no window": {rows, nil}, "empty window": {rows, {}}, "no reference": {nil, rows}, "empty reference": {{}, rows},
		} {
			if r := d.Compare(pair[0], pair[1], Options{Seed: seed}); !r.NoData {
				t.Errorf("%s: %+v", name, r)
			}
		}
		if d.Name == "duplicate_rows" {
			return // constant and missing rows repeat as well as others
		}
		for name, ref := range map[string]*mat.Dense{"constant reference": empty, "missing reference": missing} {
			if r := d.Compare(ref, rows, Options{Seed: seed}); !r.NoData {
				t.Errorf("%s: %+v", name, r)
			}
		}
	})
}

// Whatever the rows hold, a result is finite.
func TestLawFinite(t *testing.T) {
	broken := func(change func(row []float64)) *mat.Dense { return table(draw(9), 60, change) }
	inputs := []*mat.Dense{
		broken(nil), broken(func(r []float64) { r[1] = r[0] }), broken(func(r []float64) { r[2] = math.Inf(1) }),
		broken(func(r []float64) { r[0] *= 1e200 }), broken(func(r []float64) { r[0], r[1] = 0, 0 }),
		broken(func(r []float64) { copy(r, []float64{1, 1, 1, 1, 1}) }), broken(func(r []float64) { r[3] *= 1e-300 }),
	}
	each(t, func(t *testing.T, d Detector) {
		for i, ref := range inputs {
			for j, cur := range inputs {
				r := d.Compare(ref, cur, Options{Seed: seed})
				if math.IsNaN(r.Score) || math.IsInf(r.Score, 0) || r.Score < 0 || !(r.PValue >= 0 && r.PValue <= 1) {
					t.Errorf("reference %d, window %d: %+v", i, j, r)
				}
			}
		}
	})
}
