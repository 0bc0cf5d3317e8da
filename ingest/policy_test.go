package ingest

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/VictoriaMetrics/metrics"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/schemas"
)

const testKey = "0123456789abcdef0123456789abcdef"

// patternOracle is the plain meaning of a pattern.
func patternOracle(p, s string) bool {
	parts := strings.Split(p, "*")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile(`(?s)\A` + strings.Join(parts, ".*") + `\z`).MatchString(s)
}

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		p, s string
		want bool
	}{
		{"request_id", "request_id", true},
		{"request_id", "request_id2", false},
		{"features.*", "features.age", true},
		{"features.*", "features.", true},
		{"features.*", "feature", false},
		{"*", "", true},
		{"", "", true},
		{"", "a", false},
		{"*_id", "request_id", true},
		{"a*b*c", "a-b-b-c", true},
		{"a*b*c", "a-c-b", false},
		{"**a", "xa", true},
		{"*ab", "aab", true},
		{"features.*.email", "features.user.home.email", true},
	} {
		if got := pattern(c.p).match(c.s); got != c.want {
			t.Errorf("%q matches %q: %v", c.p, c.s, got)
		}
	}
}

func FuzzPattern(f *testing.F) {
	f.Add("features.*_id", "features.user_id")
	f.Add("a*b*c**", "aXbYbZc")
	f.Add("*", "\xff\n")
	f.Fuzz(func(t *testing.T, p, s string) {
		if !utf8.ValidString(p) || !utf8.ValidString(s) { // which regular expressions are for
			t.Skip()
		}
		if got, want := pattern(p).match(s), patternOracle(p, s); got != want {
			t.Errorf("%q matches %q: %v, want %v", p, s, got, want)
		}
		for i := range len(s) + 1 {
			if pattern(p).match(s) && !pattern(p).mayMatchIn(s[:i]) {
				t.Errorf("%q matches %q, but nothing that begins with %q", p, s, s[:i])
			}
		}
	})
}

// gated is an ingester with a configuration, in memory.
func gated(cfg Config) *Ingester {
	if cfg.BatchRows == 0 {
		limits := DefaultConfig()
		limits.Topics, limits.Policies, limits.Quotas, limits.HashKey, limits.LetterKeys = cfg.Topics, cfg.Policies, cfg.Quotas, cfg.HashKey, cfg.LetterKeys
		cfg = limits
	}
	return New(cfg, Options{Windows: "windows", Schemas: localSchemas{}, Log: slog.New(slog.DiscardHandler), Metrics: metrics.NewSet()})
}

