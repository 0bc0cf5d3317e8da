package performance

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/driftline/driftline/internal/testkit"
	"github.com/driftline/driftline/schemas"
)

// stream draws rows whose chance of being positive is a function of the score
// alone; shift moves the inputs, and the labels of a share of the rows are
// turned round.
type stream struct {
	rng      *rand.Rand
	shift    float64 // of the inputs: covariate drift
	flipped  float64 // share of rows whose P(y|x) becomes 1−P: concept drift
	overdone float64 // scores are the logit times 1+overdone: a model that is too sure
}

func (s stream) rows(n int) BinaryRows {
	r := BinaryRows{Scores: make([]float64, n), Predicted: make([]bool, n), Positive: make([]bool, n)}
	for i := range n {
		logit := 1.5*s.rng.NormFloat64() + s.shift
		p := 1 / (1 + math.Exp(-logit))
		if s.rng.Float64() < s.flipped {
			p = 1 - p
		}
		r.Scores[i] = 1 / (1 + math.Exp(-logit*(1+s.overdone)))
		r.Predicted[i] = r.Scores[i] >= 0.5
		r.Positive[i] = s.rng.Float64() < p
	}
	return r
}

var gapMetrics = []string{NameAUC, NameAccuracy, NamePrecision, NameRecall, NameF1, NameLogLoss, NameBrier}

// Without concept drift, but with inputs that move by up to a standard
// deviation from window to window, p-values are at or below 0.05 in about 5 %
// of windows: for a model that is well calibrated and for one that must be
// calibrated first. With the default effect there are fewer still.
func TestGapFalseAlarms(t *testing.T) {
	references, windows := 24, 40
	if testing.Short() || testkit.Race {
		references = 8
	}
	for _, overdone := range []float64{0, 0.8} {
		for _, size := range []int{200, 1000} {
			low, high, alarms := map[string]int{}, map[string]int{}, map[string]int{}
			for k := range references {
				rng := rand.New(rand.NewPCG(uint64(k), uint64(size)))
				s := stream{rng: rng, overdone: overdone}
				e, err := NewCBPE(s.rows(3000))
				if err != nil {
					t.Fatal(err)
				}
				for range windows {
					s.shift = 2 * (rng.Float64() - 0.5) * 1.5
					rows := s.rows(size)
					for _, m := range gapMetrics {
						g := e.Gap(m, rows)
						low[m] += int(one(g.PValue <= 0.05))
						high[m] += int(one(g.PValue >= 0.95))
						alarms[m] += int(one(Rule{}.Judge(g).State == schemas.StateAlarm))
					}
				}
			}
			n := float64(references * windows)
			for _, m := range gapMetrics {
				// Windows of one reference share its calibrator: the slack counts references.
				rate, slack := float64(low[m])/n, 3*math.Sqrt(0.05*0.95/n+0.05*0.05/float64(references))
				t.Logf("overdone %.1f n=%-4d %-9s P(p≤0.05)=%.4f P(p≥0.95)=%.4f alarms %.4f", overdone, size, m, rate, float64(high[m])/n, float64(alarms[m])/n)
				if rate > 0.055+slack {
					t.Errorf("%s at n=%d: %.4f of p-values at or below 0.05", m, size, rate)
				}
			}
		}
	}
}

// Where labels of a fifth of the rows turn round, most windows alarm.
func TestGapPower(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	s := stream{rng: rng, overdone: 0.8}
	e, err := NewCBPE(s.rows(3000))
	if err != nil {
		t.Fatal(err)
	}
	const windows = 100
	for _, c := range []struct{ flipped, least, most float64 }{{0, 0, 0.05}, {0.05, 0, 1}, {0.2, 0.95, 1}} {
		found := map[string]int{}
		for range windows {
			s.flipped, s.shift = c.flipped, rng.Float64()-0.5
			rows := s.rows(500)
			for _, m := range gapMetrics {
				found[m] += int(one(Rule{}.Judge(e.Gap(m, rows)).State == schemas.StateAlarm))
			}
		}
		t.Logf("%3.0f%% of rows flipped: alarms of %d windows: %v", 100*c.flipped, windows, found)
		for _, m := range []string{NameAUC, NameAccuracy} {
			if share := float64(found[m]) / windows; share < c.least || share > c.most {
				t.Errorf("%s with %.0f%% flipped: alarms in %.2f of windows", m, 100*c.flipped, share)
			}
		}
	}
}

