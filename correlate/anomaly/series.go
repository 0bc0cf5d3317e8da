package anomaly

import (
	"math"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/driftline/driftline/correlate/graph"
	"github.com/driftline/driftline/correlate/metric"
)

// Series is what was measured of one metric of one entity, ascending in time,
// one value a time. What is missing is missing: never 0.
type Series struct {
	Entity graph.Entity
	Metric string
	Label  string    // what tells series of one metric and entity apart, such as an XID; most often empty
	T      []int64   // milliseconds since 1970
	V      []float64 // finite
}

// Len is the number of samples.
func (s *Series) Len() int { return len(s.T) }

// Add appends a sample; Sort brings samples into order afterwards.
func (s *Series) Add(at time.Time, v float64) {
	s.T, s.V = append(s.T, at.UnixMilli()), append(s.V, v)
}

// Sort brings samples into order, drops what is not a number, and keeps the
// largest of those of one time, so that neither the order of samples nor
// duplicates change anything.
func (s *Series) Sort() {
	kept := 0
	for i, v := range s.V {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			s.T[kept], s.V[kept] = s.T[i], v
			kept++
		}
	}
	s.T, s.V = s.T[:kept], s.V[:kept]
	if !slices.IsSorted(s.T) {
		sort.Sort((*byTime)(s))
	}
	kept = 0
	for i := range s.T {
		if kept > 0 && s.T[kept-1] == s.T[i] {
			s.V[kept-1] = max(s.V[kept-1], s.V[i])
			continue
		}
		s.T[kept], s.V[kept] = s.T[i], s.V[i]
		kept++
	}
	s.T, s.V = s.T[:kept], s.V[:kept]
}

type byTime Series

func (s *byTime) Len() int           { return len(s.T) }
func (s *byTime) Less(i, j int) bool { return s.T[i] < s.T[j] }
func (s *byTime) Swap(i, j int) {
	s.T[i], s.T[j] = s.T[j], s.T[i]
	s.V[i], s.V[j] = s.V[j], s.V[i]
}

// Step is the usual time between two samples: the median of the newest ones.
// Of fewer than two samples it is 0.
func (s *Series) Step() time.Duration {
	var d [65]int64
	n := 0
	for i := len(s.T) - 1; i > 0 && n < len(d); i-- {
		d[n] = s.T[i] - s.T[i-1]
		n++
	}
	if n == 0 {
		return 0
	}
	slices.Sort(d[:n])
	return time.Duration(d[n/2]) * time.Millisecond
}

// Rates are what a counter grew by in a second, between each sample and the
// one before it. A value below the one before is a counter that began anew at
// 0.
func Rates(s *Series) *Series {
	out := &Series{Entity: s.Entity, Metric: s.Metric, Label: s.Label}
	for i := 1; i < len(s.T); i++ {
		grown := s.V[i] - s.V[i-1]
		if grown < 0 {
			grown = max(s.V[i], 0)
		}
		out.T = append(out.T, s.T[i])
		out.V = append(out.V, grown*1000/float64(s.T[i]-s.T[i-1]))
	}
	return out
}

// Mean is the quotient of the growth of two counters, at the times that both
// have: of seconds and requests, the mean time of a request. Where the second
// did not grow there is no mean.
func Mean(name string, sum, count *Series) *Series {
	out := &Series{Entity: sum.Entity, Metric: name, Label: sum.Label}
	a, b := Rates(sum), Rates(count)
	for i, k := 0, 0; i < len(a.T) && k < len(b.T); {
		switch {
		case a.T[i] < b.T[k]:
			i++
		case a.T[i] > b.T[k]:
			k++
		default:
			if b.V[k] > 0 {
				out.T, out.V = append(out.T, a.T[i]), append(out.V, a.V[i]/b.V[k])
			}
			i, k = i+1, k+1
		}
	}
	return out
}

// Measured brings a series into the form that it is judged in: counters become
// rates.
func Measured(s *Series, m *metric.Metric) *Series {
	if m.Kind == metric.Counter {
		return Rates(s)
	}
	return s
}

// isRate tells whether a metric's measured values are per second.
func isRate(name string) bool {
	return strings.HasSuffix(name, "_total") || strings.Contains(name, "rate") || strings.Contains(name, "per_second") ||
		strings.HasSuffix(name, "rps") || strings.HasSuffix(name, "qps")
}
