package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// history writes hours of rows whose x moves by shift in the last hour.
func history(t *testing.T, hours int, shift float64) string {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, uint64(hours)))
	var b strings.Builder
	b.WriteString("time,x,colour\n")
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range hours * 600 {
		x := rng.NormFloat64()
		if i >= (hours-1)*600 {
			x += shift
		}
		fmt.Fprintf(&b, "%s,%.4f,%s\n", start.Add(time.Duration(i)*6*time.Second).Format(time.RFC3339), x, []string{"red", "blue"}[rng.IntN(2)])
	}
	return writeFile(t, "history.csv", b.String())
}

func TestBacktestFindsTheShift(t *testing.T) {
	args := []string{"backtest", "--model", "m", "--reference", history(t, 5, 0), "--data", history(t, 4, 2), "--timestamp", "time", "--window", "1h"}
	stdout, stderr, code := driftline(t, append(args, "--json")...)
	if code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	var report struct {
		Signals []struct {
			Feature, State string
			Start          time.Time `json:"window_start"`
		}
		Summary struct {
			Windows        int
			WindowsAlarmed int `json:"windows_alarmed"`
		}
	}
	if err := json.Unmarshal([]byte(stdout), &report); err != nil {
		t.Fatal(err)
	}
	if report.Summary.Windows != 4 || report.Summary.WindowsAlarmed != 1 {
		t.Errorf("summary %+v, want 1 alarmed window of 4", report.Summary)
	}
	for _, s := range report.Signals {
		if s.State == "alarm" && (s.Feature != "x" || s.Start.Hour() != 3) {
			t.Errorf("alarm on %s in the window of %v", s.Feature, s.Start)
		}
	}
}

func TestBacktestTextAndPage(t *testing.T) {
	page := filepath.Join(t.TempDir(), "report.html")
	stdout, stderr, code := driftline(t, "backtest", "-model", "<m>", "-reference", history(t, 5, 0), "-data", history(t, 4, 2), "-timestamp", "time", "-html", page)
	if code != 0 || !strings.Contains(stdout, "1 of 4 windows alarmed") || !strings.Contains(stdout, "\nx ") {
		t.Errorf("exit %d: %s\n%s", code, stderr, stdout)
	}
	html, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(html), "&lt;m&gt;: backtest") || !strings.Contains(string(html), "1 of 4 windows alarmed") {
		t.Errorf("page:\n%.600s", html)
	}
}

func TestBacktestNamesAMissingFile(t *testing.T) {
	_, stderr, code := driftline(t, "backtest", "--model", "m", "--reference", "none.csv", "--data", "none.csv", "--timestamp", "time")
	if code != 1 || !strings.Contains(stderr, "none.csv") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}
