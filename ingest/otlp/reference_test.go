package otlp_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/driftline/driftline/schemas"
)

// This file is the oracle: the same mapping written plainly over the types
// that protoc generated, with no thought of speed.

// columnKeys are the attributes that fill a column, the best one first.
var columnKeys = [][]string{
	{"driftline.tenant", "tenant.id"},
	{"service.name"},
	{"gen_ai.request.model", "gen_ai.response.model", "model_name", "model"},
	{"k8s.deployment.name", "k8s.statefulset.name", "deployment"},
	{"exported_pod", "k8s.pod.name", "pod"},
	{"k8s.node.name", "host.name", "Hostname", "hostname", "node"},
	{"UUID", "gpu_uuid", "hw.id", "gpu"},
}

func refText(v *commonpb.AnyValue) string {
	switch x := v.GetValue().(type) {
	case *commonpb.AnyValue_StringValue:
		return x.StringValue
	case *commonpb.AnyValue_BoolValue:
		return strconv.FormatBool(x.BoolValue)
	case *commonpb.AnyValue_IntValue:
		return strconv.FormatInt(x.IntValue, 10)
	case *commonpb.AnyValue_DoubleValue:
		return refDecimal(x.DoubleValue)
	case *commonpb.AnyValue_BytesValue:
		return base64.StdEncoding.EncodeToString(x.BytesValue)
	case *commonpb.AnyValue_ArrayValue, *commonpb.AnyValue_KvlistValue:
		return refJSON(v)
	default:
		return ""
	}
}

