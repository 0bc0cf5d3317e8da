package performance

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/driftline/driftline/internal/tabular"
	"github.com/driftline/driftline/internal/testkit"
	"github.com/driftline/driftline/schemas"
)

// california is what other projects found on the California Housing data.
type california struct {
	Estimated map[string]float64 `json:"CBPE_roc_auc_est"`
	Realised  map[string]float64 `json:"realized"`
	ECE       [2]float64         `json:"ECE_before_after"`
	Published struct {
		SamplingError  map[string]float64 `json:"sampling_error"`
		LowerThreshold float64            `json:"lower_threshold"`
	} `json:"published_only"`
}

func readOracle(t *testing.T) california {
	t.Helper()
	data, err := os.ReadFile(testkit.Oracle(t, "drift.json"))
	if err != nil {
		t.Fatal(err)
	}
	var o struct {
		California california `json:"california_housing"`
	}
	if err := json.Unmarshal(data, &o); err != nil {
		t.Fatal(err)
	}
	return o.California
}

func open(t testing.TB, name string) *tabular.Table {
	t.Helper()
	tab, err := tabular.Open(testkit.TestData(t, "california_housing", "california_housing_"+name+".csv.gz"), tabular.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

// month of rows, in the order of time.
type month struct {
	name string
	rows BinaryRows
}

func months(t testing.TB, rows, labels *tabular.Table) (out []month) {
	t.Helper()
	scores, predicted, truth := rows.Column("y_pred_proba").Numbers, rows.Column("y_pred").Numbers, labels.Column("clf_target").Numbers
	if !slices.Equal(rows.Column("id").Numbers, labels.Column("id").Numbers) {
		t.Fatal("rows and labels are in different order")
	}
	for i, at := range rows.Column("timestamp").Times {
		if name := at.Format("2006-01"); len(out) == 0 || out[len(out)-1].name != name {
			out = append(out, month{name: name})
		}
		r := &out[len(out)-1].rows
		r.Scores = append(r.Scores, scores[i])
		r.Predicted = append(r.Predicted, predicted[i] == 1)
		r.Positive = append(r.Positive, truth[i] == 1)
	}
	return out
}

func joined(ms []month) (all BinaryRows) {
	for _, m := range ms {
		all.Scores = append(all.Scores, m.rows.Scores...)
		all.Predicted = append(all.Predicted, m.rows.Predicted...)
		all.Positive = append(all.Positive, m.rows.Positive...)
	}
	return all
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s = %.10g, want %.10g ± %g", what, got, want, tolerance)
	}
}

func TestCaliforniaOracle(t *testing.T) {
	o := readOracle(t)
	reference := open(t, "reference")
	past := months(t, reference, reference)
	e, err := NewCBPE(joined(past))
	if err != nil {
		t.Fatal(err)
	}
	flagged := []string{}
	for _, m := range months(t, open(t, "analysis"), open(t, "analysis_gt")) {
		g := e.Gap(NameAUC, m.rows)
		near(t, m.name+" estimated", g.Estimated.Value, o.Estimated[m.name], 1e-6)
		near(t, m.name+" realised", g.Realised.Value, o.Realised[m.name], 1e-6)
		v := Rule{}.Judge(g)
		if v.State == schemas.StateAlarm {
			flagged = append(flagged, m.name)
		}
		t.Logf("%s %5s estimated %.6f realised %.6f ± %.4f deficit %+.4f ± %.4f z=%+.2f: %s", m.name, v.State,
			g.Estimated.Value, g.Realised.Value, g.Realised.SE, g.Deficit, g.SE, g.Z, v.Reason)
	}
	if !slices.Equal(flagged, []string{"2021-11", "2022-03"}) {
		t.Errorf("flagged %v", flagged)
	}
}

// The oracle's held-out rows were drawn by another generator, so that only the
// size agrees: drawing 5,840 rows ten by ten moves a calibration error by about
// √(0.12·0.9/5832) = 0.0043.
func TestCaliforniaCalibration(t *testing.T) {
	o := readOracle(t)
	reference := open(t, "reference")
	all := joined(months(t, reference, reference))
	c := NewCalibrator(all.Scores, all.Positive)
	t.Logf("ECE of held-out rows %.6f before and %.6f after, oracle %v; %d blocks", c.Before, c.After, o.ECE, len(c.blocks))
	near(t, "ECE before", c.Before, o.ECE[0], 3*0.0043)
	near(t, "ECE after", c.After, o.ECE[1], 3*0.0043)
	if c.Raw {
		t.Error("calibration helps here by a factor of eight, and is not used")
	}
}

// Ties are why the last digits differ: two thirds of the scores occur more than
// once, and the oracle ranks equal scores in the order of a sort.
func TestCaliforniaSamplingErrorAndThreshold(t *testing.T) {
	o := readOracle(t)
	reference := open(t, "reference")
	past := months(t, reference, reference)
	all := joined(past)
	s := NewAUCSampling(all.Scores, all.Positive)
	for name, n := range map[string]int{"2022-03": 744, "2022-04": 720} {
		near(t, name+" sampling error", s.SE(n), o.Published.SamplingError[name], 2e-5)
		t.Logf("%s sampling error %.8f, oracle %.8f", name, s.SE(n), o.Published.SamplingError[name])
	}
	var values []float64
	for _, m := range past {
		values = append(values, MeasureBinary(NameAUC, m.rows).Value)
	}
	b := ChunkBand(values)
	near(t, "lower threshold", b.Low, o.Published.LowerThreshold, 1e-6)
	t.Logf("lower threshold %.6f, oracle %.6f", b.Low, o.Published.LowerThreshold)
}
