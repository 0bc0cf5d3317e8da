package otlp_test

import (
	"maps"
	"math/rand/v2"
	"reflect"
	"testing"

	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/driftline/driftline/ingest/otlp"
	"github.com/driftline/driftline/schemas"
)

func encode(tb testing.TB, m proto.Message) []byte {
	tb.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func sameSample(a, b schemas.Sample) bool {
	isSame := maps.Equal(a.Labels, b.Labels) && a.Value == b.Value
	a.Labels, b.Labels, a.Value, b.Value = nil, nil, 0, 0
	return isSame && reflect.DeepEqual(a, b)
}

func compareSamples(t *testing.T, got, want []schemas.Sample) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d samples, the reference gives %d", len(got), len(want))
	}
	for i := range got {
		if !sameSample(got[i], want[i]) {
			t.Fatalf("sample %d\ngot  %+v\nwant %+v", i, got[i], want[i])
		}
	}
}

func compareEvents(t *testing.T, got, want []schemas.Event) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d events, the reference gives %d", len(got), len(want))
	}
	for i := range got {
		g, w := got[i], want[i]
		isSame := maps.Equal(g.Features.Numeric, w.Features.Numeric) && maps.Equal(g.Features.Categorical, w.Features.Categorical)
		g.Features, w.Features = schemas.Features{}, schemas.Features{}
		if !isSame || !reflect.DeepEqual(g, w) {
			t.Fatalf("event %d\ngot  %+v\nwant %+v", i, got[i], want[i])
		}
	}
}

const rounds = 1000

// One decoder takes all records and another is new for each: what they give
// must not depend on what they remember.
func TestMetricsAgreeWithTheReference(t *testing.T) {
	var old otlp.Decoder
	var total uint64
	for seed := range uint64(rounds) {
		data := maker{rand.New(rand.NewPCG(seed, 1))}.metrics()
		b := encode(t, data)
		want, skipped, err := refMetrics(data)
		if err != nil {
			t.Fatal(err)
		}
		total += skipped
		var fresh otlp.Decoder
		for _, d := range []*otlp.Decoder{&old, &fresh} {
			got, err := d.Metrics(nil, b)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			compareSamples(t, got, want)
		}
		if got := old.Stats().SkippedPoints; got != total {
			t.Fatalf("seed %d: %d values skipped, the reference %d", seed, got, total)
		}
	}
}

func TestTracesAgreeWithTheReference(t *testing.T) {
	var old otlp.Decoder
	var total, events uint64
	for seed := range uint64(rounds) {
		data := maker{rand.New(rand.NewPCG(seed, 2))}.traces()
		b := encode(t, data)
		want, skipped := refTraces(data)
		total, events = total+skipped, events+uint64(len(want))
		var fresh otlp.Decoder
		for _, d := range []*otlp.Decoder{&old, &fresh} {
			got, err := d.Traces(nil, b)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			compareEvents(t, got, want)
		}
		if got := old.Stats().SkippedSpans; got != total {
			t.Fatalf("seed %d: %d spans skipped, the reference %d", seed, got, total)
		}
	}
	if events < rounds || total < rounds {
		t.Errorf("%d events and %d other spans: too few to tell", events, total)
	}
}

// Concatenated messages are one message by the rules of protobuf, fields may
// come in any order, and an embedded message may come in pieces.
func TestMergedMessagesAgreeWithTheReference(t *testing.T) {
	for seed := range uint64(rounds) {
		m := maker{rand.New(rand.NewPCG(seed, 3))}
		pieces := func(f func() proto.Message) (b []byte) {
			for range 1 + m.IntN(3) {
				b = append(b, encode(t, f())...)
			}
			return b
		}
		rm := pieces(func() proto.Message { return &metrics.ResourceMetrics{Resource: m.resource()} })
		metric := pieces(func() proto.Message { return m.metric() })
		b := field(1, append(field(2, field(2, metric)), rm...))
		data := &metrics.MetricsData{}
		if err := proto.Unmarshal(b, data); err != nil {
			t.Fatal(err)
		}
		want, _, refErr := refMetrics(data)
		got, err := new(otlp.Decoder).Metrics(nil, b)
		if (err != nil) != (refErr != nil) {
			t.Fatalf("seed %d: %v, the reference: %v", seed, err, refErr)
		}
		compareSamples(t, got, want)

		span := pieces(func() proto.Message { return m.span() })
		b = field(1, append(field(2, field(2, span)), rm...))
		traces := &trace.TracesData{}
		if err := proto.Unmarshal(b, traces); err != nil {
			t.Fatal(err)
		}
		events, _ := refTraces(traces)
		if got, err := new(otlp.Decoder).Traces(nil, b); err != nil {
			t.Fatal(err)
		} else {
			compareEvents(t, got, events)
		}
	}
}
