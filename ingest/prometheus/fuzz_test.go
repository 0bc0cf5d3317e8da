package prometheus

import (
	"bytes"
	"os"
	"testing"
	"unicode/utf8"

	"github.com/klauspost/compress/snappy"

	"github.com/driftline/driftline/ingest/metricnames"
	"github.com/driftline/driftline/schemas"
)

func FuzzRemoteWrite(f *testing.F) {
	req := encode(
		encSeries{labels: [][2]string{{"__name__", "up"}, {"pod", "p"}}, points: []encPoint{{1, 5}, {stale, 6}}},
		encSeries{labels: [][2]string{{"__name__", "DCGM_FI_DEV_FB_USED"}, {"gpu", "1"}, {"node", "n"}}, points: []encPoint{{1, 5}}, late: true},
		encSeries{labels: [][2]string{{"__name__", "lat"}}, histograms: [][]byte{native(7, 3.5, 9)}},
	)
	f.Add(req)
	f.Add(snappy.Encode(nil, req))
	f.Add([]byte{0x0a, 0x24})
	f.Fuzz(func(t *testing.T, b []byte) { invariants(t, b, RemoteWrite) })
}

func FuzzAdapterJSON(f *testing.F) {
	text, err := os.ReadFile("testdata/adapter.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, b []byte) { invariants(t, b, AdapterJSON) })
}

// invariants of decoders: all or an error, no writing to the input, text that
// is text, the same twice, and nothing that Normalize cannot take.
func invariants(t *testing.T, b []byte, decode func([]schemas.Sample, []byte) ([]schemas.Sample, error)) {
	before := bytes.Clone(b)
	got, err := decode(make([]schemas.Sample, 1, 4), b)
	if !bytes.Equal(b, before) {
		t.Fatal("the input was written to")
	}
	if err != nil && (len(got) != 1 || len(err.Error()) > 600) {
		t.Fatalf("%d samples with an error of %d bytes", len(got), len(err.Error()))
	}
	again, err2 := decode(nil, b)
	if (err == nil) != (err2 == nil) || len(again) != len(got)-1 {
		t.Fatalf("not the same twice: %v and %v", err, err2)
	}
	for i := range got[1:] {
		s := &got[1+i]
		if s.Metric == "" || !utf8.ValidString(s.Metric) {
			t.Fatalf("metric %q", s.Metric)
		}
		for k, v := range s.Labels {
			if k == "" || v == "" || !utf8.ValidString(k) || !utf8.ValidString(v) {
				t.Fatalf("label %q=%q", k, v)
			}
		}
		if metricnames.Normalize(s) == metricnames.Kept && s.Metric == "" {
			t.Fatal("no name after Normalize")
		}
	}
}
