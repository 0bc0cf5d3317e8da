package query_test

import (
	"slices"
	"testing"
	"time"

	"github.com/driftline/driftline/internal/query"
	"github.com/driftline/driftline/internal/query/querytest"
)

// BenchmarkFleetPage asks what the console's first page asks, over 100 models of
// 50 features, each judged hourly by two detectors for seven days, and the same
// judged every five minutes. It reports the time of the 95th percentile.
func BenchmarkFleetPage(b *testing.B) {
	for _, c := range []struct {
		name   string
		window time.Duration
	}{{"hourly", time.Hour}, {"every 5 minutes", 5 * time.Minute}} {
		b.Run(c.name, func(b *testing.B) {
			to := time.Now().UTC().Truncate(time.Hour)
			fleet := querytest.Fleet{Models: 100, Features: 50, From: to.Add(-7 * 24 * time.Hour), To: to, Window: c.window}
			a := seeded(b, fleet)
			r := of(fleet)
			r.MaxPoints = 300
			var took []time.Duration
			for b.Loop() {
				began := time.Now()
				for _, kind := range []string{"fleet", "health_matrix", "incidents"} {
					one := time.Now()
					if _, err := a.Ask(b.Context(), query.Query{Kind: kind}, r); err != nil {
						b.Fatal(err)
					}
					if testing.Verbose() {
						b.Log(kind, time.Since(one))
					}
				}
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*95/100].Milliseconds()), "p95-ms")
		})
	}
}
