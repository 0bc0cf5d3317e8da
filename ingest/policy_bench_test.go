package ingest

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/schemas"
)

// benchPolicies are what a careful operator might write, the cheapest first.
var benchPolicies = []Policy{
	{Action: ActionHash, Fields: []string{"request_id"}},
	{Action: ActionDrop, Fields: []string{"features.category_1"}},
	{Action: ActionTruncate, Bytes: 2, Fields: []string{"segment"}},
	{Action: ActionAllowValues, Values: []string{"value", "1"}, Fields: []string{"prediction", "features.category_2"}},
	{Action: ActionAllowFields, Fields: []string{"segment", "request_id", "prediction", "score", "latency_ms", "features.*"}},
}

// BenchmarkPolicies takes in protobuf events of 20 numeric and 5 categorical
// features: decoded, past the policies, into columns.
func BenchmarkPolicies(b *testing.B) {
	for _, c := range []struct {
		name     string
		policies []Policy
		quotas   map[string]Quota
	}{
		{"none", nil, nil},
		{"1 hash", benchPolicies[:1], nil},
		{"1 drop of a feature", benchPolicies[1:2], nil},
		{"5", benchPolicies, nil},
		{"none with a quota", nil, map[string]Quota{"*": {RowsPerSecond: 1 << 40}}},
	} {
		b.Run(c.name, func(b *testing.B) {
			topic := Topic{Topic: "in", Kind: Events, Format: FormatProtobuf, Tenant: "default"}
			batch := newTestBatch(gated(Config{Topics: []Topic{topic}, Policies: c.policies, Quotas: c.quotas, HashKey: testKey}), topic)
			var records []*kgo.Record
			for i := range 1000 {
				records = append(records, &kgo.Record{Topic: "in", Value: benchEvent(i)})
			}
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				if err := batch.add(b.Context(), records[n%len(records)]); err != nil {
					b.Fatal(err)
				}
				if n++; n%20_000 == 0 {
					batch.reset()
					batch.arrival.clock = clock{minTime, maxTime - 1}
				}
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

func benchEvent(i int) []byte {
	e := schemas.Event{
		Model: "credit", Version: "v1", Segment: "DE", RequestID: fmt.Sprintf("credit-%012d", i), Time: time.UnixMilli(1767323045678 + int64(i)),
		Deployment: "credit-eu", Pod: "credit-eu-1", Node: "node-1", GPU: "node-1/0", Prediction: "1", Score: new(0.731), LatencyMS: new(12.25),
		Features: schemas.Features{Numeric: map[string]float64{}, Categorical: map[string]string{}},
	}
	for i := range 20 {
		e.Features.Numeric[fmt.Sprintf("feature_%d", i)] = float64(i) * 1.1
	}
	for i := range 5 {
		e.Features.Categorical[fmt.Sprintf("category_%d", i)] = "value"
	}
	return e.AppendProto(nil)
}