func refDecimal(f float64) string {
	if math.IsInf(f, 1) {
		return "+Inf"
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

func refJSON(v *commonpb.AnyValue) string {
	var parts []string
	switch x := v.GetValue().(type) {
	case nil, *commonpb.AnyValue_StringValueStrindex:
		return "null"
	case *commonpb.AnyValue_ArrayValue:
		for _, v := range x.ArrayValue.GetValues() {
			parts = append(parts, refJSON(v))
		}
		return "[" + strings.Join(parts, ",") + "]"
	case *commonpb.AnyValue_KvlistValue:
		for _, kv := range x.KvlistValue.GetValues() {
			parts = append(parts, refQuoted(kv.GetKey())+":"+refJSON(kv.GetValue()))
		}
		return "{" + strings.Join(parts, ",") + "}"
	case *commonpb.AnyValue_BoolValue, *commonpb.AnyValue_IntValue:
		return refText(v)
	case *commonpb.AnyValue_DoubleValue:
		if math.IsNaN(x.DoubleValue) || math.IsInf(x.DoubleValue, 0) {
			return refQuoted(refText(v))
		}
		return refText(v)
	default:
		return refQuoted(refText(v))
	}
}

func refQuoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func refLabels(attrs []*commonpb.KeyValue) map[string]string {
	labels := map[string]string{}
	for _, a := range attrs {
		if slices.Contains([]string{"process.command", "process.command_args", "process.command_line"}, a.GetKey()) {
			continue
		}
		if text := refText(a.GetValue()); a.GetKey() != "" && text != "" {
			labels[a.GetKey()] = text
		}
	}
	return labels
}

func refSample(resource, point map[string]string) schemas.Sample {
	labels := maps.Clone(resource)
	maps.Copy(labels, point)
	typ := labels["hw.type"]
	var s schemas.Sample
	var gpuKey string
	for c, into := range []*string{&s.Tenant, &s.Source, &s.Model, &s.Deployment, &s.Pod, &s.Node, &s.GPU} {
		key := ""
		for _, level := range []map[string]string{point, resource} {
			for _, k := range columnKeys[c] {
				if key == "" && level[k] != "" && (k != "hw.id" || typ == "" || typ == "gpu") {
					key = k
				}
			}
		}
		if key != "" {
			*into, gpuKey = labels[key], key
			delete(labels, key)
		} else {
			gpuKey = ""
		}
	}
	if s.Node != "" && (gpuKey == "gpu" || gpuKey == "hw.id") && !strings.HasPrefix(s.GPU, "GPU-") && !strings.HasPrefix(s.GPU, "MIG-") {
		s.GPU = s.Node + "/" + s.GPU
	}
	s.Labels = labels
	return s
}

func refTime(nanos uint64) time.Time {
	if nanos == 0 {
		return time.Time{}
	}
	return time.Unix(int64(nanos/1_000_000_000), int64(nanos%1_000_000_000)).UTC()
}

// refPoint is a point of any kind as name suffix, more label, and value.
type refPoint struct {
	attrs []*commonpb.KeyValue
	nanos uint64
	flags uint32
	rows  []refRow
	delta bool
}

type refRow struct {
	suffix, label string
	at            float64
	value         float64
}

func refTotals(count uint64, sum, low, high *float64) []refRow {
	rows := []refRow{{suffix: "_count", value: float64(count)}}
	for _, r := range []struct {
		suffix string
		value  *float64
	}{{"_sum", sum}, {"_min", low}, {"_max", high}} {
		if r.value != nil && !math.IsNaN(*r.value) {
			rows = append(rows, refRow{suffix: r.suffix, value: *r.value})
		}
	}
	return rows
}

func refPoints(m *metrics.Metric) (points []refPoint, err error) {
	number := func(all []*metrics.NumberDataPoint, delta bool) {
		for _, p := range all {
			v := math.NaN()
			switch x := p.GetValue().(type) {
			case *metrics.NumberDataPoint_AsDouble:
				v = x.AsDouble
			case *metrics.NumberDataPoint_AsInt:
				v = float64(x.AsInt)
			}
			points = append(points, refPoint{p.Attributes, p.TimeUnixNano, p.Flags, []refRow{{value: v}}, delta})
		}
	}
	isDelta := func(t metrics.AggregationTemporality) bool {
		return t == metrics.AggregationTemporality_AGGREGATION_TEMPORALITY_DELTA
	}
	switch x := m.GetData().(type) {
	case *metrics.Metric_Gauge:
		number(x.Gauge.GetDataPoints(), false)
	case *metrics.Metric_Sum:
		number(x.Sum.GetDataPoints(), isDelta(x.Sum.GetAggregationTemporality()))
	case *metrics.Metric_Histogram:
		for _, p := range x.Histogram.GetDataPoints() {
			rows, below := refTotals(p.Count, p.Sum, p.Min, p.Max), uint64(0)
			skipped := p.Flags&1 != 0
			if !skipped && len(p.BucketCounts) > 0 && len(p.BucketCounts) != len(p.ExplicitBounds)+1 {
				return nil, fmt.Errorf("%d counts, %d bounds", len(p.BucketCounts), len(p.ExplicitBounds))
			}
			for i, n := range p.BucketCounts {
				below += n
				le := math.Inf(1)
				if i < len(p.ExplicitBounds) {
					le = p.ExplicitBounds[i]
				}
				rows = append(rows, refRow{"_bucket", "le", le, float64(below)})
			}
			points = append(points, refPoint{p.Attributes, p.TimeUnixNano, p.Flags, rows, isDelta(x.Histogram.GetAggregationTemporality())})
		}
	case *metrics.Metric_ExponentialHistogram:
		for _, p := range x.ExponentialHistogram.GetDataPoints() {
			points = append(points, refPoint{
				p.Attributes, p.TimeUnixNano, p.Flags, refTotals(p.Count, p.Sum, p.Min, p.Max),
				isDelta(x.ExponentialHistogram.GetAggregationTemporality()),
			})
		}
	case *metrics.Metric_Summary:
		for _, p := range x.Summary.GetDataPoints() {
			rows := refTotals(p.Count, &p.Sum, nil, nil)
			for _, q := range p.QuantileValues {
				rows = append(rows, refRow{"", "quantile", q.GetQuantile(), q.GetValue()})
			}
			points = append(points, refPoint{p.Attributes, p.TimeUnixNano, p.Flags, rows, false})
		}
	}
	return points, nil
}

// refMetrics gives the samples of a record, and how many values were left out.
func refMetrics(req *metrics.MetricsData) (out []schemas.Sample, skipped uint64, err error) {
	for _, rm := range req.GetResourceMetrics() {
		resource := refLabels(rm.GetResource().GetAttributes())
		for _, sm := range rm.GetScopeMetrics() {
			for _, m := range sm.GetMetrics() {
				points, err := refPoints(m)
				if err != nil {
					return nil, 0, err
				}
				for _, p := range points {
					if p.flags&1 != 0 {
						skipped++
						continue
					}
					for _, row := range p.rows {
						s := refSample(resource, refLabels(p.attrs))
						s.Time, s.Metric, s.Value, s.Unit = refTime(p.nanos), m.Name+row.suffix, row.value, m.Unit
						if row.suffix == "_count" || row.suffix == "_bucket" {
							s.Unit = ""
						}
						if row.label != "" {
							s.Labels[row.label] = refDecimal(row.at)
						}
						if p.delta {
							s.Labels["otel.temporality"] = "delta"
						}
						isBlank := strings.HasPrefix(m.Name, "DCGM_") && row.value >= 1<<63
						if math.IsNaN(row.value) || math.IsInf(row.value, 0) || isBlank {
							skipped++
							continue
						}
						out = append(out, s)
					}
				}
			}
		}
	}
	return out, skipped, nil
}

// refAttrs finds attributes by name; the last of one name counts.
type refAttrs map[string]*commonpb.AnyValue

func (a refAttrs) word(names ...string) string {
	for _, name := range names {
		if s := a.words(name); s != "" {
			return s
		}
	}
	return ""
}

func (a refAttrs) words(name string) string {
	if s := a[name].GetStringValue(); s != "" {
		return s
	}
	for _, v := range a[name].GetArrayValue().GetValues() {
		if x, ok := v.GetValue().(*commonpb.AnyValue_StringValue); ok {
			return x.StringValue
		}
	}
	return ""
}

func (a refAttrs) number(into map[string]float64, feature string, scale float64, names ...string) {
	for _, name := range names {
		v := math.NaN()
		switch x := a[name].GetValue().(type) {
		case *commonpb.AnyValue_IntValue:
			v = float64(x.IntValue)
		case *commonpb.AnyValue_DoubleValue:
			v = x.DoubleValue
		}
		if v *= scale; !math.IsNaN(v) && !math.IsInf(v, 0) {
			into[feature] = v
			return
		}
	}
}

func refTraces(req *trace.TracesData) (out []schemas.Event, skipped uint64) {
	for _, rs := range req.GetResourceSpans() {
		base := refSample(refLabels(rs.GetResource().GetAttributes()), nil)
		for _, ss := range rs.GetScopeSpans() {
			for _, span := range ss.GetSpans() {
				if e, ok := refEvent(base, span); ok {
					out = append(out, e)
				} else {
					skipped++
				}
			}
		}
	}
	return out, skipped
}

func refEvent(base schemas.Sample, span *trace.Span) (schemas.Event, bool) {
	a := refAttrs{}
	for _, kv := range span.GetAttributes() {
		// A later attribute that says nothing of use does not hide an earlier one.
		if single := (refAttrs{kv.GetKey(): kv.GetValue()}); a[kv.GetKey()] == nil || single.says(kv.GetKey()) {
			a[kv.GetKey()] = kv.GetValue()
		}
	}
	operations := map[string]string{"LLM": "llm", "EMBEDDING": "embeddings", "RERANKER": "rerank"}
	kind, operation := a.word("openinference.span.kind"), a.word("gen_ai.operation.name")
	version := a.word("gen_ai.response.model", "llm.response.model_name")
	model := a.word("gen_ai.request.model", "llm.request.model_name", "llm.model_name", "embedding.model_name", "reranker.model_name")
	if model == "" {
		model = version
	}
	others := "create_agent invoke_agent invoke_workflow plan execute_tool retrieval fetch_response create_memory update_memory upsert_memory delete_memory search_memory create_memory_store delete_memory_store"
	if model == "" || kind != "" && operations[kind] == "" || operation != "" && slices.Contains(strings.Fields(others), operation) {
		return schemas.Event{}, false
	}
	e := schemas.Event{
		Tenant: a.word("driftline.tenant", "tenant.id"), Segment: a.word("driftline.segment"),
		Model: model, Version: version, RequestID: a.word("gen_ai.response.id"), Time: refTime(span.EndTimeUnixNano),
		Deployment: base.Deployment, Pod: base.Pod, Node: base.Node, GPU: base.GPU,
	}
	if e.Tenant == "" {
		e.Tenant = base.Tenant
	}
	if e.Deployment == "" {
		e.Deployment = base.Source
	}
	if e.RequestID == "" {
		ids := []string{hex.EncodeToString(span.TraceId), hex.EncodeToString(span.SpanId)}
		e.RequestID = strings.Join(slices.DeleteFunc(ids, func(s string) bool { return s == "" }), "-")
	}
	if e.Time.IsZero() {
		e.Time = refTime(span.StartTimeUnixNano)
	} else if start, end := span.StartTimeUnixNano, span.EndTimeUnixNano; start > 0 && start <= end {
		e.LatencyMS = new(float64(end-start) / 1e6)
	}
	e.Features.Numeric = refNumeric(a)
	e.Features.Categorical = refCategorical(a, span, operation, operations[kind])
	return e, true
}

// says tells whether the attribute has a value that could be read.
func (a refAttrs) says(name string) bool {
	n := map[string]float64{}
	scale := 1.0
	if strings.Contains(name, "time_") {
		scale = 1000
	}
	a.number(n, "x", scale, name)
	isWord := a.words(name) != ""
	numeric := strings.Contains(name, "tokens") || strings.Contains(name, "token_count") || strings.Contains(name, "time_") ||
		(strings.HasPrefix(name, "gen_ai.request.") && name != "gen_ai.request.model")
	if numeric {
		return len(n) > 0
	}
	return isWord
}

func refNumeric(a refAttrs) map[string]float64 {
	n := map[string]float64{}
	var params map[string]any
	if json.Unmarshal([]byte(a.word("llm.invocation_parameters")), &params) == nil {
		for _, p := range [][2]string{
			{"temperature", "temperature"},
			{"top_p", "top_p"},
			{"top_k", "top_k"},
			{"max_tokens", "max_tokens"},
			{"max_completion_tokens", "max_tokens"},
			{"frequency_penalty", "frequency_penalty"},
			{"presence_penalty", "presence_penalty"},
			{"n", "choices"},
		} {
			if v, ok := params[p[0]].(float64); ok {
				n[p[1]] = v
			}
		}
	}
	a.number(n, "input_tokens", 1, "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt")
	a.number(n, "output_tokens", 1, "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion")
	a.number(n, "total_tokens", 1, "gen_ai.usage.total_tokens", "llm.token_count.total")
	a.number(n, "cached_input_tokens", 1, "gen_ai.usage.cache_read.input_tokens", "llm.token_count.prompt_details.cache_read")
	a.number(n, "reasoning_tokens", 1, "gen_ai.usage.reasoning.output_tokens", "llm.token_count.completion_details.reasoning")
	a.number(n, "time_to_first_token_ms", 1000, "gen_ai.response.time_to_first_chunk", "gen_ai.server.time_to_first_token", "gen_ai.latency.time_to_first_token")
	a.number(n, "time_in_queue_ms", 1000, "gen_ai.latency.time_in_queue")
	for _, name := range []string{"temperature", "top_p", "top_k", "max_tokens", "frequency_penalty", "presence_penalty"} {
		a.number(n, name, 1, "gen_ai.request."+name)
	}
	a.number(n, "choices", 1, "gen_ai.request.choice.count", "gen_ai.request.n")
	in, hasIn := n["input_tokens"]
	out, hasOut := n["output_tokens"]
	if _, ok := n["total_tokens"]; !ok && hasIn && hasOut && !math.IsInf(in+out, 0) {
		n["total_tokens"] = in + out
	}
	return n
}

func refCategorical(a refAttrs, span *trace.Span, operation, byKind string) map[string]string {
	failed := span.GetStatus().GetCode() == trace.Status_STATUS_CODE_ERROR
	errorType := a.word("error.type")
	if failed && errorType == "" {
		for _, event := range span.GetEvents() {
			typ := ""
			for _, kv := range event.GetAttributes() {
				if v, ok := kv.GetValue().GetValue().(*commonpb.AnyValue_StringValue); ok && kv.GetKey() == "exception.type" {
					typ = v.StringValue
				}
			}
			if event.GetName() == "exception" && typ != "" {
				errorType = typ
			}
		}
	}
	c := map[string]string{"status": "ok"}
	if failed || errorType != "" {
		c["status"] = "error"
	}
	if operation == "" {
		operation = byKind
	}
	for name, value := range map[string]string{
		"provider":      a.word("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system"),
		"operation":     operation,
		"finish_reason": a.word("gen_ai.response.finish_reasons", "llm.finish_reason"),
		"error_type":    errorType,
	} {
		if value != "" && len(value) <= 128 {
			c[name] = value
		}
	}
	return c
}
