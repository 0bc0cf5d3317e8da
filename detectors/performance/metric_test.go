package performance

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestAUC(t *testing.T) {
	for _, c := range []struct {
		rows string // score digit and label sign
		want float64
	}{
		{"1-2-3+4+", 1}, {"1+2-", 0}, {"1+1-", 0.5}, {"1-2+2-3+", 0.875}, {"1+2+", math.NaN()}, {"", math.NaN()},
	} {
		var scores []float64
		var positive []bool
		for i := 0; i < len(c.rows); i += 2 {
			scores, positive = append(scores, float64(c.rows[i])), append(positive, c.rows[i+1] == '+')
		}
		got := AUC(scores, positive)
		if got.Value != c.want && got.Defined() || got.Defined() == math.IsNaN(c.want) {
			t.Errorf("%s: %v, want %v", c.rows, got.Value, c.want)
		}
	}
}

// Pair by pair, with many ties.
func TestAUCIsShareOfPairsWon(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 50 {
		n := 2 + rng.IntN(40)
		scores, positive := make([]float64, n), make([]bool, n)
		for i := range n {
			scores[i], positive[i] = float64(rng.IntN(6)), rng.IntN(3) == 0
		}
		var won, pairs float64
		for i := range n {
			for j := range n {
				if positive[i] && !positive[j] {
					pairs++
					won += one(scores[i] > scores[j]) + one(scores[i] == scores[j])/2
				}
			}
		}
		if got := AUC(scores, positive); pairs > 0 {
			near(t, "AUC", got.Value, won/pairs, 1e-12)
		}
	}
}

// Standard errors are the spread of the figure over samples.
func TestStandardErrors(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 1))
	const draws = 600
	names := []string{NameAUC, NameAccuracy, NamePrecision, NameRecall, NameF1, NameLogLoss, NameBrier, NameECE}
	sum, squares, errors := map[string]float64{}, map[string]float64{}, map[string]float64{}
	var hanley, sampling float64
	for range draws {
		rows := stream{rng: rng, shift: -1, overdone: 1}.rows(400)
		for _, m := range names {
			f := MeasureBinary(m, rows)
			sum[m] += f.Value
			squares[m] += f.Value * f.Value
			errors[m] += f.SE / draws
		}
		var positives float64
		for _, y := range rows.Positive {
			positives += one(y)
		}
		hanley += HanleyMcNeil(MeasureBinary(NameAUC, rows).Value, positives, 400-positives) / draws
		sampling += NewAUCSampling(rows.Scores, rows.Positive).SE(400) / draws
	}
	for _, m := range names {
		mean := sum[m] / draws
		sd := math.Sqrt(squares[m]/draws - mean*mean)
		t.Logf("%-9s %.4f, spread %.4f, mean standard error %.4f", m, mean, sd, errors[m])
		if r := errors[m] / sd; r < 0.9 || r > 1.1 {
			t.Errorf("%s: standard error %.4f, spread %.4f", m, errors[m], sd)
		}
	}
	t.Logf("AUC: %.4f by Hanley and McNeil, %.4f by the rank shares of the rarer class", hanley, sampling)
	if r := hanley / errors[NameAUC]; r < 0.85 || r > 1.25 {
		t.Errorf("Hanley and McNeil %.4f, DeLong %.4f", hanley, errors[NameAUC])
	}
	if sampling > errors[NameAUC] {
		t.Errorf("sampling error %.4f is to be a lower bound of %.4f", sampling, errors[NameAUC])
	}
}

func TestMulticlassErrors(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 1))
	const draws = 600
	names := []string{NameAccuracy, NamePrecision, NameRecall, NameF1}
	sum, squares, errors := map[string]float64{}, map[string]float64{}, map[string]float64{}
	for range draws {
		s := NewMulticlassState(3)
		for range 500 {
			y := min(2, rng.IntN(4))
			k := y
			if rng.Float64() < 0.3 {
				k = rng.IntN(3)
			}
			s.Add(nil, k, y)
		}
		for _, m := range names {
			f := s.Figure(m)
			sum[m] += f.Value
			squares[m] += f.Value * f.Value
			errors[m] += f.SE / draws
		}
	}
	for _, m := range names {
		mean := sum[m] / draws
		sd := math.Sqrt(squares[m]/draws - mean*mean)
		t.Logf("%-9s %.4f, spread %.4f, mean standard error %.4f", m, mean, sd, errors[m])
		if r := errors[m] / sd; r < 0.9 || r > 1.1 {
			t.Errorf("%s: standard error %.4f, spread %.4f", m, errors[m], sd)
		}
	}
}

