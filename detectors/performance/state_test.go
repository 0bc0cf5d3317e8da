package performance

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
)

// Minutes merged in any grouping are the whole, and both are the figures of the
// rows themselves.
func TestBinaryStatesMerge(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	rows := stream{rng: rng, overdone: 0.3}.rows(5000)
	whole, merged := NewBinaryState(), NewBinaryState()
	for from := 0; from < len(rows.Scores); {
		to := min(len(rows.Scores), from+1+rng.IntN(400))
		part := NewBinaryState()
		for i := from; i < to; i++ {
			part.Add(rows.Scores[i], rows.Predicted[i], rows.Positive[i])
			whole.Add(rows.Scores[i], rows.Predicted[i], rows.Positive[i])
		}
		merged.Merge(part)
		from = to
	}
	if !reflect.DeepEqual(whole.Confusion, merged.Confusion) || !reflect.DeepEqual(whole.Histogram, merged.Histogram) {
		t.Error("counts differ")
	}
	for _, m := range []string{NameAUC, NameAccuracy, NamePrecision, NameRecall, NameF1, NameLogLoss, NameBrier, NameECE} {
		a, b, rows := whole.Figure(m), merged.Figure(m), MeasureBinary(m, rows)
		near(t, m+" merged", b.Value, a.Value, 1e-12)
		near(t, m+" merged, error", b.SE, a.SE, 1e-12)
		if m == NameAUC || m == NameECE {
			continue
		}
		near(t, m+" of rows", a.Value, rows.Value, 1e-12)
		near(t, m+" of rows, error", a.SE, rows.SE, 1e-12)
	}
	near(t, "ECE of rows", whole.Figure(NameECE).Value, ECE(EqualWidth(rows.Scores, rows.Positive, CalibrationBins)).Value, 1e-12)
	f, bound := merged.AUC()
	exact := AUC(rows.Scores, rows.Positive)
	t.Logf("AUC %.6f ± %.4f by bins, %.6f ± %.4f exact; bound %.6f", f.Value, f.SE, exact.Value, exact.SE, bound)
	near(t, "AUC", f.Value, exact.Value, bound)
	if !(bound < 0.01) || math.Abs(f.SE/exact.SE-1) > 0.25 {
		t.Errorf("bound %v, errors %v and %v", bound, f.SE, exact.SE)
	}
	data, err := json.Marshal(merged)
	if err != nil || len(data) > 6000 {
		t.Errorf("%d bytes of JSON, %v", len(data), err)
	}
	var again BinaryState
	if err := json.Unmarshal(data, &again); err != nil || !reflect.DeepEqual(&again, merged) {
		t.Errorf("the state changed on its way through JSON: %v", err)
	}
}

func TestRegressionStatesMerge(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	whole, merged := RegressionState{Quantile: 0.9}, RegressionState{Quantile: 0.9}
	for range 40 {
		part := RegressionState{Quantile: 0.9}
		for range rng.IntN(100) { // some are empty
			x := 1e6 + rng.NormFloat64()
			y := x + 0.5*rng.NormFloat64()
			part.Add(x, y)
			whole.Add(x, y)
		}
		merged.Merge(&part)
	}
	for _, m := range []string{NameMAE, NameRMSE, NamePinball, NameR2} {
		a, b := whole.Figure(m), merged.Figure(m)
		near(t, m, b.Value, a.Value, 1e-9)
		near(t, m+" error", b.SE, a.SE, 1e-9)
	}
	near(t, "MAE of a normal error", whole.Figure(NameMAE).Value, 0.5*math.Sqrt(2/math.Pi), 0.03)
	near(t, "RMSE", whole.Figure(NameRMSE).Value, 0.5, 0.03)
	near(t, "R²", whole.Figure(NameR2).Value, 0.8, 0.03)
}

func TestMulticlassStatesMerge(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	whole, merged := NewMulticlassState(4), NewMulticlassState(4)
	for range 20 {
		part := NewMulticlassState(4)
		for range 50 {
			y, k := rng.IntN(3), rng.IntN(3) // class 3 never occurs
			p := []float64{0.25, 0.25, 0.25, 0.25}
			part.Add(p, k, y)
			whole.Add(p, k, y)
		}
		merged.Merge(part)
	}
	for _, m := range []string{NameAccuracy, NamePrecision, NameRecall, NameF1, NameLogLoss} {
		near(t, m, merged.Figure(m).Value, whole.Figure(m).Value, 1e-12)
	}
	near(t, "log loss", whole.Figure(NameLogLoss).Value, math.Log(4), 1e-12)
}
