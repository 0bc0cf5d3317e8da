package prometheus

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/snappy"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/driftline/driftline/ingest/metricnames"
	"github.com/driftline/driftline/schemas"
)

var stale = math.Float64frombits(staleMarker)

func TestSeriesBecomeSamples(t *testing.T) {
	at := time.Date(2026, 1, 2, 15, 4, 5, 250e6, time.UTC)
	req := encode(
		encSeries{
			labels: [][2]string{{"__name__", "up"}, {"node", "n1"}, {"empty", ""}, {"zone", "a"}},
			points: []encPoint{{1, at.UnixMilli()}, {stale, at.UnixMilli() + 1}, {0, at.UnixMilli() + 2}},
		},
		encSeries{labels: [][2]string{{"__name__", "load"}}, points: []encPoint{{math.Inf(1), at.UnixMilli()}}, late: true},
		encSeries{labels: [][2]string{{"__name__", "lat"}}, histograms: [][]byte{native(7, 3.5, at.UnixMilli()), native(7, stale, at.UnixMilli())}},
		encSeries{labels: [][2]string{{"no", "points"}}},
	)
	want := []schemas.Sample{
		{Metric: "before"},
		{Metric: "up", Time: at, Value: 1, Node: "n1", Labels: map[string]string{"zone": "a"}},
		{Metric: "up", Time: at.Add(2 * time.Millisecond), Value: 0, Node: "n1", Labels: map[string]string{"zone": "a"}},
		{Metric: "load", Time: at, Value: math.Inf(1), Labels: map[string]string{}},
		{Metric: "lat_count", Time: at, Value: 7, Labels: map[string]string{}},
		{Metric: "lat_sum", Time: at, Value: 3.5, Labels: map[string]string{}},
	}
	for name, b := range map[string][]byte{"plain": req, "snappy": snappy.Encode(nil, req)} {
		got, err := RemoteWrite([]schemas.Sample{{Metric: "before"}}, b)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v\ngot  %+v\nwant %+v", name, err, got, want)
		}
	}
}

// Samples of one series must not share their labels, for Normalize changes them.
func TestEverySampleHasItsOwnLabels(t *testing.T) {
	got, err := RemoteWrite(nil, encode(encSeries{
		labels: [][2]string{{"__name__", "ray_serve_deployment_processing_latency_ms_bucket"}, {"le", "100"}},
		points: []encPoint{{1, 1}, {2, 2}, {3, 3}},
	}))
	if err != nil || len(got) != 3 {
		t.Fatal(err, got)
	}
	for i := range got {
		if metricnames.Normalize(&got[i]); got[i].Labels["le"] != "0.1" {
			t.Errorf("sample %d: le %s, want 0.1", i, got[i].Labels["le"])
		}
	}
}

func TestRandomRequestsComeBack(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	word := func() string { return fmt.Sprintf("l%d", rng.IntN(40)) } // none is a column
	for range 2000 {
		var req []encSeries
		var want []schemas.Sample
		for range rng.IntN(6) {
			s := encSeries{labels: [][2]string{{"__name__", word()}}, late: rng.IntN(2) == 0}
			labels := map[string]string{}
			for range rng.IntN(5) {
				if k := word(); labels[k] == "" {
					labels[k] = strings.Repeat("é", 1+rng.IntN(300))
					s.labels = append(s.labels, [2]string{k, labels[k]})
				}
			}
			rng.Shuffle(len(s.labels), func(i, j int) { s.labels[i], s.labels[j] = s.labels[j], s.labels[i] })
			name := s.labels[slices.IndexFunc(s.labels, func(l [2]string) bool { return l[0] == nameLabel })][1]
			for range rng.IntN(4) {
				p := encPoint{rng.NormFloat64() * math.Exp(rng.NormFloat64()*50), rng.Int64N(4e12) + 1}
				s.points = append(s.points, p)
				want = append(want, schemas.Sample{Metric: name, Value: p.value, Time: time.UnixMilli(p.millis).UTC(), Labels: labels})
			}
			req = append(req, s)
		}
		b := encode(req...)
		if rng.IntN(2) == 0 {
			b = snappy.Encode(nil, b)
		}
		got, err := RemoteWrite(nil, b)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%v\ngot  %+v\nwant %+v", err, got, want)
		}
	}
}

