package ingest_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/driftline/driftline/ingest"
	"github.com/driftline/driftline/internal/config"
)

// file is a configuration with this section only.
type file struct {
	Ingest ingest.Config `yaml:"ingest"`
}

func parse(dir, yaml string) (ingest.Config, error) {
	cfg := file{Ingest: ingest.DefaultConfig()}
	err := config.Parse(filepath.Join(dir, "d.yaml"), []byte(yaml), &cfg)
	return cfg.Ingest, err
}

const valid = `ingest:
  topics:
    - {topic: events, kind: events, tenant_from: header, tenants: [a, b], dead_letters: encrypt}
    - {topic: labels, kind: labels}
    - {topic: gpu-1, kind: telemetry, tenant_from: topic, tenant: lab}
  max_models: 100
  quotas:
    a: {rows_per_second: 1000, bytes_per_second: 1MiB}
    "*": {rows_per_second: 10, max_models: 5}
  hash_key_file: key
  dead_letter_keys: [{id: k1, key_file: k1}]
  policies:
    - {action: hash, fields: [request_id, features.email]}
    - {action: drop, fields: [score, features.user.*, labels.token], kinds: [events, telemetry]}
    - {action: truncate, fields: [node], bytes: 8, topics: ["gpu-*"]}
    - {action: allow_values, fields: [segment], values: [eu, us], models: [credit], tenants: [a]}
    - {action: allow_fields, fields: [tenant, request_id, features.*], topics: [events]}
`

func keys(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range map[string]string{"key": strings.Repeat("k", 32), "k1": base64.StdEncoding.EncodeToString(make([]byte, 32)), "short": "short"} {
		check(t, os.WriteFile(filepath.Join(dir, name), []byte(text+"\n"), 0o600))
	}
	return dir
}

func TestPolicyConfig(t *testing.T) {
	cfg, err := parse(keys(t), valid)
	check(t, err)
	if p := cfg.Policies[2]; cfg.HashKey.Value() != strings.Repeat("k", 32) || p.Bytes != 8 || cfg.Quotas["*"].MaxModels != 5 || cfg.Topics[1].TenantFrom != ingest.TenantFromField {
		t.Errorf("%+v", cfg)
	}
	if text := fmt.Sprintf("%+v %#v", cfg, cfg); strings.Contains(text, "kkkk") || strings.Contains(text, "AAAA") {
		t.Error("keys are shown")
	}
}

// Every mistake names its file, line and key, and what was meant.
func TestPolicyMistakes(t *testing.T) {
	dir := keys(t)
	for _, c := range []struct{ old, new, want string }{
		{"action: hash", "action: hush", `d.yaml:13: ingest.policies[0].action: unsupported action "hush"; did you mean "hash"?`},
		{"action: hash, ", "", `d.yaml:13: ingest.policies[0].action: is missing; give one of drop, hash`},
		{"[request_id, features.email]", "[request-id]", `d.yaml:13: ingest.policies[0].fields[0]: no field "request-id" in events, labels, telemetry, jobs, changes; did you mean "request_id"?`},
		{"[request_id, features.email]", "[features]", `did you mean "features.*"?`},
		{"[request_id, features.email]", "[]", `ingest.policies[0].fields: is missing`},
		{"[request_id, features.email]", "[model]", `ingest.policies[0].fields[0]: model cannot be touched`},
		{"[request_id, features.email]", "[score]", `ingest.policies[0].fields[0]: score is a number, which hash cannot be applied to`},
		{"kinds: [events, telemetry]", "kinds: [events, telemtry]", `d.yaml:14: ingest.policies[1].kinds[1]: unsupported kind "telemtry"; did you mean "telemetry"?`},
		{"[score, features.user.*, labels.token], kinds: [events, telemetry]", "[score, request_id]", `ingest.policies[1].fields[1]: would drop request_id of labels, which is required`},
		{"[score, features.user.*, labels.token], kinds: [events, telemetry]", "['*']", `would drop request_id of labels, job of jobs, run_id of jobs`},
		{"kinds: [events, telemetry]", "kinds: [labels]", `ingest.policies[1].fields[1]: no field "features.user.*" in labels`},
		{", bytes: 8", "", `d.yaml:15: ingest.policies[2].bytes: is missing`},
		{"fields: [segment], values: [eu, us]", "fields: [segment]", `d.yaml:16: ingest.policies[3].values: is missing`},
		{"action: hash, ", "action: hash, values: [a], ", `ingest.policies[0].values: holds for action allow_values only`},
		{"action: hash, ", "action: hash, bytes: 2, ", `ingest.policies[0].bytes: holds for action truncate only`},
		{`topics: ["gpu-*"]`, `topics: [gpu]`, `d.yaml:15: ingest.policies[2].topics[0]: "gpu" is none of ingest.topics`},
		{`topics: ["gpu-*"]`, `topics: [label]`, `"label" is none of ingest.topics; did you mean "labels"?`},
		{`topics: ["gpu-*"]`, `topics: ["gpu-*"], kinds: [labels]`, `ingest.policies[2].kinds: none of the topics is of this kind`},
		{", topics: [events]", "", `ingest.policies[4].fields: would drop job of jobs, run_id of jobs, id of changes, entity of changes`},
		{"hash_key_file: key", "hash_key_file: short", `d.yaml:10: ingest.hash_key: is shorter than 32 characters`},
		{"hash_key_file: key", "", `ingest.policies[0].action: is hash, but ingest.hash_key is missing`},
		{"key_file: k1", "key_file: short", `d.yaml:11: ingest.dead_letter_keys[0].key: is no key: give 32 random bytes in base64`},
		{"id: k1", "id: a/b", `ingest.dead_letter_keys[0].id: is "a/b"`},
		{"[{id: k1, key_file: k1}]", "[]", `d.yaml:3: ingest.topics[0].dead_letters: is encrypt, but ingest.dead_letter_keys is empty`},
		{"[{id: k1, key_file: k1}]", "[{id: k1, key_file: k1}, {id: k1, key_file: k1}]", `ingest.dead_letter_keys[1].id: "k1" is given twice`},
		{"dead_letters: encrypt", "dead_letters: encrpt", `ingest.topics[0].dead_letters: unsupported choice "encrpt"; did you mean "encrypt"?`},
		{"tenant_from: header", "tenant_from: heder", `ingest.topics[0].tenant_from: unsupported source "heder"; did you mean "header"?`},
		{"tenant_from: topic", "tenant_from: topic, tenants: [b]", `ingest.topics[2].tenants: "lab", which all records of the topic belong to, is not among them`},
		{"rows_per_second: 10,", "rows_per_second: -1,", `d.yaml:9: ingest.quotas.*.rows_per_second: is -1`},
		{"rows_per_second: 10,", "row_per_second: 1,", `did you mean "rows_per_second"?`},
		{"max_models: 100", "max_models: 0", `d.yaml:6: ingest.max_models: is 0; give 1 or more`},
	} {
		if strings.Count(valid, c.old) != 1 {
			t.Fatalf("%q is %d times in the file", c.old, strings.Count(valid, c.old))
		}
		_, err := parse(dir, strings.Replace(valid, c.old, c.new, 1))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s → %s:\n got %v\nwant %s", c.old, c.new, err, c.want)
		}
	}
}
