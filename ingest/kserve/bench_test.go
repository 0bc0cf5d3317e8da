package kserve

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// pairs are requests of so many features and their responses, interleaved as
// if a hundred were under way.
func pairs(n, features int) []*kgo.Record {
	values := strings.TrimSuffix(strings.Repeat("6.8,", features), ",")
	bodies := [2]string{
		fmt.Sprintf(`{"inputs":[{"name":"input-0","shape":[1,%d],"datatype":"FP32","data":[%s]}]}`, features, values),
		`{"model_name":"m","model_version":"1","outputs":[{"name":"p","shape":[1,3],"datatype":"FP32","data":[0.1,0.7,0.2]}]}`,
	}
	const ahead = 100
	var out []*kgo.Record
	add := func(i int, kind Kind) {
		r := fuzzRecord(byte(kind), []byte(bodies[kind]))
		r.Headers[0].Value = fmt.Appendf(nil, "0f2d7f1c-5a3e-4b1c-9d39-%012d", i)
		for _, h := range [][2]string{
			{"ce_namespace", "default"},
			{"ce_component", "predictor"},
			{"ce_endpoint", "default"},
			{"ce_specversion", "1.0"},
			{"ce_source", "http://localhost:9081/"},
			{"ce_time", "2026-03-02T10:00:01.123456Z"},
			{"content-type", "application/json"},
		} {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: h[0], Value: []byte(h[1])})
		}
		r.Timestamp = time.UnixMilli(int64(len(out)))
		out = append(out, r)
	}
	for i := range n + ahead {
		if i < n {
			add(i, Request)
		}
		if i >= ahead {
			add(i-ahead, Response)
		}
	}
	return out
}

func BenchmarkDecode(b *testing.B) {
	for _, features := range []int{4, 24} {
		b.Run(fmt.Sprintf("features=%d", features), func(b *testing.B) {
			records, d := pairs(1000, features), NewDecoder(Limits{})
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if _, err := d.Decode(records[i%len(records)]); err != nil {
					b.Fatal(err)
				}
				i++
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

// BenchmarkJoin decodes and joins: two records make an event.
func BenchmarkJoin(b *testing.B) {
	for _, features := range []int{4, 24} {
		b.Run(fmt.Sprintf("features=%d", features), func(b *testing.B) {
			records, d, events := pairs(100_000, features), NewDecoder(Limits{}), 0
			j := newJoiner(b, Config{})
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				r := records[i%len(records)]
				h, err := d.Decode(r)
				if err != nil {
					b.Fatal(err)
				}
				out, err := j.Add(int64(i), r.Timestamp, h)
				if err != nil {
					b.Fatal(err)
				}
				events += len(out)
				i++
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
			b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkMemory tells what a visible half takes when all are answered.
func BenchmarkMemory(b *testing.B) {
	const n = 50_000
	for b.Loop() {
		records, d, j := pairs(n/2, 4), NewDecoder(Limits{}), newJoiner(b, Config{})
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i, r := range records {
			h, err := d.Decode(r)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := j.Add(int64(i), r.Timestamp, h); err != nil {
				b.Fatal(err)
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(j.Counts().Visible), "B/half")
		runtime.KeepAlive(records)
	}
}
