package config

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// program is a configuration with every kind of key.
type program struct {
	Kafka     kafkaPart            `yaml:"kafka"`  // connection
	Limits    *limits              `yaml:"limits"` // optional section
	Receivers []receiver           `yaml:"receivers"`
	Models    map[string]modelPart `yaml:"models"`
	Labels    map[string]string    `yaml:"labels"`
	Level     slog.Level           `yaml:"level"`
	Extra     any                  `yaml:"extra"`
	Route     route                `yaml:"route"` // holds itself
	common    `yaml:",inline"`     // keys of the root
	Hidden    int                  `yaml:"-"`
}

type common struct {
	Name    string  `yaml:"name"` // of the instance
	Workers int     `yaml:"workers"`
	Ratio   float64 `yaml:"ratio"`
	Debug   bool    `yaml:"debug"`
}

type kafkaPart struct {
	Brokers  []string `yaml:"brokers"` // required
	Password Secret   `yaml:"password"`
	Secrets  []Secret `yaml:"secrets"`
}

func (k kafkaPart) Validate() error {
	if len(k.Brokers) == 0 {
		return Faultf("brokers", "is missing")
	}
	return nil
}

type limits struct {
	Memory Bytes         `yaml:"memory"`
	Wait   time.Duration `yaml:"wait"`
	Small  uint8         `yaml:"small"`
}

func (l *limits) SetDefaults() { l.Wait = time.Second }

type receiver struct {
	URL     string        `yaml:"url"`
	Timeout time.Duration `yaml:"timeout"`
}

func (r *receiver) SetDefaults() { r.Timeout = 5 * time.Second }

func (r *receiver) Validate() error {
	var errs []error
	if r.URL == "" {
		errs = append(errs, Faultf("url", "is missing"))
	}
	if r.Timeout <= 0 {
		errs = append(errs, Faultf("timeout", "is %s; give more than 0", r.Timeout))
	}
	return errors.Join(errs...)
}

type modelPart struct {
	Window time.Duration `yaml:"window"`
}

func (m modelPart) Validate() error {
	if m.Window < time.Minute {
		return Faultf("window", "is below 1m")
	}
	return nil
}

type route struct {
	To     string  `yaml:"to"`
	Routes []route `yaml:"routes"`
}

func defaults() program {
	return program{
		Kafka: kafkaPart{Brokers: []string{"localhost:9092"}}, Labels: map[string]string{"team": "ml"},
		common: common{Workers: 4, Ratio: 0.5},
	}
}

func load(t *testing.T, text string) (program, error) {
	t.Helper()
	cfg := defaults()
	err := Parse("driftline.yaml", []byte(strings.ReplaceAll(text, "\t", "  ")), &cfg)
	return cfg, err
}

func mustLoad(t *testing.T, text string) program {
	t.Helper()
	cfg, err := load(t, text)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestEmptyFileKeepsDefaults(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "---\n", "kafka:\n# all commented out\n", "null"} {
		if cfg := mustLoad(t, text); !reflect.DeepEqual(cfg, defaults()) {
			t.Errorf("%q: got %+v", text, cfg)
		}
	}
}

