package ingest_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/driftline/driftline/ingest"
	"github.com/driftline/driftline/schemas"
)

// What a batch's states cost, counts in them, by event: 22 numeric and 6
// categorical features in 24 groups of about 2,000 events.
func BenchmarkStates(b *testing.B) {
	const n = 50_000
	rng := rand.New(rand.NewPCG(1, 1))
	var events []schemas.Event
	for i := range n {
		e := schemas.Event{Model: string(rune('a' + i%4)), Version: "v1", Segment: string(rune('a' + i%3)), Time: noon.Add(time.Duration(i) * 2 * time.Millisecond)}
		e.Score, e.LatencyMS = new(rng.Float64()), new(float64(rng.IntN(300)))
		e.Features = schemas.Features{Numeric: map[string]float64{}, Categorical: map[string]string{}}
		for j := range 20 {
			e.Features.Numeric[string(rune('a'+j))] = float64(j) + rng.Float64()*100
		}
		for j := range 5 {
			e.Features.Categorical[string(rune('a'+j))] = string(rune('a' + rng.IntN(50)))
		}
		events = append(events, e)
	}
	blocks, err := ingest.NewBlocks(events)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		blocks.States()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/event")
}
