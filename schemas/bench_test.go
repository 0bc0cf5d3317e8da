package schemas_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/driftline/driftline/schemas"
)

// typicalEvent has 20 numeric and 5 categorical features.
func typicalEvent() *schemas.Event {
	e := &schemas.Event{
		Tenant: "default", Model: "credit", Version: "v1", Segment: "DE", RequestID: "credit-000000012345", Time: time.UnixMilli(1767323045678).UTC(),
		Deployment: "credit-eu", Pod: "credit-eu-1", Node: "node-1", GPU: "node-1/0", Prediction: "1", Score: new(0.731), LatencyMS: new(12.25),
		Features: schemas.Features{Numeric: map[string]float64{}, Categorical: map[string]string{}},
	}
	for i := range 20 {
		e.Features.Numeric[fmt.Sprintf("feature_%d", i)] = float64(i) * 1.1
	}
	for i := range 5 {
		e.Features.Categorical[fmt.Sprintf("category_%d", i)] = "value"
	}
	return e
}

func benchmarkEncode(b *testing.B, encode func(e *schemas.Event, into []byte) []byte) {
	e, buf := typicalEvent(), make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		buf = encode(e, buf[:0])
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkEventAppendProto(b *testing.B) {
	benchmarkEncode(b, (*schemas.Event).AppendProto)
}

func BenchmarkEventAppendJSON(b *testing.B) {
	benchmarkEncode(b, (*schemas.Event).AppendJSON)
}

func BenchmarkEventMarshalJSON(b *testing.B) {
	benchmarkEncode(b, func(e *schemas.Event, _ []byte) []byte {
		out, err := json.Marshal(e)
		if err != nil {
			b.Fatal(err)
		}
		return out
	})
}

func BenchmarkEventUnmarshalProto(b *testing.B) {
	encoded := typicalEvent().AppendProto(nil)
	benchmarkEncode(b, func(_ *schemas.Event, into []byte) []byte {
		var e schemas.Event
		if err := e.UnmarshalProto(encoded); err != nil {
			b.Fatal(err)
		}
		return into
	})
}

// Where the buffer is large enough, AppendJSON allocates nothing, and
// AppendProto its table of fields.
func TestEventAppendersDoNotAllocate(t *testing.T) {
	e, buf := typicalEvent(), make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(100, func() { buf = e.AppendJSON(buf[:0]) }); n > 0 {
		t.Errorf("AppendJSON: %v allocations", n)
	}
	if n := testing.AllocsPerRun(100, func() { buf = e.AppendProto(buf[:0]) }); n > 1 {
		t.Errorf("AppendProto: %v allocations", n)
	}
}
