package backtest

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/driftline/driftline/detectors"
	"github.com/driftline/driftline/internal/testkit"
	"github.com/driftline/driftline/schemas"
)

// housing is what other projects found on the California Housing data.
type housing struct {
	Estimated map[string]float64 `json:"CBPE_roc_auc_est"`
	Realised  map[string]float64 `json:"realized"`
	Alerts    map[string]int     `json:"KS_alerts_published_and_reproduced"`
	KS        map[string]float64 `json:"KS_upper_thr_derived"`
	Published struct {
		Lower float64 `json:"lower_threshold"`
	} `json:"published_only"`
}

func readHousing(t *testing.T) housing {
	t.Helper()
	data, err := os.ReadFile(testkit.Oracle(t, "drift.json"))
	if err != nil {
		t.Fatal(err)
	}
	var o struct {
		Housing housing `json:"california_housing"`
	}
	if err := json.Unmarshal(data, &o); err != nil {
		t.Fatal(err)
	}
	return o.Housing
}

// alarmed windows by the month they start in.
func alarmed(r *Report) (months []string) {
	for _, p := range r.Performance {
		if p.State == schemas.StateAlarm {
			months = append(months, p.WindowStart.Format("2006-01"))
		}
	}
	return months
}

func TestCaliforniaConceptDrift(t *testing.T) {
	o := readHousing(t)
	r := run(t, california(t))
	for _, p := range r.Performance {
		month, m := p.WindowStart.Format("2006-01"), p.Metrics[0]
		if math.Abs(*m.Estimated-o.Estimated[month]) > 1e-6 || math.Abs(*m.Realised-o.Realised[month]) > 1e-6 {
			t.Errorf("%s: estimated %v, realised %v, want %v and %v", month, *m.Estimated, *m.Realised, o.Estimated[month], o.Realised[month])
		}
	}
	if got := alarmed(r); !reflect.DeepEqual(got, []string{"2021-11", "2022-03"}) || r.Summary.PerformanceAlarms != 2 || r.Summary.Task != Binary {
		t.Errorf("alarmed %v; %+v", got, r.Summary)
	}
}

// The mean ± 3σ of the reference's months: thresholds and alerts of others.
func TestCaliforniaChunkThresholds(t *testing.T) {
	want := readHousing(t)
	o := california(t)
	o.Thresholds = Chunks
	o.Config = detectors.DefaultConfig()
	o.Config.Detectors = []string{"ks"}
	r := run(t, o)
	for _, p := range r.Performance {
		if got := *p.Metrics[0].Threshold; math.Abs(got-want.Published.Lower) > 1e-6 {
			t.Fatalf("lower threshold %v, want %v", got, want.Published.Lower)
		}
	}
	if got := alarmed(r); !reflect.DeepEqual(got, []string{"2021-08", "2021-09", "2022-03"}) {
		t.Errorf("alarmed %v: the months whose realised AUC is below %v", got, want.Published.Lower)
	}
	alerts := map[string]int{}
	for _, s := range r.Signals {
		if s.State == schemas.StateAlarm {
			alerts[s.Feature]++
		}
		if thr, ok := want.KS[s.Feature]; ok && math.Abs(s.Threshold-thr) > 1e-3 {
			t.Errorf("%s: KS threshold %v, want %v", s.Feature, s.Threshold, thr)
		}
	}
	t.Logf("KS alerts %v, published %v", alerts, want.Alerts)
	for f := range strings.FieldsSeq("MedInc HouseAge AveRooms AveBedrms Population AveOccup Latitude Longitude") {
		if alerts[f] != want.Alerts[f] {
			t.Errorf("%s: %d alerts, published %d", f, alerts[f], want.Alerts[f])
		}
	}
}

