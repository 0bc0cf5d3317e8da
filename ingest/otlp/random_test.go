package otlp_test

import (
	"math"
	"math/rand/v2"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
)

// maker makes random messages in which the names that matter are frequent.
type maker struct{ *rand.Rand }

var metricAttributes = []string{
	"driftline.tenant", "tenant.id", "service.name", "gen_ai.request.model", "gen_ai.response.model", "model_name", "model",
	"k8s.deployment.name", "k8s.statefulset.name", "deployment", "exported_pod", "k8s.pod.name", "pod",
	"k8s.node.name", "host.name", "Hostname", "hostname", "node", "UUID", "gpu_uuid", "hw.id", "hw.type", "gpu",
	"modelName", "process.command_line", "le", "quantile", "otel.temporality", "", "ключ",
}

var spanAttributes = []string{
	"driftline.tenant", "tenant.id", "driftline.segment", "gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.system",
	"gen_ai.request.model", "gen_ai.response.model", "gen_ai.response.id", "gen_ai.response.finish_reasons", "error.type",
	"gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens",
	"gen_ai.usage.total_tokens", "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.reasoning.output_tokens",
	"gen_ai.response.time_to_first_chunk", "gen_ai.server.time_to_first_token", "gen_ai.latency.time_to_first_token",
	"gen_ai.latency.time_in_queue", "gen_ai.request.temperature", "gen_ai.request.top_p", "gen_ai.request.top_k",
	"gen_ai.request.max_tokens", "gen_ai.request.frequency_penalty", "gen_ai.request.presence_penalty",
	"gen_ai.request.choice.count", "gen_ai.request.n", "openinference.span.kind", "llm.provider", "llm.system",
	"llm.request.model_name", "llm.model_name", "embedding.model_name", "reranker.model_name", "llm.response.model_name",
	"llm.finish_reason", "llm.invocation_parameters", "llm.token_count.prompt", "llm.token_count.completion", "llm.token_count.total",
	"llm.token_count.prompt_details.cache_read", "llm.token_count.completion_details.reasoning", "gen_ai.input.messages", "exception.type",
}

var texts = []string{
	"", "a", "node-1", "GPU-5f2c", "MIG-1", "0", "gpu", "fan", "chat", "invoke_agent", "execute_tool", "LLM", "EMBEDDING", "AGENT", "stop",
	`{"temperature":0.5,"max_tokens":64,"n":2,"top_k":null}`, `{"top_p":"high"}`, "[1]", "{", "naïve “text”\n",
}

func pick[T any](m maker, from []T) T { return from[m.IntN(len(from))] }

func (m maker) chance(percent int) bool { return m.IntN(100) < percent }

func (m maker) float() float64 {
	return pick(m, []float64{0, 1, -1, 0.5, 1e9, math.NaN(), math.Inf(1), math.Inf(-1), 1 << 63, math.Copysign(0, -1), m.NormFloat64(), math.MaxFloat64})
}

func (m maker) count() uint64 { return pick(m, []uint64{0, 1, m.Uint64N(1000), m.Uint64()}) }

func (m maker) nanos() uint64 {
	return pick(m, []uint64{0, 1, 1767323045678901234, 1767323045678901234 + m.Uint64N(1e10), m.Uint64()})
}

func (m maker) flags() uint32 {
	if m.chance(10) {
		return m.Uint32()
	}
	return 0
}

func (m maker) optional() *float64 {
	if m.chance(50) {
		return nil
	}
	return new(m.float())
}

func some[T any](m maker, most int, f func() T) (all []T) {
	for range m.IntN(most + 1) {
		all = append(all, f())
	}
	return all
}

func (m maker) value(depth int) *commonpb.AnyValue {
	kinds := 9
	if depth == 0 {
		kinds = 6
	}
	switch m.IntN(kinds) {
	case 0:
		return &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: int64(m.count())}}
	case 1:
		return &commonpb.AnyValue{Value: &commonpb.AnyValue_DoubleValue{DoubleValue: m.float()}}
	case 2:
		return pick(m, []*commonpb.AnyValue{
			nil,
			{},
			{Value: &commonpb.AnyValue_BoolValue{BoolValue: m.chance(50)}},
			{Value: &commonpb.AnyValue_BytesValue{BytesValue: []byte(pick(m, texts))}},
		})
	case 6:
		values := some(m, 3, func() *commonpb.AnyValue { return m.value(depth - 1) })
		return &commonpb.AnyValue{Value: &commonpb.AnyValue_ArrayValue{ArrayValue: &commonpb.ArrayValue{Values: values}}}
	case 7:
		pairs := m.attributes(texts, 3, depth-1)
		return &commonpb.AnyValue{Value: &commonpb.AnyValue_KvlistValue{KvlistValue: &commonpb.KeyValueList{Values: pairs}}}
	default:
		return &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: pick(m, texts)}}
	}
}

func (m maker) attributes(names []string, most, depth int) []*commonpb.KeyValue {
	return some(m, most, func() *commonpb.KeyValue {
		return &commonpb.KeyValue{Key: pick(m, names), Value: m.value(depth)}
	})
}

func (m maker) resource() *resource.Resource {
	if m.chance(10) {
		return nil
	}
	return &resource.Resource{Attributes: m.attributes(metricAttributes, 6, 2)}
}

func (m maker) temporality() metrics.AggregationTemporality {
	return metrics.AggregationTemporality(m.IntN(4))
}