func TestErrorsSayWhereAndWhatToDo(t *testing.T) {
	good := encSeries{labels: [][2]string{{"__name__", "up"}}, points: []encPoint{{1, 5}}}
	with := func(change func(*encSeries)) []byte {
		s := good
		s.labels = slices.Clone(s.labels)
		change(&s)
		return encode(good, s)
	}
	many := make([]encPoint, 1<<19)
	for i := range many {
		many[i] = encPoint{1, 1}
	}
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"empty":       {nil, "empty"},
		"no protobuf": {[]byte("up 1\n"), "no snappy block and so taken for plain protobuf: neither series nor metadata"},
		"JSON":        {[]byte(`{"name":"up"}`), "no snappy block and so taken for plain protobuf: "},
		"no name":     {with(func(s *encSeries) { s.labels[0][0] = "x" }), "series 2: label __name__ is missing"},
		"no time":     {with(func(s *encSeries) { s.points = []encPoint{{1, 0}} }), `series 2: sample 1 of "up": the timestamp is missing`},
		"no UTF-8":    {with(func(s *encSeries) { s.labels[0][1] = "\xff" }), `series 2: label 1: "\xff" is not UTF-8`},
		"long": {
			with(func(s *encSeries) { s.labels[0][1] = strings.Repeat("x", 5000) }),
			"series 2: label 1: \"" + strings.Repeat("x", 64) + "\" has 5000 bytes, more than 4096: drop",
		},
		"many labels": {
			with(func(s *encSeries) { s.labels = slices.Repeat(s.labels, 200) }),
			"series 2: more than 128 labels: drop some",
		},
		"many samples": {with(func(s *encSeries) { s.points = many }), "series 2: the request has more than 2097152 labels over all samples: lower"},
		"cut":          {encode(good)[:20], "byte "},
		"version 2":    {message(message(nil, 4, nil), 5, nil), "remote write 2.0: set protobuf_message"},
		"other types":  {protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 1), "wire type"},
		"a bomb":       {snappy.Encode(nil, make([]byte, maxDecoded+1)), "67108865 bytes, more than 67108864: lower"},
	} {
		t.Run(name, func(t *testing.T) {
			dst := []schemas.Sample{{Metric: "before"}}
			got, err := RemoteWrite(dst, c.b)
			if err == nil || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 400 {
				t.Errorf("error %v, want %q in it", err, c.want)
			}
			if len(got) != 1 || got[0].Metric != "before" {
				t.Errorf("%d samples come with an error", len(got))
			}
		})
	}
}

// A header that announces more than snappy can hold must not be believed.
func TestNothingIsAllocatedForAnEmptyPromise(t *testing.T) {
	b := protowire.AppendVarint(nil, maxDecoded)
	if n := testing.AllocsPerRun(10, func() { _, _, _ = decompress(b) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// Whatever is cut off or turned over gives samples or an error, never half.
func TestDamageIsAllOrNothing(t *testing.T) {
	good := encode(encSeries{labels: [][2]string{{"__name__", "up"}, {"node", "n"}}, points: []encPoint{{1, 5}, {2, 6}}, histograms: [][]byte{native(1, 2, 3)}})
	check := func(b []byte) {
		before := bytes.Clone(b)
		got, err := RemoteWrite(make([]schemas.Sample, 1, 9), b)
		if err != nil && len(got) != 1 {
			t.Fatalf("%x: %d samples and %v", b, len(got), err)
		}
		if !bytes.Equal(before, b) {
			t.Fatalf("%x was written to", before)
		}
	}
	for i := range good {
		check(good[:i])
		for bit := range 8 {
			b := bytes.Clone(good)
			b[i] ^= 1 << bit
			check(b)
		}
	}
}

func BenchmarkRemoteWrite(b *testing.B) {
	var all []encSeries
	for i := range 2000 {
		all = append(all, encSeries{labels: [][2]string{
			{"__name__", "DCGM_FI_DEV_FB_USED"},
			{"Hostname", fmt.Sprint("gpu-node-", i/8)},
			{"UUID", fmt.Sprint("GPU-604ac76c-d9cf-fef3-", i)},
			{"container", "server"},
			{"device", "nvidia0"},
			{"exported_pod", fmt.Sprint("ranker-", i)},
			{"gpu", fmt.Sprint(i % 8)},
			{"instance", "10.2.0.14:9400"},
			{"job", "dcgm"},
			{"modelName", "NVIDIA A100-SXM4-80GB"},
			{"namespace", "ml"},
			{"pod", "nvidia-dcgm-exporter-q8k2l"},
		}, points: []encPoint{{72113, 1767366245000}}})
	}
	req := snappy.Encode(nil, encode(all...))
	for name, after := range map[string]func(*schemas.Sample){
		"decode": func(*schemas.Sample) {}, "decode and normalize": func(s *schemas.Sample) { metricnames.Normalize(s) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var dst []schemas.Sample
			n := 0
			for b.Loop() {
				var err error
				if dst, err = RemoteWrite(dst[:0], req); err != nil {
					b.Fatal(err)
				}
				for i := range dst {
					after(&dst[i])
				}
				n += len(dst)
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "samples/s")
		})
	}
}
