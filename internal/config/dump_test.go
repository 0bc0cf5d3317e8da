package config

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

//go:embed load_test.go
var testSource string

func source() Source {
	return Source{PkgPath: "github.com/driftline/driftline/internal/config", Go: testSource}
}

// full has a value for every key, some of them hard to write.
func full() program {
	cfg := defaults()
	cfg.Name, cfg.Debug = "cost: ${NOT_A_VARIABLE} # $5", true
	cfg.Kafka.Password, cfg.Kafka.Secrets = "hunter2", []Secret{"hunter3"}
	cfg.Limits = &limits{Memory: 1536, Wait: 36 * time.Hour, Small: 7}
	cfg.Receivers = []receiver{{"http://one.test", 90 * time.Second}}
	cfg.Models = map[string]modelPart{"credit": {7 * day}, "yes": {time.Hour}}
	cfg.Labels = map[string]string{"a": "true", "b": "", "c": "123", "d": "line\nline"}
	cfg.Route = route{To: "a", Routes: []route{{To: "b"}}}
	return cfg
}

func TestDumpReadsBackTheSame(t *testing.T) {
	want := full()
	want.Kafka.Password, want.Kafka.Secrets = "", nil
	var out bytes.Buffer
	if err := Dump(&out, &want, source()); err != nil {
		t.Fatal(err)
	}
	got := program{}
	if err := Parse("dump.yaml", out.Bytes(), &got); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	again := bytes.Buffer{}
	if err := Dump(&again, &got, source()); err != nil {
		t.Fatal(err)
	}
	if got.Name != want.Name || !reflect.DeepEqual(got.Limits, want.Limits) || !reflect.DeepEqual(got.Labels, want.Labels) || again.String() != out.String() {
		t.Errorf("got\n%s\nwant\n%s", again.String(), out.String())
	}
}

func TestDumpHidesSecretsAndShowsComments(t *testing.T) {
	var out bytes.Buffer
	if err := Dump(&out, full(), source()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`password: '***'`, "# connection\nkafka:\n", "  # required\n  brokers: ['localhost:9092']\n", "  wait: 36h\n", "  memory: 1536B\n", "# of the instance\nname:"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "hunter") {
		t.Errorf("a secret shows in\n%s", out.String())
	}
}

func TestDiffShowsOnlyWhatDiffers(t *testing.T) {
	cfg := defaults()
	cfg.Workers, cfg.Kafka.Password = 8, "hunter2"
	var out bytes.Buffer
	if err := Diff(&out, cfg, defaults(), source()); err != nil {
		t.Fatal(err)
	}
	want := "# connection\nkafka:\n  password: '***'\nworkers: 8\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	out.Reset()
	if err := Diff(&out, defaults(), defaults()); err != nil || out.Len() > 0 {
		t.Errorf("no difference gives %q, %v", out.String(), err)
	}
}

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := Schema(defaults(), source())
	if err != nil {
		t.Fatal(err)
	}
	return compile(t, text)
}

func compile(t *testing.T, text []byte) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("config.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("config.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The schema and Load agree on keys and types.
func TestSchemaAgreesWithLoad(t *testing.T) {
	s := compileSchema(t)
	tests := map[string]bool{
		`{}`: true, `{"kafka": null}`: true, `{"limits": {"wait": "7d", "memory": "1.5GB"}}`: true,
		`{"limits": {"memory": 4096}}`: true, `{"workers": "${N:-3}"}`: true, `{"name": 5}`: true,
		`{"kafka": {"secrets_file": []}}`: true, `{"route": {"routes": [{"routes": [{"to": "x"}]}]}}`: true,
		`{"models": {"any": {"window": "1h"}}}`: true, `{"extra": {"a": [1]}}`: true, `{"limits": {"wait": "0"}}`: true,
		`{"zebra": 1}`: false, `{"workers": "many"}`: false, `{"workers": 1.5}`: false, `{"limits": {"wait": "5"}}`: false,
		`{"limits": {"small": -1}}`: false, `{"kafka": []}`: false, `{"kafka": {"brokers": "x"}}`: false, `{"debug": "yes"}`: false,
		`{"workers_file": "x"}`: false, `{"route": {"routes": [{"two": "x"}]}}`: false, `{"limits": {"memory": "lots"}}`: false,
		`{"models": {"any": {"windo": "1h"}}}`: false, `{"labels": ["x"]}`: false,
	}
	for text, ok := range tests {
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(v); (err == nil) != ok {
			t.Errorf("schema on %s: %v", text, err)
		}
		if _, err := load(t, text); (err == nil) != ok {
			t.Errorf("load of %s: %v", text, err)
		}
	}
}

func TestSchemaHasDescriptionsAndDefaults(t *testing.T) {
	text, err := Schema(defaults(), source())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"$schema": "https://json-schema.org/draft/2020-12/schema"`, `"description": "of the instance"`, `"default": 4`, `"password_file"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in the schema", want)
		}
	}
}

