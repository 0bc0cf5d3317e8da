package ingest

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/schemas"
)

// tenantsOf are the tenants of the rows that a batch holds.
func tenantsOf(t *testing.T, b *batch) (out []string) {
	t.Helper()
	for _, col := range b.input() {
		switch c := col.Data.(type) {
		case *words:
			if col.Name == "tenant" {
				for _, id := range c.keys {
					out = append(out, c.dict.Row(int(id)))
				}
			}
		case *proto.ColLowCardinality[string]:
			if col.Name == "tenant" {
				out = append(out, c.Values...)
			}
		}
	}
	return out
}

var bodies = map[Kind]string{ // without tenant
	Events:    `"model":"m","timestamp":1772366400000`,
	Labels:    `"model":"m","request_id":"r","timestamp":"2026-03-01T12:00:00Z"`,
	Telemetry: `"metric":"m","timestamp":"2026-03-01T12:00:00Z"`,
	Jobs:      `"job":"j","run_id":"r","state":"started","timestamp":"2026-03-01T12:00:00Z"`,
	Changes:   `"id":"i","kind":"deploy","entity":"e","timestamp":"2026-03-01T12:00:00Z"`,
}

// newTestBatch is an open batch that takes records of any time.
func newTestBatch(in *Ingester, t Topic) *batch {
	b := newBatch(in, t, assignment{topic: t.Topic})
	b.arrival.clock = clock{minTime, maxTime - 1}
	return b
}

