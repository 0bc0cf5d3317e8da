package otlp_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/driftline/driftline/ingest/otlp"
	"github.com/driftline/driftline/schemas"
)

// Whatever the bytes are: nothing panics, an error leaves no rows, a decoder
// that has seen the record before agrees with a new one, and both agree with
// the reference on all that protobuf-go takes.

func FuzzMetrics(f *testing.F) {
	for _, b := range metricsCorpus(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var d otlp.Decoder
		got, err := d.Metrics(nil, b)
		again, err2 := d.Metrics(make([]schemas.Sample, 1), b)
		sameVerdict(t, err, err2)
		compareSamples(t, again[1:], got)
		var data metrics.MetricsData
		if proto.Unmarshal(b, &data) != nil {
			return // it checks what is not used here
		}
		want, _, refErr := refMetrics(&data)
		if judged(t, err, refErr) {
			compareSamples(t, got, want)
		}
	})
}

func FuzzTraces(f *testing.F) {
	for _, b := range tracesCorpus(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var d otlp.Decoder
		got, err := d.Traces(nil, b)
		again, err2 := d.Traces(make([]schemas.Event, 1), b)
		sameVerdict(t, err, err2)
		compareEvents(t, again[1:], got)
		var data trace.TracesData
		if proto.Unmarshal(b, &data) != nil {
			return
		}
		want, _ := refTraces(&data)
		if !judged(t, err, nil) {
			return
		}
		if bytes.Contains(b, []byte("llm.invocation_parameters")) { // fastjson takes more for JSON than encoding/json
			for _, events := range [][]schemas.Event{got, want} {
				for i := range events {
					events[i].Features.Numeric = nil
				}
			}
		}
		compareEvents(t, got, want)
	})
}

func sameVerdict(t *testing.T, a, b error) {
	t.Helper()
	if (a == nil) != (b == nil) || a != nil && !reflect.DeepEqual(a.Error(), b.Error()) {
		t.Fatalf("at first: %v, the second time: %v", a, b)
	}
}

// judged tells whether there are rows to compare. What protobuf-go takes may be
// refused for its types, which protobuf-go skips as unknown, and for its size.
func judged(t *testing.T, err, refErr error) bool {
	t.Helper()
	if err == nil && refErr == nil {
		return true
	}
	if refErr != nil && err == nil {
		t.Fatalf("accepted; the reference says %v", refErr)
	}
	if refErr == nil && !strings.Contains(err.Error(), "unexpected wire type") && !strings.Contains(err.Error(), "over the limit") {
		t.Fatalf("refused: %v", err)
	}
	return false
}