func TestJudge(t *testing.T) {
	gap := func(metric string, estimated, realised, se float64, n int) Gap {
		return newGap(metric, expectation{estimated, estimated, se * se, 0}, Figure{realised, se, n})
	}
	for _, c := range []struct {
		name string
		gap  Gap
		rule Rule
		want schemas.State
	}{
		{"large and significant", gap(NameAUC, 0.9, 0.8, 0.02, 500), Rule{}, schemas.StateAlarm},
		{"significant but small", gap(NameAUC, 0.9, 0.88, 0.001, 500), Rule{}, schemas.StateOK},
		{"large but within chance", gap(NameAUC, 0.9, 0.8, 0.08, 500), Rule{}, schemas.StateOK},
		{"many questions", gap(NameAUC, 0.9, 0.84, 0.03, 500), Rule{Questions: 10}, schemas.StateOK},
		{"better", gap(NameAUC, 0.8, 0.9, 0.02, 500), Rule{}, schemas.StateOK},
		{"better, both sides", gap(NameAUC, 0.8, 0.9, 0.02, 500), Rule{BothSides: true}, schemas.StateAlarm},
		{"a loss that grows", gap(NameBrier, 0.1, 0.2, 0.02, 500), Rule{}, schemas.StateAlarm},
		{"a loss that falls", gap(NameBrier, 0.2, 0.1, 0.02, 500), Rule{}, schemas.StateOK},
		{"few rows", gap(NameAUC, 0.9, 0.5, 0.02, 99), Rule{}, schemas.StateInsufficient},
		{"no rows", newGap(NameAUC, expectation{value: math.NaN()}, undefined(0)), Rule{}, schemas.StateNoData},
		{"one class", newGap(NameAUC, expectation{0.9, 0.9, 0.01, 0}, undefined(500)), Rule{}, schemas.StateNoData},
	} {
		if v := c.rule.Judge(c.gap); v.State != c.want || v.Reason == "" {
			t.Errorf("%s: %+v, want %s", c.name, v, c.want)
		}
	}
}

// What the linear form says must be what happens: redrawing the labels from the
// probabilities gives realised metrics whose mean is the estimate and whose
// spread is its standard error.
func TestEstimateIsMeanAndSpreadOfRedrawnLabels(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	s := stream{rng: rng}
	e, err := NewCBPE(s.rows(200000))
	if err != nil {
		t.Fatal(err)
	}
	rows := s.rows(800)
	const draws = 400
	sum, squares := map[string]float64{}, map[string]float64{}
	for range draws {
		for i, score := range rows.Scores {
			rows.Positive[i] = rng.Float64() < e.Calibrator.Probability(score)
		}
		for _, m := range gapMetrics {
			v := MeasureBinary(m, rows).Value
			sum[m] += v
			squares[m] += v * v
		}
	}
	for _, m := range gapMetrics {
		x := e.Estimate(m, rows)
		mean := sum[m] / draws
		sd := math.Sqrt(squares[m]/draws - mean*mean)
		t.Logf("%-9s estimate %.4f ± %.4f, redrawn %.4f ± %.4f", m, x.Value, x.SE, mean, sd)
		near(t, m, mean, x.Value, 4*x.SE/math.Sqrt(draws)+0.001)
		if r := sd / x.SE; r < 0.85 || r > 1.15 {
			t.Errorf("%s: labels redrawn spread %.4f, standard error %.4f", m, sd, x.SE)
		}
	}
}
