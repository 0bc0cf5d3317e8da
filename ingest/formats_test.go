package ingest_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/klauspost/compress/snappy"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	otlpmetrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	otlptrace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/driftline/driftline/ingest"
	"github.com/driftline/driftline/schemas"
)

var update = flag.Bool("update", false, "write the golden files")

// Every format goes all the way: from the bytes that producers write, through
// Kafka, to rows. The golden file is what one would see in the tables.
func TestEveryFormatReachesItsTable(t *testing.T) {
	var topics []ingest.Topic
	var records []*kgo.Record
	for _, kind := range []ingest.Kind{ingest.Events, ingest.Telemetry} {
		for _, format := range kind.Formats() {
			name := string(kind) + "-" + format
			values := corpus(t, kind, format)
			if format == ingest.FormatKServe {
				records = append(records, cloudEvents(t, name)...)
			} else if len(values) == 0 {
				t.Errorf("nothing shows what %s of %s look like", kind, format)
			}
			topics = append(topics, ingest.Topic{Topic: name, Kind: kind, Format: format, Tenant: "acme"})
			for _, value := range values {
				records = append(records, &kgo.Record{Topic: name, Key: []byte("one partition"), Value: value, Timestamp: noon})
			}
		}
	}
	r := newRig(t, fake, topics...)
	stop := r.run(metrics.NewSet())
	r.produce(records...)
	until(t, "everything committed", func() bool { return r.lag() == 0 })
	stop()
	got := strings.Join(r.lines(`SELECT toString((_topic, _offset, tenant, model, version, request_id, timestamp, deployment, pod, node, gpu, num, cat)) AS v FROM inference_events ORDER BY _topic, _offset, v`), "\n") + "\n\n" +
		strings.Join(r.lines(`SELECT toString((_topic, _offset, tenant, source, metric, round(value, 9), unit, timestamp, model, deployment, pod, node, gpu, mapSort(labels))) AS v FROM telemetry ORDER BY _topic, _offset, v`), "\n") + "\n"
	const file = "testdata/stored.golden"
	if *update {
		check(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	check(t, err)
	if got != string(want) {
		t.Errorf("stored rows differ from %s; run with -update and read the difference", file)
	}
	for _, topic := range topics {
		if !strings.Contains(got, "('"+topic.Topic+"',") {
			t.Errorf("no row came of %s", topic.Topic)
		}
	}
	if dead := r.number("SELECT count() FROM telemetry WHERE metric = ''"); dead != 0 {
		t.Errorf("%d samples without a name", dead)
	}
}

// lag is what the group has not committed yet, of all topics.
func (r *rig) lag() (n int64) {
	r.Helper()
	adm := kadm.NewClient(r.cl)
	offsets, err := adm.FetchOffsets(r.Context(), r.kafka.Group+"-ingest")
	check(r, err)
	for _, topic := range r.cfg.Topics {
		ends, err := adm.ListEndOffsets(r.Context(), topic.Topic)
		check(r, err)
		ends.Each(func(o kadm.ListedOffset) {
			c, ok := offsets.Lookup(o.Topic, o.Partition)
			if o.Offset > 0 && (!ok || c.At < o.Offset || c.Metadata != "") {
				n++
			}
		})
	}
	return n
}

// corpus is what the test data of the decoders hold for a format.
func corpus(t *testing.T, kind ingest.Kind, format string) (out [][]byte) {
	t.Helper()
	e := event(1)
	sample := schemas.Sample{Time: noon, Metric: "queue_depth", Value: 3, Pod: "p"}
	switch {
	case format == ingest.FormatJSON && kind == ingest.Events:
		return [][]byte{encode(t, format, e), []byte("[" + string(encode(t, format, e)) + "," + string(encode(t, format, event(2))) + "]")}
	case format == ingest.FormatProtobuf && kind == ingest.Events:
		batch := protowire.AppendBytes(protowire.AppendTag(nil, 100, protowire.BytesType), e.AppendProto(nil))
		return [][]byte{e.AppendProto(nil), append(batch, batch...)}
	case format == ingest.FormatJSON:
		b, err := json.Marshal(sample)
		check(t, err)
		return [][]byte{b}
	case format == ingest.FormatProtobuf:
		return [][]byte{sample.AppendProto(nil)}
	case format == ingest.FormatArrow:
		return [][]byte{arrowRecord(t)}
	case format == ingest.FormatOTLP && kind == ingest.Events:
		return otlpFiles(t, "traces_*.json", func() proto.Message { return &otlptrace.TracesData{} })
	case format == ingest.FormatOTLP:
		return otlpFiles(t, "metrics_*.json", func() proto.Message { return &otlpmetrics.MetricsData{} })
	case format == ingest.FormatPrometheusJSON:
		for line := range bytes.Lines(read(t, "prometheus/testdata/adapter.jsonl")) {
			out = append(out, bytes.TrimSpace(line))
		}
	case format == ingest.FormatInflux:
		return [][]byte{read(t, "influx/testdata/telegraf.influx")}
	case format == ingest.FormatRemoteWrite:
		return [][]byte{remoteWrite("DCGM_FI_DEV_GPU_UTIL", 57, "gpu", "0", "UUID", "GPU-604ac76c", "Hostname", "node-1")}
	}
	return out
}

// cloudEvents are the records in the test data of kserve.
func cloudEvents(t *testing.T, topic string) (out []*kgo.Record) {
	t.Helper()
	files, err := filepath.Glob("kserve/testdata/*.json")
	check(t, err)
	for _, file := range files {
		var records []struct {
			Timestamp time.Time
			Headers   map[string]string
			Body      json.RawMessage
			Text      *string
		}
		check(t, json.Unmarshal(read(t, file), &records))
		for _, r := range records {
			rec := &kgo.Record{Topic: topic, Key: []byte("one partition"), Value: r.Body, Timestamp: r.Timestamp}
			for _, key := range slices.Sorted(maps.Keys(r.Headers)) {
				rec.Headers = append(rec.Headers, kgo.RecordHeader{Key: key, Value: []byte(r.Headers[key])})
			}
			out = append(out, rec)
		}
	}
	return out
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	check(t, err)
	return b
}

func otlpFiles(t *testing.T, pattern string, into func() proto.Message) (out [][]byte) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("otlp", "testdata", pattern))
	check(t, err)
	for _, file := range files {
		m := into()
		check(t, protojson.Unmarshal(ids(t, read(t, file)), m))
		b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		check(t, err)
		out = append(out, b)
	}
	return out
}

