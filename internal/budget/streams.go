package budget

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/driftline/driftline/detectors"
	"github.com/driftline/driftline/schemas"
)

// stream is a feature that does not change, hour by hour.
type stream struct {
	name, title string
	days        int  // of history
	side        bool // fewer features do
	short       bool // the history is
	begin       func(*rand.Rand) source
}

// source gives the rows of one hour after the other.
type source func(at time.Time) []float64

// streams of the simulation. Each hour has 200 rows, that of the seasonal
// streams 100 to 300.
var streams = []stream{
	{
		"iid", "independent rows; four weeks of history", 28, false, false,
		func(rng *rand.Rand) source {
			return func(time.Time) []float64 { return rows(200, func() float64 { return rng.NormFloat64() }) }
		},
	},
	{
		"iid_short", "independent rows; three days of history", 3, true, true,
		func(rng *rand.Rand) source {
			return func(time.Time) []float64 { return rows(200, func() float64 { return rng.NormFloat64() }) }
		},
	},
	{
		"ar1", "each row 0.8 of the one before and fresh noise; four weeks of history", 28, false, false,
		func(rng *rand.Rand) source {
			step := autoregressive(rng, 0.8)
			return func(time.Time) []float64 { return rows(200, step) }
		},
	},
	{
		"ar1_hours", "hours whose mean, a tenth of the rows' deviation, is 0.8 of the hour's before and fresh noise; four weeks of history", 28, true, false,
		func(rng *rand.Rand) source {
			step := autoregressive(rng, 0.8)
			return func(time.Time) []float64 {
				mean := 0.1 * step()
				return rows(200, func() float64 { return mean + rng.NormFloat64() })
			}
		},
	},
	{
		"seasonal", "mean and number of rows follow the hour of the day, and weekends differ; four weeks of history", 28, false, false,
		func(rng *rand.Rand) source { return seasonal(rng.NormFloat64) },
	},
	{
		"seasonal_ar1", "the same with rows that are 0.8 of the one before; four weeks of history", 28, true, false,
		func(rng *rand.Rand) source { return seasonal(autoregressive(rng, 0.8)) },
	},
}

// seasonal moves the mean by up to half a deviation over the day and by half of
// one at weekends.
func seasonal(noise func() float64) source {
	return func(at time.Time) []float64 {
		phase := math.Sin(2 * math.Pi * float64(at.Hour()) / 24)
		mean := phase / 2
		if d := at.Weekday(); d == time.Saturday || d == time.Sunday {
			mean += 0.5
		}
		return rows(200+int(100*phase), func() float64 { return mean + noise() })
	}
}

// autoregressive is a stationary series of deviation 1.
func autoregressive(rng *rand.Rand, rho float64) func() float64 {
	x, fresh := rng.NormFloat64(), math.Sqrt(1-rho*rho)
	return func() float64 {
		x = rho*x + fresh*rng.NormFloat64()
		return x
	}
}

func rows(n int, draw func() float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = draw()
	}
	return out
}

// start of all streams: a Monday.
var start = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

// feature is the name of the only feature.
const feature = "x"

// hour draws the summary of one window.
func hour(next source, at time.Time) schemas.WindowSummaries {
	s := detectors.SummarizeNumbers(feature, next(at))
	return schemas.WindowSummaries{
		ModelKey: key, Rows: s.Rows, Features: []schemas.Summary{s},
		Span: schemas.Span{Start: at, End: at.Add(time.Hour)},
	}
}

var key = schemas.ModelKey{Tenant: schemas.DefaultTenant, Model: "simulated"}
