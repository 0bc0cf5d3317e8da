package otlp_test

import (
	"fmt"
	"strings"
	"testing"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/driftline/driftline/ingest/otlp"
	"github.com/driftline/driftline/schemas"
)

func word(key, value string) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: key, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: value}}}
}

func whole(key string, value int64) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: key, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: value}}}
}

func benchResource() *resource.Resource {
	return &resource.Resource{Attributes: []*commonpb.KeyValue{
		word("service.name", "dcgm-exporter"), word("service.instance.id", "10.0.4.17:9400"), word("server.address", "10.0.4.17"),
		word("server.port", "9400"), word("url.scheme", "http"), word("k8s.node.name", "gpu-node-3"),
	}}
}

// gaugeRecord is one scrape of a node: 20 fields of 8 GPUs, 160 points.
func gaugeRecord() *metrics.MetricsData {
	var all []*metrics.Metric
	for i := range 20 {
		var points []*metrics.NumberDataPoint
		for gpu := range 8 {
			points = append(points, &metrics.NumberDataPoint{
				TimeUnixNano: 1767323045678000000 + uint64(i), Value: &metrics.NumberDataPoint_AsDouble{AsDouble: float64(10*i + gpu)},
				Attributes: []*commonpb.KeyValue{
					word("gpu", fmt.Sprint(gpu)), word("UUID", fmt.Sprintf("GPU-6d1f0a52-7b3e-4a08-9c55-0e7d3f2b1a9%d", gpu)),
					word("pci_bus_id", fmt.Sprintf("00000000:0%d:00.0", gpu)), word("device", fmt.Sprintf("nvidia%d", gpu)),
					word("modelName", "NVIDIA A100-SXM4-80GB"), word("Hostname", "gpu-node-3"), word("namespace", "serving"),
					word("pod", fmt.Sprintf("chat-7b-%d", gpu)), word("container", "vllm"),
				},
			})
		}
		all = append(all, &metrics.Metric{
			Name: fmt.Sprintf("DCGM_FI_DEV_FIELD_%d", i), Description: "What the field of the device is (in %).",
			Data: &metrics.Metric_Gauge{Gauge: &metrics.Gauge{DataPoints: points}},
		})
	}
	return &metrics.MetricsData{ResourceMetrics: []*metrics.ResourceMetrics{{
		Resource: benchResource(), ScopeMetrics: []*metrics.ScopeMetrics{{Metrics: all}},
	}}}
}

// histogramRecord is 10 histograms of 20 buckets for 8 engines, 1840 samples.
func histogramRecord() *metrics.MetricsData {
	bounds := make([]float64, 20)
	counts := make([]uint64, 21)
	for i := range bounds {
		bounds[i], counts[i] = float64(i)/8, uint64(i)
	}
	var all []*metrics.Metric
	for i := range 10 {
		var points []*metrics.HistogramDataPoint
		for engine := range 8 {
			points = append(points, &metrics.HistogramDataPoint{
				TimeUnixNano: 1767323045678000000, Count: 190, Sum: new(77.5), ExplicitBounds: bounds, BucketCounts: counts,
				Attributes: []*commonpb.KeyValue{word("model_name", "chat-7b-instruct"), word("engine", fmt.Sprint(engine))},
			})
		}
		all = append(all, &metrics.Metric{
			Name: fmt.Sprintf("vllm:latency_%d_seconds", i),
			Data: &metrics.Metric_Histogram{Histogram: &metrics.Histogram{DataPoints: points, AggregationTemporality: 2}},
		})
	}
	return &metrics.MetricsData{ResourceMetrics: []*metrics.ResourceMetrics{{
		Resource: benchResource(), ScopeMetrics: []*metrics.ScopeMetrics{{Metrics: all}},
	}}}
}