func (m maker) numbers() []*metrics.NumberDataPoint {
	return some(m, 3, func() *metrics.NumberDataPoint {
		p := &metrics.NumberDataPoint{Attributes: m.attributes(metricAttributes, 6, 2), TimeUnixNano: m.nanos(), StartTimeUnixNano: m.nanos(), Flags: m.flags()}
		if m.chance(50) {
			p.Value = &metrics.NumberDataPoint_AsDouble{AsDouble: m.float()}
		} else if m.chance(80) {
			p.Value = &metrics.NumberDataPoint_AsInt{AsInt: int64(m.count())}
		}
		if m.chance(20) {
			p.Exemplars = []*metrics.Exemplar{{TimeUnixNano: 1, SpanId: []byte("12345678")}}
		}
		return p
	})
}

func (m maker) histograms() []*metrics.HistogramDataPoint {
	return some(m, 3, func() *metrics.HistogramDataPoint {
		p := &metrics.HistogramDataPoint{
			Attributes: m.attributes(metricAttributes, 4, 1), TimeUnixNano: m.nanos(), Flags: m.flags(),
			Count: m.count(), Sum: m.optional(), Min: m.optional(), Max: m.optional(),
			ExplicitBounds: some(m, 4, m.float),
		}
		if m.chance(90) {
			for range len(p.ExplicitBounds) + 1 {
				p.BucketCounts = append(p.BucketCounts, m.count())
			}
		}
		return p
	})
}

func (m maker) exponentials() []*metrics.ExponentialHistogramDataPoint {
	return some(m, 3, func() *metrics.ExponentialHistogramDataPoint {
		return &metrics.ExponentialHistogramDataPoint{
			Attributes: m.attributes(metricAttributes, 4, 1), TimeUnixNano: m.nanos(), Flags: m.flags(),
			Count: m.count(), Sum: m.optional(), Min: m.optional(), Max: m.optional(), Scale: -3, ZeroCount: m.count(),
			Positive: &metrics.ExponentialHistogramDataPoint_Buckets{Offset: 2, BucketCounts: some(m, 4, m.count)},
		}
	})
}

func (m maker) summaries() []*metrics.SummaryDataPoint {
	return some(m, 3, func() *metrics.SummaryDataPoint {
		return &metrics.SummaryDataPoint{
			Attributes: m.attributes(metricAttributes, 4, 1), TimeUnixNano: m.nanos(), Flags: m.flags(), Count: m.count(), Sum: m.float(),
			QuantileValues: some(m, 3, func() *metrics.SummaryDataPoint_ValueAtQuantile {
				return &metrics.SummaryDataPoint_ValueAtQuantile{Quantile: m.float(), Value: m.float()}
			}),
		}
	})
}

func (m maker) metric() *metrics.Metric {
	out := &metrics.Metric{Name: pick(m, []string{"", "DCGM_FI_DEV_GPU_UTIL", "vllm:requests", "x"}), Unit: pick(m, []string{"", "s", "By"}), Description: "d"}
	switch m.IntN(6) {
	case 0:
		out.Data = &metrics.Metric_Gauge{Gauge: &metrics.Gauge{DataPoints: m.numbers()}}
	case 1:
		out.Data = &metrics.Metric_Sum{Sum: &metrics.Sum{DataPoints: m.numbers(), AggregationTemporality: m.temporality(), IsMonotonic: m.chance(50)}}
	case 2:
		out.Data = &metrics.Metric_Histogram{Histogram: &metrics.Histogram{DataPoints: m.histograms(), AggregationTemporality: m.temporality()}}
	case 3:
		out.Data = &metrics.Metric_ExponentialHistogram{ExponentialHistogram: &metrics.ExponentialHistogram{DataPoints: m.exponentials(), AggregationTemporality: m.temporality()}}
	case 4:
		out.Data = &metrics.Metric_Summary{Summary: &metrics.Summary{DataPoints: m.summaries()}}
	}
	return out
}

func (m maker) metrics() *metrics.MetricsData {
	return &metrics.MetricsData{ResourceMetrics: some(m, 3, func() *metrics.ResourceMetrics {
		return &metrics.ResourceMetrics{Resource: m.resource(), SchemaUrl: "u", ScopeMetrics: some(m, 2, func() *metrics.ScopeMetrics {
			return &metrics.ScopeMetrics{Scope: &commonpb.InstrumentationScope{Name: "s"}, Metrics: some(m, 4, m.metric)}
		})}
	})}
}

func (m maker) span() *trace.Span {
	start := m.nanos()
	s := &trace.Span{
		TraceId: []byte("0123456789abcdef"), SpanId: []byte("01234567"), Name: "chat x", Flags: 1,
		StartTimeUnixNano: start, EndTimeUnixNano: pick(m, []uint64{0, start, start + m.Uint64N(1e11), m.nanos()}),
		Attributes: m.attributes(spanAttributes, 20, 2),
	}
	if m.chance(50) {
		s.Status = &trace.Status{Code: trace.Status_StatusCode(m.IntN(4)), Message: "m"}
	}
	s.Events = some(m, 2, func() *trace.Span_Event {
		return &trace.Span_Event{Name: pick(m, []string{"exception", "other"}), Attributes: m.attributes([]string{"exception.type", "exception.message"}, 3, 1)}
	})
	if m.chance(10) {
		s.TraceId = nil
	}
	if m.chance(10) {
		s.SpanId = nil
	}
	return s
}

func (m maker) traces() *trace.TracesData {
	return &trace.TracesData{ResourceSpans: some(m, 3, func() *trace.ResourceSpans {
		return &trace.ResourceSpans{Resource: m.resource(), ScopeSpans: some(m, 2, func() *trace.ScopeSpans {
			return &trace.ScopeSpans{Spans: some(m, 4, m.span)}
		})}
	})}
}
