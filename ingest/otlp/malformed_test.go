package otlp_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/driftline/driftline/ingest/otlp"
	"github.com/driftline/driftline/schemas"
)

// field encodes an embedded message or a string.
func field(num protowire.Number, b []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, num, protowire.BytesType), b)
}

func varint(num protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, num, protowire.VarintType), v)
}

func fixed(num protowire.Number, v uint64) []byte {
	return protowire.AppendFixed64(protowire.AppendTag(nil, num, protowire.Fixed64Type), v)
}

// nest puts b into fields, the innermost one last.
func nest(b []byte, fields ...protowire.Number) []byte {
	for _, num := range slices.Backward(fields) {
		b = field(num, b)
	}
	return b
}

func TestErrorsNameTheField(t *testing.T) {
	var d otlp.Decoder
	good := nest(nil, 1, 2, 2, 5)
	deep := []byte{}
	for range 40 {
		deep = nest(deep, 5, 1)
	}
	for _, c := range []struct {
		name, want string
		traces     bool
		record     []byte
	}{
		{name: "no OTLP", record: []byte(`{"resourceMetrics":[]}`), want: "unexpected EOF"},
		{name: "top", record: varint(1, 3), want: "unexpected wire type: field 1 has wire type 0, not 2"},
		{name: "unknown cut off", record: []byte{0x7a, 5, 1}, want: "field 15: unexpected EOF"},
		{name: "field number 0", record: []byte{0, 0}, want: "invalid field number"},
		{name: "end of no group", record: []byte{0x0c}, want: "mismatching end group marker"},
		{
			name: "point", record: append(good, nest(append(nest(nil, 2), nest(varint(3, 7), 2, 2, 7, 1)...), 1)...),
			want: "resource_metrics[1].scope_metrics[1].metrics[0].sum.data_points[0]: unexpected wire type: field 3 has wire type 0, not 1",
		},
		{
			name: "attribute", record: nest(append(field(7, nil), nest([]byte{0x0a, 9}, 7, 2)...), 1, 2, 2, 5, 1),
			want: "resource_metrics[0].scope_metrics[0].metrics[0].gauge.data_points[0].attributes[1].value: field 1: unexpected EOF",
		},
		{
			name: "resource", record: nest([]byte{0x0a, 9}, 1, 1, 1),
			want: "resource_metrics[0].resource.attributes[0]: field 1: unexpected EOF",
		},
		{
			name: "buckets", record: nest(append(fixed(6, 1), fixed(7, 0)...), 1, 2, 2, 9, 1),
			want: "resource_metrics[0].scope_metrics[0].metrics[0].histogram.data_points[0]: 1 bucket_counts and 1 explicit_bounds: there must be one count more",
		},
		{
			name: "packed", record: nest([]byte{1, 2, 3}, 1, 2, 2, 9, 1, 6),
			want: "resource_metrics[0].scope_metrics[0].metrics[0].histogram.data_points[0]: field 6: unexpected EOF",
		},
		{
			name: "quantile", record: nest(append(field(6, nil), nest(varint(1, 1), 6)...), 1, 2, 2, 11, 1),
			want: "resource_metrics[0].scope_metrics[0].metrics[0].summary.data_points[0].quantile_values[1]: unexpected wire type: field 1 has wire type 0, not 1",
		},
		{
			name: "nested", record: nest(append(field(1, []byte("k")), field(2, deep)...), 1, 1, 1),
			want: "resource_metrics[0].resource.attributes[0].value: over the limit: lists are nested deeper than 16",
		},
		{
			name: "span", traces: true, record: nest([]byte{0x4a}, 1, 2, 2),
			want: "resource_spans[0].scope_spans[0].spans[0]: field 9: unexpected EOF",
		},
		{
			name: "span attribute", traces: true, want: "resource_spans[0].scope_spans[0].spans[0].attributes[0].gen_ai.system: field 1: unexpected EOF",
			record: nest(append(field(1, []byte("gen_ai.system")), field(2, []byte{0x0a, 9})...), 1, 2, 2, 9),
		},
		{
			name: "status", traces: true, record: nest(field(3, nil), 1, 2, 2, 15),
			want: "resource_spans[0].scope_spans[0].spans[0].status: unexpected wire type: field 3 has wire type 2, not 0",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var err error
			if c.traces {
				_, err = d.Traces(nil, c.record)
			} else {
				_, err = d.Metrics(nil, c.record)
			}
			// protobuf puts a no-break space into some of its messages, by design
			if err == nil || !strings.HasPrefix(clean(err), c.want) && !strings.HasSuffix(clean(err), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
	if d.Stats() != (otlp.Stats{}) {
		t.Errorf("records with errors were counted: %+v", d.Stats())
	}
}

func clean(err error) string { return strings.ReplaceAll(err.Error(), "\u00a0", " ") }

// A record that is cut off anywhere gives what was in dst, and a record with
// any byte changed panics nowhere.
func TestAllOrNothing(t *testing.T) {
	var d otlp.Decoder
	for seed := range uint64(10) {
		m := maker{rand.New(rand.NewPCG(seed, 4))}
		points, spans := encode(t, m.metrics()), encode(t, m.traces())
		for _, b := range [][]byte{points, spans} {
			for n := range b {
				samples, err := d.Metrics(make([]schemas.Sample, 1, 4), b[:n])
				if err != nil && len(samples) != 1 {
					t.Fatalf("seed %d, cut off at %d: %d samples and %v", seed, n, len(samples), err)
				}
				events, err := d.Traces(make([]schemas.Event, 1, 4), b[:n])
				if err != nil && len(events) != 1 {
					t.Fatalf("seed %d, cut off at %d: %d events and %v", seed, n, len(events), err)
				}
				was := b[n]
				b[n] ^= 1 << m.IntN(8)
				_, _ = d.Metrics(nil, b)
				_, _ = d.Traces(nil, b)
				b[n] = was
			}
		}
	}
}

func TestLimits(t *testing.T) {
	var point, attrs []byte
	for range 100_001 {
		point = append(point, 0x0a, 0)
	}
	for i := range 2000 {
		attrs = append(attrs, field(1, append(field(1, strconv.AppendInt(nil, int64(i), 10)), nest([]byte("v"), 2, 1)...))...)
	}
	var d otlp.Decoder
	for range 2 { // what is remembered of the first time must not help the second
		_, err := d.Metrics(nil, nest(point, 1, 2, 2, 10))
		if err == nil || !strings.Contains(err.Error(), "more than 100000 rows") {
			t.Errorf("too many points: %v", err)
		}
		_, err = d.Metrics(nil, nest(append(field(1, attrs), nest(point[:4000], 2, 2, 10)...), 1))
		if err == nil || !strings.Contains(err.Error(), "the labels of the record come to more than") {
			t.Errorf("too many labels: %v", err)
		}
	}
}

// Whoever sends ever new series makes the decoder forget: its memory is
// bounded, and what comes out stays right.
func TestForgets(t *testing.T) {
	var d otlp.Decoder
	var after []uint64
	for round := range 6 {
		var points []byte
		for i := range 20_000 {
			id := fmt.Sprintf("%d-%d", round, i)
			attr := append(field(1, []byte("id")), nest([]byte(id), 2, 1)...)
			points = append(points, field(1, slices.Concat(field(7, attr), fixed(6, uint64(i))))...)
		}
		got, err := d.Metrics(nil, nest(points, 1, 2, 2, 5))
		if err != nil || len(got) != 20_000 {
			t.Fatal(len(got), err)
		}
		for i, s := range got {
			if want := fmt.Sprintf("%d-%d", round, i); s.Labels["id"] != want || s.Value != float64(i) {
				t.Fatalf("got %+v, want id %s", s, want)
			}
		}
		got = nil
		runtime.GC()
		var mem runtime.MemStats
		runtime.ReadMemStats(&mem)
		after = append(after, mem.HeapAlloc)
	}
	runtime.KeepAlive(&d)
	if most := after[0] + 40<<20; slices.Max(after) > most {
		t.Errorf("the heap grew record by record: %d bytes", after)
	}
}