func hashed(tenant, value string) string {
	mac := hmac.New(sha256.New, []byte(testKey))
	mac.Write([]byte(tenant + "\x00" + value))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

func fullEvent() *rawEvent {
	e := &rawEvent{}
	e.reset()
	for name, at := range map[string]*[]byte{
		"tenant": &e.tenant, "model": &e.model, "version": &e.version, "segment": &e.segment, "request_id": &e.requestID,
		"deployment": &e.deployment, "pod": &e.pod, "node": &e.node, "gpu": &e.gpu, "prediction": &e.prediction,
	} {
		*at = []byte(name + "-ä")
	}
	e.score, e.latency, e.millis = .5, 7, 1e12
	e.number([]byte("age"), 40)
	e.number([]byte("phone"), 4930)
	e.category([]byte("country"), []byte("de"))
	e.category([]byte("email"), []byte("a@b.example"))
	return e
}

// shown is what is left of an event, as text by field.
func shown(e *rawEvent) map[string]string {
	out := map[string]string{
		"tenant": string(e.tenant), "model": string(e.model), "version": string(e.version), "segment": string(e.segment), "request_id": string(e.requestID),
		"deployment": string(e.deployment), "pod": string(e.pod), "node": string(e.node), "gpu": string(e.gpu), "prediction": string(e.prediction),
		"score": number(e.score), "latency_ms": number(e.latency),
	}
	for i, name := range e.numNames {
		out["features."+string(name)] = number(e.numValues[i])
	}
	for i, name := range e.catNames {
		out["features."+string(name)] = string(e.catValues[i])
	}
	maps.DeleteFunc(out, func(_, v string) bool { return v == "" })
	return out
}

// Every action does what it says to the fields that it names, and to no other.
func TestActions(t *testing.T) {
	tenant := "tenant-ä"
	for name, c := range map[string]struct {
		policies []Policy
		want     map[string]string // changed fields; empty when missing
	}{
		"none":                  {},
		"drop":                  {[]Policy{{Action: "drop", Fields: []string{"request_id", "score", "features.email", "features.age"}}}, map[string]string{"request_id": "", "score": "", "features.email": "", "features.age": ""}},
		"hash":                  {[]Policy{{Action: "hash", Fields: []string{"request_id", "features.email"}}}, map[string]string{"request_id": hashed(tenant, "request_id-ä"), "features.email": hashed(tenant, "a@b.example")}},
		"equal names":           {[]Policy{{Action: "hash", Fields: []string{"features.e*l"}}}, map[string]string{"features.email": hashed(tenant, "a@b.example")}},
		"numbers under hash go": {[]Policy{{Action: "hash", Fields: []string{"features.*", "scor*"}}}, map[string]string{"score": "", "features.age": "", "features.phone": "", "features.country": hashed(tenant, "de"), "features.email": hashed(tenant, "a@b.example")}},
		"truncate":              {[]Policy{{Action: "truncate", Bytes: 5, Fields: []string{"pod", "features.email"}}}, map[string]string{"pod": "pod-", "features.email": "a@b.e"}}, // ä takes two bytes
		"truncate long":         {[]Policy{{Action: "truncate", Bytes: 500, Fields: []string{"pod"}}}, nil},
		"allow values":          {[]Policy{{Action: "allow_values", Values: []string{"de", "x"}, Fields: []string{"features.country", "prediction"}}}, map[string]string{"prediction": "other"}},
		"allow fields": {[]Policy{{Action: "allow_fields", Fields: []string{"segment", "features.a*"}}}, map[string]string{
			"version": "", "request_id": "", "deployment": "", "pod": "", "node": "", "gpu": "", "prediction": "",
			"score": "", "latency_ms": "", "features.phone": "", "features.country": "", "features.email": "",
		}},
		"in order": {[]Policy{
			{Action: "truncate", Bytes: 1, Fields: []string{"features.email"}},
			{Action: "hash", Fields: []string{"features.*"}, Models: []string{"model-ä"}},
			{Action: "drop", Fields: []string{"features.age", "features.phone"}},
		}, map[string]string{"features.email": hashed(tenant, "a"), "features.country": hashed(tenant, "de"), "features.age": "", "features.phone": ""}},
		"another topic":  {[]Policy{{Action: "drop", Fields: []string{"*"}, Topics: []string{"out*"}}}, nil},
		"another kind":   {[]Policy{{Action: "drop", Fields: []string{"*"}, Kinds: []Kind{Labels}}}, nil},
		"another tenant": {[]Policy{{Action: "drop", Fields: []string{"*"}, Tenants: []string{"x"}}}, nil},
		"another model":  {[]Policy{{Action: "drop", Fields: []string{"pod"}, Models: []string{"x"}}, {Action: "drop", Fields: []string{"node"}, Models: []string{"mod*"}}}, map[string]string{"node": ""}},
	} {
		t.Run(name, func(t *testing.T) {
			in, topic := gated(Config{Policies: c.policies, HashKey: testKey}), Topic{Topic: "in", Kind: Events}
			g := newGate(in, topic, nil, eventShape)
			if (g == nil) != (len(in.cfg.policiesFor(topic)) == 0) {
				t.Fatal("gate", g)
			}
			want := shown(fullEvent())
			maps.Copy(want, c.want)
			maps.DeleteFunc(want, func(_, v string) bool { return v == "" })
			for range 3 { // what is remembered changes nothing
				e := fullEvent()
				if err := g.pass(&kgo.Record{}, []rawEvent{*e}); err != nil {
					t.Fatal(err)
				}
				rows := []rawEvent{*fullEvent()}
				if err := g.pass(&kgo.Record{}, rows); err != nil {
					t.Fatal(err)
				}
				if got := shown(&rows[0]); !maps.Equal(got, want) {
					t.Errorf("got  %v\nwant %v", got, want)
				}
			}
		})
	}
}

// Labels find their events by the hashed request id, and no other tenant's.
func TestHashedRequestsStillJoin(t *testing.T) {
	in := gated(Config{Policies: []Policy{{Action: "hash", Fields: []string{"request_id"}}}, HashKey: testKey})
	ids := map[string][2]string{}
	for _, tenant := range []string{"a", "b"} {
		events, labels := []rawEvent{{}}, []schemas.Label{{RequestID: "r1"}}
		events[0].requestID = []byte("r1")
		topic := Topic{Topic: "in", Tenant: tenant, Kind: Events}
		if err := newGate(in, topic, nil, eventShape).pass(&kgo.Record{}, events); err != nil {
			t.Fatal(err)
		}
		topic.Kind = Labels
		if err := newGate(in, topic, nil, labelShape).pass(&kgo.Record{}, labels); err != nil {
			t.Fatal(err)
		}
		ids[tenant] = [2]string{string(events[0].requestID), labels[0].RequestID}
		if e, l := ids[tenant][0], ids[tenant][1]; e != l || e != hashed(tenant, "r1") {
			t.Errorf("event %s, label %s", e, l)
		}
	}
	if ids["a"] == ids["b"] {
		t.Error("two tenants can tell that they share a request")
	}
}

func TestLabelsOfTelemetry(t *testing.T) {
	in := gated(Config{HashKey: testKey, Policies: []Policy{
		{Action: "drop", Fields: []string{"labels.password"}},
		{Action: "hash", Fields: []string{"labels.user*", "pod"}},
	}})
	rows := []schemas.Sample{{Pod: "p", Node: "n", Labels: map[string]string{"password": "x", "user_id": "u", "zone": "z"}}, {}}
	if err := newGate(in, Topic{Kind: Telemetry, Tenant: "t"}, nil, sampleShape).pass(&kgo.Record{}, rows); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"user_id": hashed("t", "u"), "zone": "z"}
	if s := rows[0]; !maps.Equal(s.Labels, want) || s.Pod != hashed("t", "p") || s.Node != "n" || rows[1].Pod != "" {
		t.Errorf("%+v", rows)
	}
}

