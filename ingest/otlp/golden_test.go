package otlp_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/driftline/driftline/ingest/otlp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// corpus gives the records of testdata, by the name of their file.
func corpus(tb testing.TB, pattern string, into func() proto.Message) map[string][]byte {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(files) == 0 {
		tb.Fatalf("no files like %s: %v", pattern, err)
	}
	all := map[string][]byte{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		m := into()
		if err := protojson.Unmarshal(hexIDs(tb, text), m); err != nil {
			tb.Fatalf("%s: %v", file, err)
		}
		all[file] = encode(tb, m)
	}
	return all
}

func metricsCorpus(tb testing.TB) map[string][]byte {
	return corpus(tb, "metrics_*.json", func() proto.Message { return &metrics.MetricsData{} })
}

func tracesCorpus(tb testing.TB) map[string][]byte {
	return corpus(tb, "traces_*.json", func() proto.Message { return &trace.TracesData{} })
}

func TestGolden(t *testing.T) {
	var d otlp.Decoder
	for file, b := range metricsCorpus(t) {
		before := d.Stats()
		samples, err := d.Metrics(nil, b)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		golden(t, file, map[string]any{"samples": samples, "skipped_points": d.Stats().SkippedPoints - before.SkippedPoints})
	}
	for file, b := range tracesCorpus(t) {
		before := d.Stats()
		events, err := d.Traces(nil, b)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		golden(t, file, map[string]any{"events": events, "skipped_spans": d.Stats().SkippedSpans - before.SkippedSpans})
	}
}

func golden(t *testing.T, file string, v any) {
	t.Helper()
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(buf.Bytes(), []byte("SECRET")) {
		t.Errorf("%s: text of a prompt, an answer or a command line got into the rows", file)
	}
	file = strings.TrimSuffix(file, ".json") + ".golden"
	if *update {
		if err := os.WriteFile(file, buf.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(buf.Bytes(), want) {
		t.Errorf("%s is not what came out; run with -update and look at the change:\n%s", file, buf.Bytes())
	}
}

// hexIDs writes trace and span ids in base64: OTLP's JSON has them in hex,
// other than protobuf's own mapping.
func hexIDs(tb testing.TB, text []byte) []byte {
	tb.Helper()
	return hexID.ReplaceAllFunc(text, func(found []byte) []byte {
		parts := hexID.FindSubmatch(found)
		id, err := hex.DecodeString(string(parts[2]))
		if err != nil {
			tb.Fatal(err)
		}
		return append(append(bytes.Clone(parts[1]), base64.StdEncoding.EncodeToString(id)...), '"')
	})
}

var hexID = regexp.MustCompile(`("(?:traceId|spanId|parentSpanId)": *")([0-9a-f]*)"`)