func TestEveryKindOfKey(t *testing.T) {
	got := mustLoad(t, `
name: 007        # a number is fine as text
workers: 0x10
ratio: 1e-3
debug: true
kafka:
	brokers: [a:9092, "b:9092"]
	password: pa$$w0rd
limits: {memory: 256MiB, small: 255}
receivers:
	- url: http://one.test
	- {url: "http://two.test", timeout: 1m30s}
models:
	credit: {window: 7d}
labels: {env: prod}
level: warn
extra: {a: [1, two, null], b: true}
route: {to: a, routes: [{to: b, routes: [{to: c}]}]}
`)
	want := defaults()
	want.Name, want.Workers, want.Ratio, want.Debug = "007", 16, 1e-3, true
	want.Kafka = kafkaPart{Brokers: []string{"a:9092", "b:9092"}, Password: "pa$w0rd"}
	want.Limits = &limits{Memory: 256 << 20, Wait: time.Second, Small: 255}
	want.Receivers = []receiver{{"http://one.test", 5 * time.Second}, {"http://two.test", 90 * time.Second}}
	want.Models = map[string]modelPart{"credit": {7 * day}}
	want.Labels = map[string]string{"team": "ml", "env": "prod"}
	want.Level = slog.LevelWarn
	want.Extra = map[string]any{"a": []any{1, "two", nil}, "b": true}
	want.Route = route{To: "a", Routes: []route{{To: "b", Routes: []route{{To: "c"}}}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestFiveMistakesAreFiveLines(t *testing.T) {
	_, err := load(t, `# five mistakes
kafka:
	brokerz: [a:9092]      # typed badly, and required
workers: many
receivers:
	- url: http://one.test
		timeout: 5
	- timeout: 3s            # no url
models:
	credit: {window: 1s}   # too short
`)
	if _, ok := errors.AsType[*Error](err); !ok {
		t.Fatalf("got %T %v", err, err)
	}
	want := `driftline.yaml:3: kafka.brokerz: unknown key; did you mean "brokers"?
driftline.yaml:4: workers: want whole number, found "many"
driftline.yaml:7: receivers[0].timeout: want a duration with a unit, such as 500ms, 30s, 5m, 12h or 7d, found "5"
driftline.yaml:8: receivers[1].url: is missing
driftline.yaml:10: models.credit.window: is below 1m`
	if err.Error() != want {
		t.Errorf("got\n%s\nwant\n%s", err, want)
	}
}

func TestMistakes(t *testing.T) {
	t.Setenv("DRIFTLINE_TEST_SECRET", "hunter2")
	tests := map[string]struct{ text, want string }{
		"unknown, nothing near":     {"zebra: 1", "1: zebra: unknown key; valid keys: kafka, limits, receivers, models, labels, level, extra, route, name, workers, ratio, debug"},
		"unknown in other style":    {"Kafka: {}", `1: Kafka: unknown key; did you mean "kafka"?`},
		"unknown file key":          {"name: x\nkafka:\n  pasword_file: x", `3: kafka.pasword_file: unknown key; did you mean "password_file"?`},
		"no file for a number":      {"workers_file: x", `1: workers_file: unknown key; did you mean "workers"?`},
		"duplicate":                 {"name: a\nname: b", "2: name: duplicate key; first given in line 1"},
		"duplicate in map":          {"labels:\n  a: x\n  a: y", "3: labels.a: duplicate key; first given in line 2"},
		"mapping wanted":            {"kafka: localhost", "1: kafka: want a mapping of keys, found a single value"},
		"list wanted":               {"kafka:\n  brokers: localhost", "2: kafka.brokers: want a list, found a single value"},
		"scalar wanted":             {"name: [a]", "1: name: want a single value, found a list"},
		"map wanted":                {"labels: [a]", "1: labels: want a mapping of names to values, found a list"},
		"text wanted for level":     {"level: loud", `1: level: slog: level string "loud": unknown name, found "loud"`},
		"root is a list":            {"- a", "1: want a mapping of keys, found a list"},
		"boolean":                   {"debug: yes", `1: debug: want true or false, found "yes"`},
		"too large for the type":    {"limits: {small: 256}", `1: limits.small: out of range for uint8, found "256"`},
		"negative for the type":     {"limits: {small: -1}", `1: limits.small: want whole number, found "-1"`},
		"fraction":                  {"workers: 1.5", `1: workers: want whole number, found "1.5"`},
		"bytes":                     {"limits: {memory: lots}", `1: limits.memory: want an amount of bytes, such as 64KiB, 256MiB or 1.5GB, found "lots"`},
		"no value":                  {"name:", "1: name: no value; give one or remove the key"},
		"variable not set":          {"name: ${DRIFTLINE_TEST_NONE}", "1: name: environment variable DRIFTLINE_TEST_NONE is not set; set it or write ${DRIFTLINE_TEST_NONE:-default}"},
		"variable malformed":        {"name: ${a b}", "1: name: malformed variable; write ${NAME}, ${NAME:-default}, or $$ for a dollar sign"},
		"variable of wrong type":    {"workers: ${DRIFTLINE_TEST_SECRET}", `1: workers: want whole number, found "${DRIFTLINE_TEST_SECRET}"`},
		"file missing":              {"kafka: {password_file: none.txt}", `1: kafka.password_file: read file "none.txt": no such file or directory`},
		"files not a list":          {"kafka: {secrets_file: none.txt}", "1: kafka.secrets_file: want a list of files, found a single value"},
		"file and value":            {"kafka:\n  password: a\n  password_file: b", "3: kafka.password_file: password and password_file are both given (see line 2); keep one"},
		"merge key":                 {"labels:\n  <<: {a: b}", "2: labels.<<: merge keys are not supported; use an alias for a whole value"},
		"key is a list":             {"[a]: b", "1: a key must be plain text"},
		"syntax":                    {"a: b\nc: d: e", "2: not valid YAML: mapping values are not allowed in this context"},
		"two documents":             {"name: a\n---\nname: b", "2: a second document; one file holds one configuration"},
		"missing below a section":   {"kafka:\n  brokers: []", "2: kafka.brokers: is missing"},
		"missing on an element":     {"receivers:\n\n  - {}", "3: receivers[0].url: is missing"},
		"alias without end":         {"route: &r\n  routes: [*r, *r, *r]", "2: route" + strings.Repeat(".routes[0]", 31) + ".routes: nested more than 64 deep; is an alias inside itself?"},
		"alias of unknown anchor":   {"name: *a", "not valid YAML: unknown anchor 'a' referenced"},
		"validated behind an alias": {"receivers:\n  - &a {timeout: 0s, url: x}\n  - *a", "2: receivers[0].timeout: is 0s; give more than 0\ndriftline.yaml:2: receivers[1].timeout: is 0s; give more than 0"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, tc.text)
			if err == nil {
				t.Fatal("no error")
			}
			if want := "driftline.yaml:" + tc.want; tc.want != "" && err.Error() != want && err.Error() != "driftline.yaml: "+tc.want {
				t.Errorf("got\n%s\nwant\n%s", err, want)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the value of a variable shows in %q", err)
			}
		})
	}
}

func TestVariables(t *testing.T) {
	t.Setenv("DRIFTLINE_TEST_A", "alpha")
	t.Setenv("DRIFTLINE_TEST_N", "12")
	t.Setenv("DRIFTLINE_TEST_EMPTY", "")
	tests := map[string]string{
		"${DRIFTLINE_TEST_A}":                           "alpha",
		"x-${DRIFTLINE_TEST_A}-${DRIFTLINE_TEST_N}":     "x-alpha-12",
		"${DRIFTLINE_TEST_NONE:-a default}":             "a default",
		"${DRIFTLINE_TEST_NONE:-}":                      "",
		"${DRIFTLINE_TEST_EMPTY}":                       "",
		"${DRIFTLINE_TEST_EMPTY:-d}":                    "d",
		"$${DRIFTLINE_TEST_A}":                          "${DRIFTLINE_TEST_A}",
		"^a$":                                           "^a$",
		"$5 and $HOME":                                  "$5 and $HOME",
		"'${DRIFTLINE_TEST_A}: not a key # no comment'": "alpha: not a key # no comment",
		`"${DRIFTLINE_TEST_A}"`:                         "alpha",
	}
	for in, want := range tests {
		if got := mustLoad(t, "name: "+in).Name; got != want {
			t.Errorf("%s: got %q, want %q", in, got, want)
		}
	}
	if got := mustLoad(t, "workers: ${DRIFTLINE_TEST_N}").Workers; got != 12 {
		t.Errorf("workers: got %d", got)
	}
}

func TestVariableCannotAddKeys(t *testing.T) {
	t.Setenv("DRIFTLINE_TEST_A", "a\ndebug: true\n- x: {y: z}")
	cfg := mustLoad(t, "name: ${DRIFTLINE_TEST_A}")
	if cfg.Debug || !strings.Contains(cfg.Name, "debug: true") {
		t.Errorf("got %+v", cfg)
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"password": "s3cret\n", "one": "first", "two": "second\r\n",
		"driftline.yaml": "name_file: two\nkafka:\n  password_file: password\n  secrets_file: [one, '" + filepath.Join(dir, "two") + "']\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg := defaults()
	if err := Load(filepath.Join(dir, "driftline.yaml"), &cfg); err != nil {
		t.Fatal(err)
	}
	if cfg.Name != "second" || cfg.Kafka.Password != "s3cret" || !reflect.DeepEqual(cfg.Kafka.Secrets, []Secret{"first", "second"}) {
		t.Errorf("got %q %q %q", cfg.Name, cfg.Kafka.Password.Value(), cfg.Kafka.Secrets)
	}
}

func TestFileIsTooLarge(t *testing.T) {
	big := filepath.Join(t.TempDir(), "big")
	if err := os.WriteFile(big, make([]byte, fileLimit+1), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := load(t, "name_file: "+big)
	if err == nil || !strings.HasSuffix(err.Error(), "larger than 1MiB") {
		t.Errorf("got %v", err)
	}
}

func TestConfigurationFileIsMissing(t *testing.T) {
	cfg := defaults()
	err := Load(filepath.Join(t.TempDir(), "none.yaml"), &cfg)
	var mistakes *Error
	if !errors.As(err, &mistakes) || !strings.HasSuffix(err.Error(), "none.yaml: read: no such file or directory") {
		t.Errorf("got %v", err)
	}
}

func TestFaultsCanBeTakenOut(t *testing.T) {
	_, err := load(t, "workers: x\nratio: y")
	var f *Fault
	if !errors.As(err, &f) || f.Key != "workers" || f.Line != 1 {
		t.Errorf("got %+v", f)
	}
}