// spanRecord is 100 spans, every second one a call to a model with its prompt.
func spanRecord() *trace.TracesData {
	var spans []*trace.Span
	for i := range 100 {
		s := &trace.Span{
			TraceId: fmt.Appendf(nil, "0123456789abcd%02d", i), SpanId: fmt.Appendf(nil, "012345%02d", i), Name: "chat chat-large",
			StartTimeUnixNano: 1767323045678000000, EndTimeUnixNano: 1767323046678000000 + uint64(i),
			Attributes: []*commonpb.KeyValue{word("http.request.method", "POST"), word("url.path", "/v1/chat"), whole("http.response.status_code", 200)},
		}
		if i%2 == 0 {
			s.Attributes = append(
				s.Attributes, word("gen_ai.operation.name", "chat"), word("gen_ai.provider.name", "openai"), word("gen_ai.request.model", "chat-large"),
				word("gen_ai.response.model", "chat-large-2026-01-05"), word("gen_ai.response.finish_reasons", "stop"),
				whole("gen_ai.usage.input_tokens", int64(i)), whole("gen_ai.usage.output_tokens", 96), whole("gen_ai.request.max_tokens", 512),
				word("gen_ai.input.messages", strings.Repeat("prompt ", 200)), word("gen_ai.output.messages", strings.Repeat("answer ", 50)),
			)
		}
		spans = append(spans, s)
	}
	return &trace.TracesData{ResourceSpans: []*trace.ResourceSpans{{
		Resource: benchResource(), ScopeSpans: []*trace.ScopeSpans{{Spans: spans}},
	}}}
}

func perSecond(b *testing.B, rows int, unit string, f func()) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		f()
	}
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), unit)
}

func benchmarkMetrics(b *testing.B, data *metrics.MetricsData, rows int, unit string) {
	record := encode(b, data)
	var d otlp.Decoder
	var dst []schemas.Sample
	decode := func(d *otlp.Decoder) {
		var err error
		if dst, err = d.Metrics(dst[:0], record); err != nil || len(dst) == 0 {
			b.Fatal(len(dst), err)
		}
	}
	b.Run("again", func(b *testing.B) { perSecond(b, rows, unit, func() { decode(&d) }) })
	b.Run("first", func(b *testing.B) { perSecond(b, rows, unit, func() { decode(new(otlp.Decoder)) }) })
	b.Run("protobuf-go", func(b *testing.B) {
		perSecond(b, rows, unit, func() {
			if err := proto.Unmarshal(record, new(metrics.MetricsData)); err != nil {
				b.Fatal(err)
			}
		})
	})
	b.Run("reference", func(b *testing.B) {
		perSecond(b, rows, unit, func() {
			var data metrics.MetricsData
			if err := proto.Unmarshal(record, &data); err != nil {
				b.Fatal(err)
			}
			if _, _, err := refMetrics(&data); err != nil {
				b.Fatal(err)
			}
		})
	})
}

// BenchmarkMetrics decodes the same series again, as scrapes bring them, and
// with a new decoder; protobuf-go only unmarshals, the reference maps as well.
func BenchmarkMetrics(b *testing.B) {
	b.Run("gauges", func(b *testing.B) { benchmarkMetrics(b, gaugeRecord(), 160, "points/s") })
	b.Run("histograms", func(b *testing.B) { benchmarkMetrics(b, histogramRecord(), 10*8*23, "samples/s") })
}

func BenchmarkTraces(b *testing.B) {
	record := encode(b, spanRecord())
	b.Run("otlp", func(b *testing.B) {
		var d otlp.Decoder
		var dst []schemas.Event
		perSecond(b, 100, "spans/s", func() {
			var err error
			if dst, err = d.Traces(dst[:0], record); err != nil || len(dst) != 50 {
				b.Fatal(len(dst), err)
			}
		})
	})
	b.Run("protobuf-go", func(b *testing.B) {
		perSecond(b, 100, "spans/s", func() {
			if err := proto.Unmarshal(record, new(trace.TracesData)); err != nil {
				b.Fatal(err)
			}
		})
	})
	b.Run("reference", func(b *testing.B) {
		perSecond(b, 100, "spans/s", func() {
			var data trace.TracesData
			if err := proto.Unmarshal(record, &data); err != nil {
				b.Fatal(err)
			}
			refTraces(&data)
		})
	})
}