func TestConfusion(t *testing.T) {
	c := NewConfusion(2)
	c.Add(1, 1, 8) // true positives
	c.Add(0, 1, 2)
	c.Add(1, 0, 4)
	c.Add(0, 0, 86)
	near(t, "accuracy", c.Accuracy().Value, 0.94, 1e-12)
	near(t, "its error", c.Accuracy().SE, math.Sqrt(0.94*0.06/100), 1e-12)
	near(t, "precision", c.Precision(1).Value, 0.8, 1e-12)
	near(t, "its error", c.Precision(1).SE, math.Sqrt(0.8*0.2/10), 1e-12)
	near(t, "recall", c.Recall(1).Value, 8.0/12, 1e-12)
	near(t, "F1", c.F1(1).Value, 16.0/22, 1e-12)
	near(t, "macro F1", c.MacroF1().Value, (16.0/22+172.0/178)/2, 1e-12)
	near(t, "macro precision", c.MacroPrecision().Value, (0.8+86.0/90)/2, 1e-12)
	near(t, "macro recall", c.MacroRecall().Value, (8.0/12+86.0/88)/2, 1e-12)
	none := NewConfusion(2)
	if none.Accuracy().Defined() || none.F1(1).Defined() || none.MacroF1().Defined() {
		t.Error("figures of no rows are defined")
	}
}

func TestCalibrationError(t *testing.T) {
	scores := []float64{0.1, 0.1, 0.3, 0.3, 0.9, 1}
	positive := []bool{false, false, true, false, true, true}
	near(t, "by width", ECE(EqualWidth(scores, positive, 10)).Value, (0.2+0.4+0.1+0)/6, 1e-12)
	near(t, "by mass", ECE(EqualMass(scores, positive, 3)).Value, (0.2+0.4+0.1)/6, 1e-12)
	// Right probabilities have an error all the same, and chance explains it.
	rng := rand.New(rand.NewPCG(3, 9))
	var got, chance float64
	for range 200 {
		rows := stream{rng: rng}.rows(500)
		c := ECE(EqualMass(rows.Scores, rows.Positive, CalibrationBins))
		got, chance = got+c.Value/200, chance+c.ByChance/200
	}
	near(t, "error by chance", chance, got, 0.02*got)
	t.Logf("right probabilities: ECE %.4f, expected by chance %.4f", got, chance)
}

// The fit is the best of all non-decreasing ones: blocks ascend, each is the
// mean of its rows, and equal scores have one value.
func TestIsotonic(t *testing.T) {
	rng := rand.New(rand.NewPCG(12, 1))
	scores, positive := make([]float64, 500), make([]bool, 500)
	var positives float64
	for i := range scores {
		scores[i] = float64(rng.IntN(50)) / 50
		positive[i] = rng.Float64() < scores[i]
		positives += one(positive[i])
	}
	blocks := fitIsotonic(scores, positive)
	var rows, sum float64
	for k, b := range blocks {
		rows, sum = rows+b.rows, sum+b.positives
		if b.from > b.to || k > 0 && (b.from <= blocks[k-1].to || b.share() <= blocks[k-1].share()) {
			t.Errorf("block %d: %+v after %+v", k, b, blocks[max(0, k-1)])
		}
		var n, y float64
		for i, s := range scores {
			if s >= b.from && s <= b.to {
				n, y = n+1, y+one(positive[i])
			}
		}
		if n != b.rows || y != b.positives {
			t.Errorf("block %d: %+v holds %v rows, %v positive", k, b, n, y)
		}
	}
	if rows != 500 || sum != positives {
		t.Errorf("blocks hold %v rows and %v positives of %v", rows, sum, positives)
	}
	for _, s := range []float64{-1, 0, 0.01, 0.5, 0.999, 2} {
		if p := interpolated(blocks, s); p < 0 || p > 1 || p > interpolated(blocks, s+0.01) {
			t.Errorf("at %v: %v", s, p)
		}
	}
}

// Probabilities that are right already often stay as they are: which of two
// unbiased curves is nearer to held-out rows is a toss. Overdone ones never do.
func TestCalibratesOnlyWhenItHelps(t *testing.T) {
	raw := map[float64]int{}
	for k := range 20 {
		for _, overdone := range []float64{0, 1} {
			rows := stream{rng: rand.New(rand.NewPCG(uint64(k), 4)), overdone: overdone}.rows(1000)
			raw[overdone] += int(one(NewCalibrator(rows.Scores, rows.Positive).Raw))
		}
	}
	t.Logf("kept raw: %d of 20 right ones, %d of 20 overdone ones", raw[0], raw[1])
	if raw[0] < 4 || raw[1] > 0 {
		t.Errorf("kept raw: %v", raw)
	}
}

func TestLookup(t *testing.T) {
	for _, m := range Metrics() {
		if got, err := Lookup(m.Name); err != nil || got != m || m.Doc == "" || m.Range == "" || m.Unit == "" {
			t.Errorf("%s: %+v, %v", m.Name, got, err)
		}
	}
	if _, err := Lookup("auc"); err == nil {
		t.Error("auc is found")
	}
}
