package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// Of testdata/errors.csv, error is 0 or 1 and turns from a rate of 0.1 to 0.5
// at row 600, loss is the error with noise, delay has no bound.
func TestEvalOutput(t *testing.T) {
	for name, args := range map[string][]string{
		"eval_streams.txt":  {"--detectors", "adwin,ddm,periodic", "--runs", "2"},
		"eval_streams.json": {"--detectors", "adwin,ddm,periodic", "--runs", "2", "--json"},
		"eval_streams.md":   {"--detectors", "adwin,ddm,periodic", "--runs", "2", "--markdown"},
		"eval_error.txt":    {"--stream", "testdata/errors.csv:error"},
		"eval_error.json":   {"--stream", "testdata/errors.csv", "--column", "error", "--json"},
		"eval_loss.txt":     {"--stream", "testdata/errors.csv", "--column", "loss"},
		"eval_delay.txt":    {"--stream", "testdata/errors.csv", "--column", "delay", "--set", "adwin.delta=0.01,adwin.clock=1", "--seed", "7"},
	} {
		stdout, stderr, code := driftline(t, append([]string{"eval"}, args...)...)
		if code != 0 || stderr != "" {
			t.Errorf("%v: exit %d: %s", args, code, stderr)
		}
		golden(t, name, stdout)
		if strings.HasSuffix(name, ".json") && !json.Valid([]byte(stdout)) {
			t.Errorf("%v: not JSON", args)
		}
	}
}

func TestEvalMistakes(t *testing.T) {
	stream := []string{"--stream", "testdata/errors.csv"}
	for want, args := range map[string][]string{
		"no such file":                 {"--stream", "none.csv"},
		"--column: error, loss, delay": stream,
		`no column "eror"`:             append(stream, "--column", "eror"),
		`did you mean "adwin"?`:        {"--detectors", "adwim"},
		`did you mean "delta"?`:        {"--set", "adwin.detla=1"},
		"want 1e-12 to 1":              {"--set", "adwin.delta=2"},
		"not among the detectors":      {"--detectors", "ddm", "--set", "adwin.delta=0.1"},
		"--column needs --stream":      {"--column", "x"},
		"either --stream or --data":    append(stream, "--data", "x"),
		"either --json or --markdown":  {"--json", "--markdown"},
		"open data":                    {"--data", "none"},
		"want at least 1":              {"--runs", "0"},
		"either --budget or --stream":  append(stream, "--budget"),
		"--features needs --budget":    {"--features", "20"},
		"want at least 10":             {"--budget", "--features", "3"},
		`unexpected argument "x"`:      {"x"},
	} {
		stdout, stderr, code := driftline(t, append([]string{"eval"}, args...)...)
		if code != 1 || stdout != "" || !strings.Contains(stderr, want) {
			t.Errorf("%v: exit %d, %q, %q; want %q", args, code, stdout, stderr, want)
		}
	}
}
