package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/driftline/driftline/schemas"
)

// form is how the stream is written to Kafka.
type form struct {
	name, format string
	perRecord    int
	shape        shape
	encode       func(events []schemas.Event) ([]byte, error) // of one record
}

var forms = []form{
	{"protobuf", "protobuf", 1, usual, protobufEvent},
	{"protobuf, 100 a record", "protobuf", 100, usual, protobufBatch},
	{"JSON", "json", 1, usual, jsonEvent},
	{"Arrow, 1000 a record", "arrow", 1000, usual, arrowBatch},
	{"OTLP traces, 50 spans a record", "otlp", 50, usual, spans},
}

func protobufEvent(events []schemas.Event) ([]byte, error) { return events[0].AppendProto(nil), nil }

func jsonEvent(events []schemas.Event) ([]byte, error) { return json.Marshal(events[0]) }

func protobufBatch(events []schemas.Event) (out []byte, _ error) {
	for _, e := range events {
		out = protowire.AppendBytes(protowire.AppendTag(out, 100, protowire.BytesType), e.AppendProto(nil))
	}
	return out, nil
}

var arrowSchema = func() *arrow.Schema {
	var fields []arrow.Field
	for _, name := range []string{"model", "version", "segment", "request_id", "deployment", "pod", "node", "gpu", "prediction"} {
		fields = append(fields, arrow.Field{Name: name, Type: arrow.BinaryTypes.String})
	}
	fields = append(fields, arrow.Field{Name: "timestamp", Type: arrow.FixedWidthTypes.Timestamp_ms})
	for _, name := range []string{"score", "latency_ms"} {
		fields = append(fields, arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Float64})
	}
	for j := range 20 {
		fields = append(fields, arrow.Field{Name: fmt.Sprintf("num_%02d", j), Type: arrow.PrimitiveTypes.Float64})
	}
	for j := range 5 {
		fields = append(fields, arrow.Field{Name: fmt.Sprintf("cat_%d", j), Type: arrow.BinaryTypes.String})
	}
	return arrow.NewSchema(fields, nil)
}()

func arrowBatch(events []schemas.Event) ([]byte, error) {
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrowSchema)
	for _, e := range events {
		for k, text := range []string{e.Model, e.Version, e.Segment, e.RequestID, e.Deployment, e.Pod, e.Node, e.GPU, e.Prediction} {
			b.Field(k).(*array.StringBuilder).Append(text)
		}
		b.Field(9).(*array.TimestampBuilder).Append(arrow.Timestamp(e.Time.UnixMilli()))
		b.Field(10).(*array.Float64Builder).Append(*e.Score)
		b.Field(11).(*array.Float64Builder).Append(*e.LatencyMS)
		for j := range 20 {
			b.Field(12 + j).(*array.Float64Builder).Append(e.Features.Numeric[fmt.Sprintf("num_%02d", j)])
		}
		for j := range 5 {
			b.Field(32 + j).(*array.StringBuilder).Append(e.Features.Categorical[fmt.Sprintf("cat_%d", j)])
		}
	}
	var out bytes.Buffer
	w := ipc.NewWriter(&out, ipc.WithSchema(arrowSchema))
	if err := w.Write(b.NewRecord()); err != nil {
		return nil, err
	}
	return out.Bytes(), w.Close()
}

// spans are calls of a language model, as instrumentations write them.
func spans(events []schemas.Event) ([]byte, error) {
	var all []byte
	message := func(to []byte, field protowire.Number, m []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(to, field, protowire.BytesType), m)
	}
	text := func(key, value string) []byte {
		return message(message(nil, 1, []byte(key)), 2, message(nil, 1, []byte(value)))
	}
	number := func(key string, value uint64) []byte {
		v := protowire.AppendVarint(protowire.AppendTag(nil, 3, protowire.VarintType), value)
		return message(message(nil, 1, []byte(key)), 2, v)
	}
	for _, e := range events {
		i := e.Time.UnixMilli()
		start := uint64(e.Time.UnixNano())
		s := message(nil, 1, fmt.Appendf(nil, "%016d", i))
		s = message(s, 2, fmt.Appendf(nil, "%08d", i%1e8))
		s = message(s, 5, []byte("chat "+e.Model))
		s = protowire.AppendFixed64(protowire.AppendTag(s, 7, protowire.Fixed64Type), start)
		s = protowire.AppendFixed64(protowire.AppendTag(s, 8, protowire.Fixed64Type), start+uint64(*e.LatencyMS*1e6))
		for _, a := range [][]byte{
			text("gen_ai.operation.name", "chat"), text("gen_ai.provider.name", "local"), text("gen_ai.request.model", e.Model),
			number("gen_ai.usage.input_tokens", uint64(i%2000)), number("gen_ai.usage.output_tokens", uint64(i%500)), number("gen_ai.request.max_tokens", 1024),
			text("gen_ai.response.id", e.RequestID), text("gen_ai.response.model", e.Model+"-1"),
		} {
			s = message(s, 9, a)
		}
		all = message(all, 2, s)
	}
	return message(nil, 1, message(message(nil, 1, message(nil, 1, text("service.name", "gateway"))), 2, all)), nil
}