// A text is cut between characters; what is no text is cut all the same.
func FuzzTruncated(f *testing.F) {
	f.Add([]byte("aäß€😀"), 4)
	f.Add(bytes.Repeat([]byte{0x80}, 20), 7)
	f.Fuzz(func(t *testing.T, v []byte, n int) {
		if n < 1 {
			t.Skip()
		}
		got := truncated(v, n)
		if len(got) > n || !bytes.HasPrefix(v, got) || len(v) > n && len(got) < n-utf8.UTFMax+1 {
			t.Errorf("%q cut to %d is %q", v, n, got)
		}
		if utf8.Valid(v) && !utf8.Valid(got) {
			t.Errorf("%q cut to %d is %q, which is no text", v, n, got)
		}
	})
}

// Names that producers make up do not fill the memory.
func TestNamesAreBounded(t *testing.T) {
	n := &names{policies: []*Policy{{Action: "drop", Fields: []string{"features.x*"}}}, group: featuresGroup, by: map[string]*treatment{}}
	for i := range maxNames + 10 {
		if n.of(fmt.Sprint("x", i)).none() || !n.of(fmt.Sprint("y", i)).none() {
			t.Fatal(i)
		}
	}
	if len(n.by) > maxNames {
		t.Errorf("%d names are remembered", len(n.by))
	}
}

// Every field of a kind is either open to policies or fixed: a field that is
// added later must not be forgotten.
func TestEveryFieldIsKnownToPolicies(t *testing.T) {
	for kind, want := range map[Kind][]string{
		Events:    jsonNames[schemas.Event](),
		Labels:    jsonNames[schemas.Label](),
		Telemetry: jsonNames[schemas.Sample](),
		Jobs:      jsonNames[schemas.JobEvent](),
		Changes:   jsonNames[schemas.Change](),
	} {
		info := kindInfos[kind]
		got := slices.Clone(info.fixed)
		for _, f := range info.fields {
			got = append(got, f.name)
		}
		if info.group != "" {
			got = append(got, strings.TrimSuffix(info.group, "."))
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: policies know %q, records hold %q", kind, got, want)
		}
	}
}

// jsonNames are the members of a record in JSON.
func jsonNames[T any]() (out []string) {
	for f := range reflect.TypeFor[T]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		out = append(out, name)
	}
	return out
}

// New texts of all rows of a record hold until the record is stored.
func TestHashesOfOneRecordDoNotOverlap(t *testing.T) {
	in := gated(Config{Policies: []Policy{{Action: "hash", Fields: []string{"request_id", "pod"}}}, HashKey: testKey})
	g := newGate(in, Topic{Kind: Events, Tenant: "t"}, nil, eventShape)
	for range 2 {
		rows := make([]rawEvent, 50)
		for i := range rows {
			rows[i].requestID, rows[i].pod = fmt.Append(nil, "r", i), fmt.Append(nil, "p", i)
		}
		if err := g.pass(&kgo.Record{}, rows); err != nil {
			t.Fatal(err)
		}
		for i := range rows {
			if string(rows[i].requestID) != hashed("t", fmt.Sprint("r", i)) || string(rows[i].pod) != hashed("t", fmt.Sprint("p", i)) {
				t.Fatalf("row %d: %s %s", i, rows[i].requestID, rows[i].pod)
			}
		}
	}
}
