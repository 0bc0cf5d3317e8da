package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/ingest"
	"github.com/driftline/driftline/internal/embedded/embeddedtest"
	"github.com/driftline/driftline/internal/kafka"
)

// deadLetters starts a broker with five dead letters of topic in, one of them
// twice, and gives a configuration that reaches it.
func deadLetters(t *testing.T) (config string) {
	t.Helper()
	cfg := kafka.DefaultConfig()
	cfg.Brokers = embeddedtest.Kafka(t).Addrs()
	cl, err := cfg.Dial()
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if err := kafka.CreateTopics(t.Context(), cl, 1, "in", kafka.DLQ("in")); err != nil {
		t.Fatal(err)
	}
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	letter := func(partition, offset int, minutes int, reason, detail, value string) *kgo.Record {
		h := func(k, v string) kgo.RecordHeader { return kgo.RecordHeader{Key: k, Value: []byte(v)} }
		return &kgo.Record{Topic: kafka.DLQ("in"), Key: []byte("k"), Value: []byte(value), Headers: []kgo.RecordHeader{
			h("trace", "t1"), h(ingest.HeaderReason, reason), h(ingest.HeaderError, detail), h(ingest.HeaderTopic, "in"),
			h(ingest.HeaderPartition, strconv.Itoa(partition)), h(ingest.HeaderOffset, strconv.Itoa(offset)),
			h(ingest.HeaderTimestamp, noon.Add(time.Duration(minutes)*time.Minute).Format(time.RFC3339Nano)),
		}}
	}
	if err := cl.ProduceSync(t.Context(),
		letter(0, 10, 0, "bad_json", "unexpected end", `{"a`),
		letter(0, 11, 1, "bad_json", "unexpected \x1b[31mend", `{"abc`),
		letter(0, 11, 1, "bad_json", "unexpected \x1b[31mend", `{"abc`),
		letter(1, 10, 2, "missing_field", "timestamp is <missing>", `{}`),
		letter(2, 7, 3, "bad_field", strings.Repeat("long ", 30), "\xff\x00"),
		letter(2, 9, 4, "bad_json", "not an object", `[]`),
	).FirstErr(); err != nil {
		t.Fatal(err)
	}
	return writeFile(t, "driftline.yaml", fmt.Sprintf(
		"kafka: {brokers: [%q]}\nclickhouse: {addr: [\"127.0.0.1:1\"]}\ningest: {topics: [{topic: in, kind: events}, {topic: labels, kind: labels}]}\n", cfg.Brokers[0]))
}

// golden compares with testdata/name, or writes it with -update.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

func TestDLQOutput(t *testing.T) {
	config := deadLetters(t)
	for name, args := range map[string][]string{
		"dlq_list.txt":         {"list"},
		"dlq_list.json":        {"list", "-o", "json"},
		"dlq_list_limited.txt": {"list", "--reason", "bad_json", "--limit", "1"},
		"dlq_list_none.txt":    {"list", "--contains", "nothing says this"},
		"dlq_show.txt":         {"show", "--partition", "2", "--offset", "7"},
		"dlq_show.json":        {"show", "--reason", "bad_json", "-o", "json"},
		"dlq_dry_run.txt":      {"replay", "--dry-run", "--partition", "0"},
		"dlq_dry_run.json":     {"replay", "--dry-run", "--limit", "1", "-o", "json"},
	} {
		t.Run(name, func(t *testing.T) {
			stdout, stderr, code := driftline(t, append([]string{"dlq", args[0], "--topic", "in", "-config", config}, args[1:]...)...)
			if code != 0 || stderr != "" {
				t.Fatalf("exit %d: %s", code, stderr)
			}
			golden(t, name, stdout)
		})
	}
}

func TestDLQReplayIsIdempotent(t *testing.T) {
	config := deadLetters(t)
	for i, want := range []struct{ sent, before int }{{5, 0}, {0, 5}} {
		stdout, stderr, code := driftline(t, "dlq", "replay", "--topic", "in", "-config", config, "-o", "json")
		var report struct {
			Sent   int
			Before int `json:"already_replayed"`
		}
		if err := json.Unmarshal([]byte(stdout), &report); err != nil || code != 0 {
			t.Fatalf("exit %d: %s %v", code, stderr, err)
		}
		if report.Sent != want.sent || report.Before != want.before {
			t.Errorf("run %d: %+v, want %+v", i, report, want)
		}
	}
	stdout, _, _ := driftline(t, "dlq", "replay", "--topic", "in", "-config", config)
	if want := "replayed 0 dead letters of in to in; 5 were replayed before (1 came twice)\n"; stdout != want {
		t.Errorf("got %q, want %q", stdout, want)
	}
	stdout, _, _ = driftline(t, "dlq", "list", "--topic", "in", "-config", config)
	if !strings.HasPrefix(stdout, "in.dlq: 5 dead letters of in, 5 replayed (1 came twice)\n") {
		t.Errorf("list:\n%s", stdout)
	}
}

func TestDLQMistakes(t *testing.T) {
	config := deadLetters(t)
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"no topic":          {[]string{"list"}, "--topic is missing; configured topics: in, labels"},
		"unknown topic":     {[]string{"list", "--topic", "inference"}, `unknown topic "inference"; configured topics: in, labels`},
		"mistyped topic":    {[]string{"list", "--topic", "lables"}, `did you mean "labels"?`},
		"dlq as topic":      {[]string{"show", "--topic", "in.dlq"}, "give --topic in"},
		"never ingested":    {[]string{"list", "--topic", "labels"}, "topic labels.dlq does not exist"},
		"bad time":          {[]string{"list", "--topic", "in", "--since", "noon"}, `--since "noon" is no time`},
		"empty time":        {[]string{"list", "--topic", "in", "--since", "1h", "--until", "2h"}, "no time lies between"},
		"offsets":           {[]string{"list", "--topic", "in", "--offset", "1", "--to-offset", "2"}, "either --offset"},
		"empty offsets":     {[]string{"list", "--topic", "in", "--from-offset", "3", "--to-offset", "2"}, "offsets from 3 to 2"},
		"output":            {[]string{"list", "--topic", "in", "-o", "yaml"}, `unsupported output "yaml"`},
		"limit":             {[]string{"list", "--topic", "in", "--limit", "-1"}, "limit is -1"},
		"none to show":      {[]string{"show", "--topic", "in", "--reason", "x"}, "no dead letter matches; see driftline dlq list"},
		"to an unknown one": {[]string{"replay", "--topic", "in", "--to", "nowhere"}, "topic nowhere, where the letters shall go, does not exist"},
		"argument":          {[]string{"list", "in"}, `unexpected argument "in"`},
	} {
		t.Run(name, func(t *testing.T) {
			stdout, stderr, code := driftline(t, append([]string{"dlq", tc.args[0], "-config", config}, tc.args[1:]...)...)
			if code != 1 || !strings.Contains(stderr, tc.want) || stdout != "" {
				t.Errorf("exit %d, stdout %q, stderr %q; want %q", code, stdout, stderr, tc.want)
			}
		})
	}
}
