package budget

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// Defaults of Options: 1,000 feature-months of each main stream.
const (
	DefaultFeatures = 500
	monthsEach      = 2
	sideShare       = 5 // side streams have one in so many features
)

// Options of a run.
type Options struct {
	Seed     uint64
	Features int // of each main stream, two months each; side streams have a fifth. At least 10
}

// Report is what a run found.
type Report struct {
	Seed     uint64   `json:"seed"`
	Declared float64  `json:"declared"` // false alarms in a feature-month
	Streams  []Stream `json:"streams"`
	Power    []Power  `json:"power"`
}

// Stream is what all rules did on one stream that does not change.
type Stream struct {
	Name          string `json:"name"`
	Title         string `json:"title"`
	FeatureMonths int    `json:"feature_months"`
	Rates         []Rate `json:"rates"`
}

// Rate is what one rule did.
type Rate struct {
	Rule   string  `json:"rule"`
	Alarms int     `json:"alarms"` // windows in alarm
	Rate   float64 `json:"rate"`   // alarms in a feature-month
	Error  float64 `json:"error"`  // standard error of Rate, from the differences between features
	Budget string  `json:"budget"` // kept: within a quarter of the declared rate; below; exceeded. Empty: the rule has none
	Reason string  `json:"reason"` // why a rate is below, empty otherwise
}

// Run simulates. What it finds depends on the options alone.
func Run(ctx context.Context, o Options) (*Report, error) {
	if o.Features < 10 {
		return nil, fmt.Errorf("features = %d: want at least 10", o.Features)
	}
	r := &Report{Seed: o.Seed, Declared: 1}
	for i := range streams {
		n := o.Features
		if streams[i].side {
			n = max(2, n/sideShare)
		}
		s, err := streams[i].run(ctx, o.Seed+uint64(i)<<32, n)
		if err != nil {
			return nil, err
		}
		r.Streams = append(r.Streams, s)
	}
	var err error
	r.Power, err = powers(ctx, o)
	return r, err
}

// run draws features and counts alarms.
func (s *stream) run(ctx context.Context, seed uint64, features int) (Stream, error) {
	counts := make([][]int, features)
	err := each(ctx, features, func(ctx context.Context, f int) (err error) {
		counts[f], err = s.play(ctx, rand.New(rand.NewPCG(seed, uint64(f))))
		return err
	})
	out := Stream{Name: s.name, Title: s.title, FeatureMonths: features * monthsEach}
	for i := range rules {
		out.Rates = append(out.Rates, rateOf(&rules[i], s, counts, i))
	}
	return out, err
}

// each calls a function for 0 to n−1, on all processors.
func each(ctx context.Context, n int, f func(context.Context, int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range n {
		g.Go(func() error { return f(ctx, i) })
	}
	return g.Wait()
}

func rateOf(r *rule, s *stream, counts [][]int, at int) Rate {
	var sum, squares float64
	for _, c := range counts {
		k := float64(c[at]) / monthsEach
		sum += k
		squares += k * k
	}
	n := float64(len(counts))
	mean := sum / n
	out := Rate{Rule: r.name, Alarms: int(sum * monthsEach), Rate: mean, Error: math.Sqrt(max(0, squares/n-mean*mean) / (n - 1))}
	if !r.budgeted {
		return out
	}
	switch {
	case mean > 1.25:
		out.Budget = "exceeded"
	case mean < 0.75:
		out.Budget, out.Reason = "below", r.below
		if s.short {
			out.Reason = "a short history pays for how little it tells; " + out.Reason
		}
	default:
		out.Budget = "kept"
	}
	return out
}