// Whose a record is depends on what the topic trusts.
func TestTenantSources(t *testing.T) {
	header := func(values ...string) (out []kgo.RecordHeader) {
		for _, v := range values {
			out = append(out, kgo.RecordHeader{Key: "who", Value: []byte(v)}, kgo.RecordHeader{Key: DefaultTenantHeader, Value: []byte("no")})
		}
		return out
	}
	for _, c := range []struct {
		from    string
		tenants []string
		field   string
		headers []kgo.RecordHeader
		want    string // empty: a dead letter
	}{
		{"", nil, "a", nil, "a"},
		{"", nil, "", header("h"), "home"},
		{"field", nil, "a", header("h"), "a"},
		{"field", []string{"a"}, "a", nil, "a"},
		{"field", []string{"a"}, "b", nil, ""},
		{"field", []string{"a"}, "", nil, ""},
		{"header", nil, "a", header("h"), "h"},
		{"header", nil, "a", nil, "home"},
		{"header", nil, "a", header(""), "home"},
		{"header", nil, "", header("g", "h"), "h"},
		{"header", []string{"h"}, "a", header("h"), "h"},
		{"header", []string{"a"}, "a", header("h"), ""},
		{"topic", nil, "a", header("h"), "home"},
		{"topic", []string{"home"}, "a", header("h"), "home"},
	} {
		for kind, body := range bodies {
			topic := Topic{Topic: "in", Kind: kind, Format: FormatJSON, Tenant: "home", TenantFrom: c.from, TenantHeader: "who", Tenants: c.tenants}
			b := newTestBatch(gated(Config{Topics: []Topic{topic}}), topic)
			r := &kgo.Record{Topic: "in", Value: fmt.Appendf(nil, `{"tenant":%q,%s}`, c.field, body), Headers: c.headers}
			if err := b.add(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			got := strings.Join(tenantsOf(t, b), " ")
			if got != c.want || len(b.dead) != 0 && (c.want != "" || string(headerOf(b.dead[0], HeaderReason)) != "unknown_tenant") {
				t.Errorf("%s from %q with field %q and headers %v of %v: %q, %d dead letters", kind, c.from, c.field, c.headers, c.tenants, got, len(b.dead))
			}
		}
	}
}

func headerOf(r *kgo.Record, key string) (value []byte) {
	for _, h := range r.Headers {
		if h.Key == key {
			value = h.Value
		}
	}
	return value
}

// A topic of which nothing is asked has no gate, so it pays for none.
func TestPlainTopicsHaveNoGate(t *testing.T) {
	in := gated(Config{Policies: []Policy{{Action: "drop", Fields: []string{"pod"}, Topics: []string{"other"}}}})
	for _, topic := range []Topic{{Topic: "in"}, {Topic: "in", TenantFrom: TenantFromField, TenantHeader: DefaultTenantHeader}} {
		if g := newGate(in, topic, in.quotas.bill(topic), eventShape); g != nil {
			t.Errorf("%+v has a gate", topic)
		}
	}
}

// rankedSchemas agrees in memory, and counts the model versions as the log does.
type rankedSchemas struct {
	localSchemas
	versions map[string]int
}

func (s rankedSchemas) Schema(key schemas.SchemaKey) *schemas.FeatureSchema {
	if known := s.localSchemas[key]; known != nil {
		return known
	}
	out := schemas.NewFeatureSchema(key)
	out.Rank = s.versions[key.Tenant]
	return out
}

func (s rankedSchemas) agree(key schemas.SchemaKey, names ...string) *schemas.FeatureSchema {
	out := s.Schema(key)
	if s.localSchemas[key] == nil {
		s.versions[key.Tenant]++
	}
	for _, name := range names {
		out = out.Extended(schemas.Numeric, name)
	}
	s.localSchemas[key] = out
	return out
}

// extending is one instance; another one names race/4 before its race/3 is in.
type extending struct{ rankedSchemas }

func (s extending) Extend(_ context.Context, key schemas.SchemaKey, missing []schemas.SchemaEntry) (*schemas.FeatureSchema, error) {
	if key.Tenant == "race" && key.Version == "3" {
		first := key
		first.Version = "4"
		s.agree(first, "a")
	}
	var names []string
	for _, m := range missing {
		names = append(names, m.Name)
	}
	return s.agree(key, names...), nil
}

// A tenant has a bounded number of model versions with features. Another
// instance may be faster with the last one; then both go by the log.
func TestModelsOfATenantAreBounded(t *testing.T) {
	cfg := DefaultConfig()
	cfg.MaxModels, cfg.Quotas = 3, map[string]Quota{"small": {MaxModels: 1}}
	topic := Topic{Topic: "in", Kind: Events, Format: FormatJSON, Tenant: "t"}
	cfg.Topics = []Topic{topic}
	agreed := rankedSchemas{localSchemas{}, map[string]int{}}
	in := gated(cfg)
	in.Schemas = extending{agreed}
	for _, c := range []struct {
		tenant, version, features, want string
	}{
		{"t", "1", `{"a":1}`, ""},
		{"t", "2", `{"a":1}`, ""},
		{"t", "3", `{}`, ""},
		{"t", "4", `{"a":1}`, ""},
		{"t", "5", `{"a":1}`, "too_many_models"},
		{"t", "5", `{"a":1}`, "too_many_models"},
		{"t", "5", `{}`, ""},
		{"t", "1", `{"a":1,"b":2}`, ""},
		{"t", "3", `{"c":"x"}`, "too_many_models"},
		{"small", "1", `{"a":1}`, ""},
		{"small", "2", `{"a":1}`, "too_many_models"},
		{"other", "1", `{"a":1}`, ""},
		{"race", "1", `{"a":1}`, ""},
		{"race", "2", `{"a":1}`, ""},
		{"race", "3", `{"a":1}`, "too_many_models"}, // another instance's "4" came before
		{"race", "4", `{"a":1}`, ""},
	} {
		b := newTestBatch(in, topic) // remembers nothing, as after a crash
		if err := b.add(t.Context(), &kgo.Record{Topic: "in", Value: fmt.Appendf(nil, `{"tenant":%q,"version":%q,"features":%s,"model":"m","timestamp":1772366400000}`, c.tenant, c.version, c.features)}); err != nil {
			t.Fatal(err)
		}
		got := ""
		if len(b.dead) > 0 {
			got = string(headerOf(b.dead[0], HeaderReason))
		}
		if got != c.want {
			t.Errorf("%s/%s %s: %q, want %q", c.tenant, c.version, c.features, got, c.want)
		}
	}
}

// The same records give the same rows and dead letters, whoever reads them
// after whatever else.
func TestGatesAreDeterministic(t *testing.T) {
	topic := Topic{Topic: "in", Kind: Events, Format: FormatJSON, Tenant: "t", TenantFrom: TenantFromHeader, Tenants: []string{"t", "u"}}
	cfg := Config{Topics: []Topic{topic}, HashKey: testKey, Quotas: map[string]Quota{"*": {RowsPerSecond: 1_000_000}}, Policies: []Policy{
		{Action: "hash", Fields: []string{"request_id", "features.c*"}},
		{Action: "allow_values", Values: []string{"x"}, Fields: []string{"segment"}, Tenants: []string{"u"}},
		{Action: "drop", Fields: []string{"features.n1*"}, Models: []string{"m1"}},
	}}
	var records []*kgo.Record
	for i := range 300 {
		r := &kgo.Record{Topic: "in", Offset: int64(i), Value: fmt.Appendf(nil,
			`{"model":"m%d","request_id":"r%d","segment":"s","timestamp":1772366400000,"features":{"n%d":1,"c%d":"v%d"}}`, i%3, i, i%17, i%11, i)}
		if i%5 > 0 {
			r.Headers = []kgo.RecordHeader{{Key: DefaultTenantHeader, Value: []byte{"tuvu"[i%4]}}}
		}
		if i%13 == 0 {
			r.Value = r.Value[:20]
		}
		records = append(records, r)
	}
	in := gated(cfg)
	fill := func(b *batch, from int) *batch {
		for _, r := range records[from:] {
			if err := b.add(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
		return b
	}
	fill(newTestBatch(in, topic), 0) // agrees on the features
	one, two := fill(newTestBatch(in, topic), 0), newTestBatch(in, topic)
	fill(two, 150)
	two.reset()
	two.arrival.clock = one.arrival.clock
	fill(two, 0)
	if !bytes.Equal(encodedInput(one.input()), encodedInput(two.input())) || len(one.dead) != len(two.dead) || len(one.dead) < 20 {
		t.Errorf("%d and %d dead letters, or other rows", len(one.dead), len(two.dead))
	}
	for i := range one.dead {
		if fmt.Sprintf("%+v", one.dead[i]) != fmt.Sprintf("%+v", two.dead[i]) {
			t.Errorf("%+v\n%+v", one.dead[i], two.dead[i])
		}
	}
}

// encodedInput is a block as it would be sent.
func encodedInput(in proto.Input) []byte {
	var b proto.Buffer
	for _, col := range in {
		if p, ok := col.Data.(proto.Preparable); ok {
			if err := p.Prepare(); err != nil {
				panic(err)
			}
		}
		if s, ok := col.Data.(proto.StateEncoder); ok {
			s.EncodeState(&b)
		}
		col.Data.EncodeColumn(&b)
	}
	return b.Buf
}
