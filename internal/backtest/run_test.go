package backtest

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/detectors"
	"github.com/driftline/driftline/internal/testkit"
	"github.com/driftline/driftline/schemas"
)

func california(t testing.TB) Options {
	file := func(name string) string {
		return testkit.TestData(t, "california_housing", "california_housing_"+name+".csv.gz")
	}
	return Options{
		Model: "housing", Reference: file("reference"), Data: file("analysis"), Labels: file("analysis_gt"),
		ID: "id", Timestamp: "timestamp", Prediction: "y_pred", Score: "y_pred_proba",
		Window: WindowSpec{Time: detectors.Months(1)}, Now: time.Unix(0, 0).UTC(),
	}
}

func run(t testing.TB, o Options) *Report {
	t.Helper()
	r, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestCaliforniaPerformance(t *testing.T) {
	data, err := os.ReadFile(testkit.Oracle(t, "drift.json"))
	if err != nil {
		t.Fatal(err)
	}
	var oracle struct {
		Cal struct {
			Realized map[string]float64 `json:"realized"`
		} `json:"california_housing"`
	}
	if err := json.Unmarshal(data, &oracle); err != nil {
		t.Fatal(err)
	}
	r := run(t, california(t))
	if len(r.Performance) != len(oracle.Cal.Realized) {
		t.Fatalf("%d windows, want %d", len(r.Performance), len(oracle.Cal.Realized))
	}
	for _, p := range r.Performance {
		month := p.WindowStart.Format("2006-01")
		if p.AUC == nil || math.Abs(*p.AUC-oracle.Cal.Realized[month]) > 1e-4 || p.Coverage != 1 || p.Accuracy == nil {
			t.Errorf("%s: %+v, want AUC %v", month, p, oracle.Cal.Realized[month])
			continue
		}
		t.Logf("%s AUC %.6f, oracle %.6f, accuracy %.4f", month, *p.AUC, oracle.Cal.Realized[month], *p.Accuracy)
	}
}

func TestCaliforniaDrift(t *testing.T) {
	r := run(t, california(t))
	features := map[string]int{}
	for _, s := range r.Signals {
		if s.State == schemas.StateAlarm {
			features[s.Feature]++
		}
		if s.Feature == "id" || s.Feature == "clf_target" || s.Feature == "timestamp" {
			t.Fatalf("%s is taken for a feature", s.Feature)
		}
		if math.IsNaN(s.Score) || math.IsInf(s.Score, 0) {
			t.Fatalf("%+v", s)
		}
	}
	if features["Longitude"] == 0 || features["Latitude"] == 0 || r.Summary.Features != 10 || r.Summary.Windows != 12 {
		t.Errorf("alarms %v, summary %+v", features, r.Summary)
	}
}

// The reference against itself, whole: nothing may alarm.
func TestReferenceAgainstItself(t *testing.T) {
	o := california(t)
	o.Data, o.Labels, o.Exclude, o.Window = o.Reference, "", []string{"clf_target"}, WindowSpec{Rows: 1_000_000}
	if r := run(t, o); r.Summary.Alarms != 0 || r.Summary.Windows != 1 {
		t.Errorf("%+v", r.Summary)
	}
}

func TestReportIsStableJSON(t *testing.T) {
	o := california(t)
	a, err := json.Marshal(run(t, o))
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(run(t, o))
	if err != nil {
		t.Fatal(err)
	}
	if string(a) != string(b) {
		t.Error("two runs differ")
	}
	o.Labels, o.Window = "", WindowSpec{Rows: 4000}
	c, err := json.Marshal(run(t, o))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"performance":[]`, `"signals":[{`, `"windows":3`, `"absent_features":["clf_target"]`, `"window":"rows=4000"`} {
		if !strings.Contains(string(c), part) {
			t.Errorf("JSON lacks %s", part)
		}
	}
}

func TestMissingOptionsAreReportedTogether(t *testing.T) {
	_, err := Run(context.Background(), Options{Labels: "x"})
	for _, part := range []string{"--model", "--reference", "--data", "--timestamp", "--id"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error %v lacks %s", err, part)
		}
	}
}

func TestParseWindowSpec(t *testing.T) {
	for _, text := range []string{"1h", "1mo", "rows=500"} {
		if w, err := ParseWindowSpec(text); err != nil || w.String() != text {
			t.Errorf("%s: %v, %v", text, w, err)
		}
	}
	for _, text := range []string{"rows=0", "rows=x", "often"} {
		if _, err := ParseWindowSpec(text); err == nil {
			t.Errorf("%s: no error", text)
		}
	}
}