func TestMarkdown(t *testing.T) {
	page, err := Markdown(defaults(), source())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| `kafka` | section | [see below](#kafka) | connection |",
		"\n## `kafka`\n", "| `brokers` | list of text | `[localhost:9092]` | required |",
		"\n## `receivers[]`\n", "| `timeout` | duration | `5s` |",
		"\n## `models.*`\n", "| `password` | secret |  |  |", "| `labels` | map of text | `{team: ml}` |",
		"\n## `route`\n", "| `workers` | whole number | `4` |", "\n## `limits`\n", "| `wait` | duration | `1s` |",
	} {
		if !strings.Contains(string(page), want) {
			t.Errorf("no %q in\n%s", want, page)
		}
	}
}

func TestUndocumented(t *testing.T) {
	got, err := Undocumented(&kafkaPart{}, source())
	if err != nil || !reflect.DeepEqual(got, []string{"password", "secrets"}) {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestBrokenSourceIsNamed(t *testing.T) {
	broken := Source{PkgPath: "example/broken", Go: "package"}
	if err := Dump(&bytes.Buffer{}, defaults(), broken); err == nil || !strings.Contains(err.Error(), "example/broken") {
		t.Errorf("got %v", err)
	}
}

func TestDurationsAndBytesReadBack(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", time.Second: "1s", 90 * time.Second: "1m30s", time.Hour: "1h", 36 * time.Hour: "36h", 14 * day: "14d", 10 * time.Minute: "10m", -day: "-24h",
	} {
		got := FormatDuration(d)
		if back, err := ParseDuration(got); got != want || back != d || err != nil {
			t.Errorf("%v: %q, back %v, %v", int64(d), got, back, err)
		}
	}
	for _, bad := range []string{"", "5", "d", "1d2", "-1d", "1d-1h", "999999d", "1x", "1.5d"} {
		if d, err := ParseDuration(bad); err == nil {
			t.Errorf("%q: got %v", bad, d)
		}
	}
	for b, want := range map[Bytes]string{0: "0B", 1000: "1000B", 1 << 10: "1KiB", 3 << 29: "1536MiB", 1 << 40: "1TiB"} {
		var back Bytes
		if err := back.UnmarshalText([]byte(b.String())); b.String() != want || back != b || err != nil {
			t.Errorf("%d: %q, back %d, %v", int64(b), b.String(), back, err)
		}
	}
	for text, want := range map[string]Bytes{"12": 12, "1.5GB": 15e8, " 2 kB ": 2000, "0.5KiB": 512} {
		var got Bytes
		if err := got.UnmarshalText([]byte(text)); got != want || err != nil {
			t.Errorf("%q: got %d, %v", text, got, err)
		}
	}
	for _, bad := range []string{"", "-1B", "1PB", "NaN", "Inf", "9e30", "MiB"} {
		var got Bytes
		if err := got.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q: got %d", bad, got)
		}
	}
}

func TestSecretNeverShows(t *testing.T) {
	s := Secret("hunter2")
	asJSON, err := json.Marshal(map[string]any{"s": s})
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{fmt.Sprint(s), fmt.Sprintf("%v %+v %#v %q %s", s, s, s, s, s), string(asJSON)} {
		if strings.Contains(shown, "hunter") {
			t.Errorf("shows as %s", shown)
		}
	}
}

func TestNearest(t *testing.T) {
	keys := []string{"brokers", "client_id", "tls", "flush_interval"}
	for typed, want := range map[string]string{
		"broker": "brokers", "flushInterval": "flush_interval", "FLUSH-INTERVAL": "flush_interval", "clientid": "client_id",
		"tsl": "tls", "zebra": "", "x": "", "": "",
	} {
		if got := nearest(typed, keys); got != want {
			t.Errorf("%q: got %q, want %q", typed, got, want)
		}
	}
}

// A field with choices takes these texts only, in a list and as keys too, and
// says what each means.
func TestSchemaListsChoices(t *testing.T) {
	s := source()
	choices := []Choices{{"letters", []Choice{{"a", "The first."}, {"b", "The second."}}}, {"others", []Choice{{"z", "The last."}}}}
	s.Choices = map[string][]Choices{"common.Name": choices, "kafkaPart.Brokers": choices, "program.Labels": choices[:1]}
	text, err := Schema(defaults(), s)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"const": "a"`, `"description": "The second."`} {
		if strings.Count(string(text), part) != 1 {
			t.Errorf("the schema has %s %d times, want once", part, strings.Count(string(text), part))
		}
	}
	schema := compile(t, text)
	for _, c := range []struct {
		doc string
		ok  bool
	}{
		{`{"name": "a"}`, true},
		{`{"name": "c"}`, false},
		{`{"name": "${X}"}`, true},
		{`{"labels": {"a": "x"}}`, true},
		{`{"labels": {"z": "x"}}`, false},
		{`{"labels": null}`, true},
		{`{"kafka": {"brokers": ["a", "z"]}}`, true},
		{`{"kafka": {"brokers": ["c"]}}`, false},
	} {
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(c.doc))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(doc); (err == nil) != c.ok {
			t.Errorf("%s: %v, want valid %v", c.doc, err, c.ok)
		}
	}
}
