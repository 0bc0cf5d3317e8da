package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/internal/testkit"
)

// The first real input: the two months whose realised AUC falls short of what
// the scores promise are flagged, and no others.
func TestBacktestFlagsConceptDriftOfCalifornia(t *testing.T) {
	file := func(name string) string {
		return testkit.TestData(t, "california_housing", "california_housing_"+name+".csv.gz")
	}
	args := []string{
		"backtest", "--model", "housing", "--reference", file("reference"), "--data", file("analysis"), "--labels", file("analysis_gt"),
		"--id", "id", "--timestamp", "timestamp", "--prediction", "y_pred", "--score", "y_pred_proba", "--window", "1mo",
	}
	stdout, stderr, code := driftline(t, append(args, "--json")...)
	if code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	var report struct {
		Performance []struct {
			Start   time.Time `json:"window_start"`
			State   string
			Metrics []struct {
				Metric              string
				Realised, Estimated float64
			}
		}
		Summary struct {
			Alarms int `json:"performance_alarms"`
		}
	}
	if err := json.Unmarshal([]byte(stdout), &report); err != nil {
		t.Fatal(err)
	}
	var flagged []string
	for _, p := range report.Performance {
		if p.State == "alarm" {
			flagged = append(flagged, p.Start.Format("2006-01"))
		}
	}
	if !reflect.DeepEqual(flagged, []string{"2021-11", "2022-03"}) || report.Summary.Alarms != 2 || len(report.Performance) != 12 {
		t.Errorf("flagged %v of %d windows", flagged, len(report.Performance))
	}
	stdout, stderr, code = driftline(t, args...)
	if code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	_, table, _ := strings.Cut(stdout, "\nPerformance")
	golden(t, "backtest_california.txt", table)
}

// scored writes rows of a score that is right, except in the last third, where
// half of the labels turn round; the very last window has few labels.
func scored(t *testing.T, name string, rows int, concept bool) string {
	t.Helper()
	rng := rand.New(rand.NewPCG(11, uint64(rows)))
	var b strings.Builder
	b.WriteString("time,x,score,bought\n")
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range rows {
		score := float64(rng.IntN(101)) / 100
		y := rng.Float64() < score
		if concept && i >= rows*2/3 && rng.IntN(2) == 0 {
			y = !y
		}
		label := map[bool]string{true: "1", false: "0"}[y]
		if concept && i >= rows-290 {
			label = ""
		}
		fmt.Fprintf(&b, "%s,%.3f,%.2f,%s\n", start.Add(time.Duration(i)*12*time.Second).Format(time.RFC3339), rng.NormFloat64(), score, label)
	}
	return writeFile(t, name, b.String())
}

func TestBacktestPerformanceOutput(t *testing.T) {
	args := []string{
		"backtest", "--model", "shop", "--reference", scored(t, "reference.csv", 3000, false), "--data", scored(t, "data.csv", 1800, true),
		"--timestamp", "time", "--score", "score", "--label", "bought",
	}
	for name, more := range map[string][]string{
		"backtest_calibrated.txt": {"--metric", "roc_auc", "--metric", "accuracy", "--metric", "brier", "--effect", "brier=0.03"},
		"backtest_chunks.txt":     {"--threshold-mode", "chunks"},
	} {
		stdout, stderr, code := driftline(t, append(args, more...)...)
		if code != 0 {
			t.Fatalf("exit %d: %s", code, stderr)
		}
		golden(t, name, stdout)
	}
	stdout, stderr, code := driftline(t, append(args, "--json")...)
	if code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	var report struct {
		Performance json.RawMessage `json:"performance"`
	}
	if err := json.Unmarshal([]byte(stdout), &report); err != nil {
		t.Fatal(err)
	}
	golden(t, "backtest_performance.json", string(rounded(t, report.Performance))+"\n")
}

// rounded keeps nine digits, so that processors which fuse a multiplication
// with an addition agree on the text.
func rounded(t *testing.T, text json.RawMessage) []byte {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	out, err := json.MarshalIndent(round(v), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func round(v any) any {
	switch v := v.(type) {
	case float64:
		return json.Number(fmt.Sprintf("%.9g", v))
	case []any:
		for i := range v {
			v[i] = round(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = round(v[k])
		}
	}
	return v
}