// ids makes the hexadecimal ids of OpenTelemetry's JSON what protojson takes.
func ids(t *testing.T, text []byte) []byte {
	t.Helper()
	var tree any
	check(t, json.Unmarshal(text, &tree))
	var walk func(any)
	walk = func(node any) {
		switch node := node.(type) {
		case []any:
			for _, n := range node {
				walk(n)
			}
		case map[string]any:
			for key, n := range node {
				if s, ok := n.(string); ok && (key == "traceId" || key == "spanId" || key == "parentSpanId") {
					raw, err := hex.DecodeString(s)
					check(t, err)
					node[key] = raw // as base64
				}
				walk(n)
			}
		}
	}
	walk(tree)
	out, err := json.Marshal(tree)
	check(t, err)
	return out
}

func remoteWrite(metric string, value float64, labels ...string) []byte {
	message := func(to []byte, field protowire.Number, m []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(to, field, protowire.BytesType), m)
	}
	var series []byte
	for i, all := 0, append([]string{"__name__", metric}, labels...); i < len(all); i += 2 {
		series = message(series, 1, message(message(nil, 1, []byte(all[i])), 2, []byte(all[i+1])))
	}
	sample := binary.LittleEndian.AppendUint64(protowire.AppendTag(nil, 1, protowire.Fixed64Type), math.Float64bits(value))
	sample = protowire.AppendVarint(protowire.AppendTag(sample, 2, protowire.VarintType), uint64(noon.UnixMilli()))
	return snappy.Encode(nil, message(nil, 1, message(series, 2, sample)))
}

func arrowRecord(t *testing.T) []byte {
	t.Helper()
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "model", Type: arrow.BinaryTypes.String}, {Name: "timestamp", Type: arrow.FixedWidthTypes.Timestamp_ms}, {Name: "age", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	for i := range 3 {
		b.Field(0).(*array.StringBuilder).Append("credit")
		b.Field(1).(*array.TimestampBuilder).Append(arrow.Timestamp(noon.Add(time.Duration(i) * time.Second).UnixMilli()))
		if i == 1 {
			b.Field(2).AppendNull()
		} else {
			b.Field(2).(*array.Int32Builder).Append(int32(40 + i))
		}
	}
	var out bytes.Buffer
	w := ipc.NewWriter(&out, ipc.WithSchema(schema))
	check(t, w.Write(b.NewRecord()))
	check(t, w.Close())
	return out.Bytes()
}