// Without labels of the data there still are estimates, and nothing is judged.
func TestEstimatesWithoutLabels(t *testing.T) {
	o := california(t)
	o.Labels, o.ID, o.Label, o.Exclude = "", "", "clf_target", []string{"id"}
	r := run(t, o)
	for _, p := range r.Performance {
		if m := p.Metrics[0]; p.State != schemas.StateNoData || m.Estimated == nil || m.Realised != nil || m.Deficit != nil || m.Reason == "" {
			t.Fatalf("%+v", p)
		}
	}
	if len(r.Performance) != 12 {
		t.Errorf("%d windows", len(r.Performance))
	}
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// rent is a regression by rows of x, prediction and label; after the first half
// labels rise by bias.
func rent(rng *rand.Rand, rows int, bias float64) string {
	var b strings.Builder
	b.WriteString("x,guess,rent\n")
	for i := range rows {
		x := rng.NormFloat64()
		y := 3*x + (0.3+x*x)*rng.NormFloat64()
		if i >= rows/2 {
			y += bias
		}
		fmt.Fprintf(&b, "%.4f,%.4f,%.4f\n", x, 3*x, y)
	}
	return b.String()
}

func TestRegressionWithLabelsInTheData(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 8))
	o := Options{
		Model: "rent", Reference: write(t, "reference.csv", rent(rng, 2000, 0)), Data: write(t, "data.csv", rent(rng, 2000, 3)),
		Label: "rent", Score: "guess", Metrics: []string{"mae", "rmse", "r2"}, Window: WindowSpec{Rows: 500}, Thresholds: Calibrated,
	}
	for mode, want := range map[ThresholdMode]string{Calibrated: "ok ok alarm alarm", Chunks: "ok ok alarm alarm"} {
		o.Thresholds = mode
		r := run(t, o)
		var states []string
		for _, p := range r.Performance {
			states = append(states, string(p.State))
			t.Logf("%s %s: %s", mode, p.State, p.Metrics[0].Reason)
		}
		if got := strings.Join(states, " "); got != want || r.Summary.Task != Regression {
			t.Errorf("%s: %s, want %s; %+v", mode, got, want, r.Summary)
		}
	}
}

func TestClassesByName(t *testing.T) {
	const text = "x,said,is\n1,a,a\n2,b,a\n3,b,b\n4,c,c\n"
	r := run(t, Options{
		Model: "m", Reference: write(t, "reference.csv", text), Data: write(t, "data.csv", text),
		Label: "is", Prediction: "said", Metrics: []string{"accuracy", "f1"}, Window: WindowSpec{Rows: 4},
	})
	p := r.Performance[0]
	if r.Summary.Task != Multiclass || *p.Metrics[0].Realised != 0.75 || math.Abs(*p.Metrics[1].Realised-(2.0/3+2.0/3+1)/3) > 1e-12 {
		t.Errorf("%+v %+v", r.Summary, p)
	}
}

func TestTaskOf(t *testing.T) {
	many := make([]string, 30)
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	for want, cases := range map[Task][][]string{
		Binary:     {{"0", "1", ""}, {"1", "1"}, {}},
		Multiclass: {{"0", "1", "2"}, {"yes", "no"}, {"1.5", "high"}},
		Regression: {{"0", "0.5"}, {"-1.25"}, many},
	} {
		for _, c := range cases {
			if got := taskOf(c); got != want {
				t.Errorf("%v: %s, want %s", c, got, want)
			}
		}
	}
}

func TestWrongChoicesNameTheRightOnes(t *testing.T) {
	_, err := Run(context.Background(), Options{
		Model: "m", Reference: "r", Data: "d", Window: WindowSpec{Rows: 1},
		Task: "ranking", Thresholds: "sigma", Metrics: []string{"auc"}, Effects: []string{"roc_auc=x"},
	})
	for _, part := range []string{"binary, multiclass or regression", "calibrated or chunks", "roc_auc", "roc_auc=0.05"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error %v lacks %s", err, part)
		}
	}
	text := "x,y\n1,0\n"
	o := Options{Model: "m", Reference: write(t, "r.csv", text), Data: write(t, "d.csv", text), Label: "z", Window: WindowSpec{Rows: 1}}
	if _, err := Run(context.Background(), o); err == nil || !strings.Contains(err.Error(), `"z"`) {
		t.Errorf("a label column that is nowhere: %v", err)
	}
}
