package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

const example = "../../docs/examples/driftline.yaml"

// binary is the program as users run it, built once.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "driftline")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "driftline")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", binary, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// driftline runs the binary and gives what it printed and its exit code.
func driftline(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Env = append(os.Environ(), "WEBHOOK_SECRET=whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", "CLICKHOUSE_PASSWORD=hunter2")
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestFiveMistakesGiveFiveLinesAnd78(t *testing.T) {
	file := writeFile(t, "bad.yaml", `kafka:
  brokerz: [localhost:9092]
  session_timeout: 45
clickhouse:
  addr: localhost:9000
  insert_connections: 0
log:
  level: loud
`)
	want := []string{
		`2: kafka.brokerz: unknown key; did you mean "brokers"?`,
		"3: kafka.session_timeout: want a duration with a unit",
		"5: clickhouse.addr: want a list, found a single value",
		"6: clickhouse.insert_connections: is 0; give at least 1",
		`8: log.level: unsupported level "loud"`,
	}
	for _, args := range [][]string{{"check-config", file}, {"run", "-config", file}, {"config", "dump", "--config", file}} {
		stdout, stderr, code := driftline(t, args...)
		lines := strings.Split(strings.TrimSuffix(stderr, "\n"), "\n")
		if code != 78 || stdout != "" || len(lines) != len(want) {
			t.Fatalf("%v: exit %d, stdout %q, stderr\n%s", args, code, stdout, stderr)
		}
		for i := range want {
			if !strings.HasPrefix(lines[i], file+":"+want[i]) {
				t.Errorf("%v: line %d is %q, want %q", args, i+1, lines[i], want[i])
			}
		}
	}
}

func TestVersion(t *testing.T) {
	stdout, _, code := driftline(t, "version")
	if !regexp.MustCompile(`^driftline \S+ .*go1\.\d+\S* \w+/\w+\n$`).MatchString(stdout) || code != 0 {
		t.Errorf("exit %d, %q", code, stdout)
	}
	stdout, _, _ = driftline(t, "version", "--json")
	if !json.Valid([]byte(stdout)) || !strings.Contains(stdout, `"version"`) {
		t.Errorf("not JSON: %q", stdout)
	}
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{}, {"--help"}, {"-h"}} {
		stdout, stderr, code := driftline(t, args...)
		if code != 0 || !strings.Contains(stdout, "COMMANDS:") || stderr != "" {
			t.Errorf("%v: exit %d, stdout %q, stderr %q", args, code, stdout, stderr)
		}
	}
}

func TestUsageMistakesExitWith1(t *testing.T) {
	tests := map[string]struct {
		args []string
		want []string
	}{
		"unknown command":    {[]string{"frobnicate"}, []string{"COMMANDS:", `driftline: unknown command "frobnicate"` + "\n"}},
		"mistyped command":   {[]string{"chek-config"}, []string{"COMMANDS:", `did you mean "check-config"?`}},
		"unknown subcommand": {[]string{"config", "shema"}, []string{"COMMANDS:", `did you mean "schema"?`}},
		"unknown flag":       {[]string{"run", "--confg", "x"}, []string{"-confg", "driftline run --help"}},
		"flag missing":       {[]string{"run"}, []string{`"config"`, "driftline run --help"}},
		"argument missing":   {[]string{"check-config"}, []string{"want one argument FILE", "driftline check-config --help"}},
		"argument too many":  {[]string{"version", "x"}, []string{`unexpected argument "x"`}},
		"dump of nothing":    {[]string{"config", "dump"}, []string{"either --config FILE or --defaults"}},
		"unknown role":       {[]string{"run", "-config", example, "--roles", "ingest,cook"}, []string{`unsupported role "cook"`}},
		"bad window":         {[]string{"backtest", "--model", "m", "--reference", "r", "--data", "d", "--window", "rows=0"}, []string{`"rows=0"`}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			stdout, stderr, code := driftline(t, tc.args...)
			if code != 1 || stdout != "" {
				t.Errorf("exit %d, stdout %q", code, stdout)
			}
			for _, want := range tc.want {
				if !strings.Contains(stderr, want) {
					t.Errorf("no %q in\n%s", want, stderr)
				}
			}
		})
	}
}

func TestExampleIsAccepted(t *testing.T) {
	stdout, stderr, code := driftline(t, "check-config", example)
	if code != 0 || stdout != example+": ok\n" {
		t.Errorf("exit %d, %q %q", code, stdout, stderr)
	}
}

func TestSchemaAcceptsTheExampleAndTheDefaults(t *testing.T) {
	stdout, _, code := driftline(t, "config", "schema")
	if code != 0 {
		t.Fatalf("exit %d", code)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(stdout))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("driftline.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("driftline.json")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	defaults, _, _ := driftline(t, "config", "dump", "--defaults")
	for name, text := range map[string]string{"example": string(text), "defaults": defaults} {
		if err := schema.Validate(asJSON(t, text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := schema.Validate(asJSON(t, "kafka: {brokerz: []}")); err == nil {
		t.Error("the schema takes an unknown key")
	}
	if err := schema.Validate(asJSON(t, "{detect: {detectors: [default, energy]}, models: [{name: m, thresholds: {ks: 0.2}}]}")); err != nil {
		t.Errorf("detectors: %v", err)
	}
	for _, wrong := range []string{"detect: {detectors: [kss]}", "models: [{name: m, thresholds: {all: 1}}]"} {
		if err := schema.Validate(asJSON(t, wrong)); err == nil {
			t.Errorf("the schema takes %s", wrong)
		}
	}
	if !strings.Contains(stdout, "Kolmogorov's distribution with Stephens' correction") {
		t.Error("the schema has no manual of the detectors")
	}
}

func asJSON(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestDumpLoadsAgainAndHidesSecrets(t *testing.T) {
	stdout, _, code := driftline(t, "config", "dump", "-config", example)
	if code != 0 || strings.Contains(stdout, "hunter2") || !strings.Contains(stdout, "password: '***'") || strings.Contains(stdout, "MDEy") {
		t.Fatalf("exit %d\n%s", code, stdout)
	}
	again := strings.ReplaceAll(stdout, "['***']", "[whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=]") // checked for its form
	again = strings.ReplaceAll(again, "url: '***'", "url: https://alerts.example.com/x")
	if _, stderr, code := driftline(t, "check-config", writeFile(t, "dump.yaml", again)); code != 0 {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

func TestDiffShowsWhatTheExampleChanges(t *testing.T) {
	stdout, _, code := driftline(t, "config", "diff", "-config", example)
	if code != 0 || !strings.Contains(stdout, "brokers: ['localhost:9092']") || strings.Contains(stdout, "client_id") {
		t.Errorf("exit %d\n%s", code, stdout)
	}
}
