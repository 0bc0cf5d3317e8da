package causes

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/driftline/driftline/correlate/anomaly"
	"github.com/driftline/driftline/correlate/graph"
	"github.com/driftline/driftline/correlate/metric"
	"github.com/driftline/driftline/correlate/rank"
)

// method ranks the entities of a case, likeliest first.
type method struct {
	name string
	rank func(s *System, c *Case, series []*anomaly.Series, at time.Time) []graph.Entity
}

// ours is the ranking of the service, as it is.
var ours = method{"driftline", func(s *System, c *Case, series []*anomaly.Series, at time.Time) (out []graph.Entity) {
	for _, cause := range diagnose(s, c, series, at).Causes {
		out = append(out, graph.Entity(cause.Entity))
	}
	return out
}}

func diagnose(s *System, c *Case, series []*anomaly.Series, at time.Time) rank.Result {
	return rank.Rank(rank.Input{
		Graph: s.Graph, Registry: metric.Builtin(), Series: series, Symptom: rank.Symptom{Entity: c.Entity, Metric: c.Metric, At: at},
	})
}

// Score of a method on some cases. AC@k is the share of cases whose cause is
// among the first k; Avg@5 the mean of AC@1 to AC@5. Intervals are of 95 %, by
// drawing cases again.
type Score struct {
	Method string     `json:"method"`
	N      int        `json:"n"`
	AC1    float64    `json:"ac1"`
	AC3    float64    `json:"ac3"`
	Avg5   float64    `json:"avg5"`
	AC1In  [2]float64 `json:"ac1_interval"`
	AC3In  [2]float64 `json:"ac3_interval"`
	Avg5In [2]float64 `json:"avg5_interval"`
}

// place is where a cause is in a ranking, from 1; 0 when it is not there.
func place(ranked []graph.Entity, cause graph.Entity) int { return slices.Index(ranked, cause) + 1 }

// score of the places of the true causes.
func score(name string, places []int) Score {
	s := Score{Method: name, N: len(places)}
	s.AC1, s.AC3, s.Avg5 = measures(places)
	rng := rand.New(rand.NewPCG(1, 2))
	const draws = 2000
	var ac1, ac3, avg5 []float64
	again := make([]int, len(places))
	for range draws {
		for i := range again {
			again[i] = places[rng.IntN(len(places))]
		}
		a, b, c := measures(again)
		ac1, ac3, avg5 = append(ac1, a), append(ac3, b), append(avg5, c)
	}
	s.AC1In, s.AC3In, s.Avg5In = interval(ac1), interval(ac3), interval(avg5)
	return s
}

func measures(places []int) (ac1, ac3, avg5 float64) {
	at := func(k int) float64 {
		n := 0
		for _, p := range places {
			if p >= 1 && p <= k {
				n++
			}
		}
		return float64(n) / float64(max(len(places), 1))
	}
	for k := 1; k <= 5; k++ {
		avg5 += at(k) / 5
	}
	return at(1), at(3), avg5
}

func interval(v []float64) [2]float64 {
	slices.Sort(v)
	return [2]float64{v[len(v)*25/1000], v[len(v)*975/1000]}
}

// run a method over cases, with series changed as told and seen so much later.
func run(m method, s *System, of func(*Case) bool, late time.Duration, change func(*Case, []*anomaly.Series) []*anomaly.Series) (places []int) {
	for i := range s.Cases {
		c := &s.Cases[i]
		if !of(c) {
			continue
		}
		series := before(s.Normal, c)
		if change != nil {
			series = change(c, series)
		}
		places = append(places, place(m.rank(s, c, series, c.At.Add(late)), c.Cause))
	}
	return places
}

// dropping leaves out a share of series, drawn by a seed, but never the
// symptom's own.
func dropping(share float64, seed uint64) func(*Case, []*anomaly.Series) []*anomaly.Series {
	return func(c *Case, series []*anomaly.Series) (out []*anomaly.Series) {
		for _, s := range series {
			h := fnv.New64a()
			fmt.Fprintf(h, "%d %s %s %s", seed, c.Name, s.Entity, s.Metric)
			drawn := rand.New(rand.NewPCG(seed, h.Sum64())).Float64()
			if s.Entity == c.Entity && s.Metric == c.Metric || drawn >= share {
				out = append(out, s)
			}
		}
		return out
	}
}
