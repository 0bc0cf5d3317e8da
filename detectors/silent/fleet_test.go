package silent

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/driftline/driftline/schemas"
)

var noon = time.Date(2026, 3, 18, 12, 0, 0, 0, time.UTC) // a Wednesday

// ago is a time before noon.
func ago(d time.Duration) time.Time { return noon.Add(-d) }

// jitter is d, give or take a share.
func jitter(rng *rand.Rand, d time.Duration, share float64) time.Duration {
	return time.Duration(float64(d) * (1 + share*(2*rng.Float64()-1)))
}

// healthyFleet is a random tenant in which nothing is wrong, as it is seen at
// noon: scheduled and random jobs with jitter, retries and filters; models with
// daily seasons, missing values, rare flags and constant features; telemetry,
// consumers and streams.
func healthyFleet(rng *rand.Rand) *Snapshot {
	s := &Snapshot{Tenant: "default", Clock: Clock{Now: noon, Wall: noon.Add(3 * time.Minute), Recent: 15 * time.Minute}}
	s.Jobs = []Job{healthyJob(rng, "hourly", time.Hour, 20*time.Minute), healthyJob(rng, "often", 10*time.Minute, 2*time.Minute), demandJob(rng)}
	s.Models = []Model{healthyModel(rng, "credit", 400), healthyModel(rng, "ranking", 6000)}
	s.Feeds = []Feed{healthyFeed(rng)}
	s.Consumers = []Consumer{healthyConsumer(rng)}
	s.Monitor = &Monitor{}
	for _, kind := range []string{StreamEvents, StreamJobs, StreamTelemetry} {
		s.Monitor.Streams = append(s.Monitor.Streams, Stream{kind, noon.Add(-time.Duration(rng.IntN(60)) * time.Second), ago(time.Hour), s.Clock.Wall.Add(-time.Duration(rng.IntN(90)) * time.Second)})
	}
	return s
}

// healthyRun is one that began at a time, as it is seen at noon; it beats every
// 30 s.
func healthyRun(rng *rand.Rand, id int, start time.Time, took time.Duration) Run {
	const beat = 30 * time.Second
	end := start.Add(took)
	r := Run{ID: fmt.Sprintf("run-%05d", id), HasStart: true, Started: start, Attempts: 1, ItemsIn: uint64(9000 + rng.IntN(2000)), Gap: beat, MaxGap: jitter(rng, beat, .1)}
	if rng.Float64() < .1 {
		r.Attempts = 2
	}
	if end.After(noon) {
		r.Beats = uint64(noon.Sub(start) / beat)
		r.Last = start.Add(time.Duration(r.Beats) * beat)
		if r.Beats == 0 {
			r.Gap, r.MaxGap = 0, 0
		}
		return r
	}
	r.Beats, r.Last, r.Ended, r.State = uint64(took/beat), end, end, schemas.JobSucceeded
	r.ItemsOut = uint64(float64(r.ItemsIn) * (.93 + .07*rng.Float64())) // it filters a little
	r.BytesOut = 512 * r.ItemsOut
	if rng.Float64() < .02 {
		r.State, r.ItemsOut, r.BytesOut = schemas.JobFailed, 0, 0
	}
	return r
}

func healthyJob(rng *rand.Rand, name string, every, takes time.Duration) Job {
	j := Job{Name: name, Model: "ranking"}
	phase := time.Duration(rng.Int64N(int64(every)))
	for i := range int(7 * 24 * time.Hour / every) {
		j.Runs = append(j.Runs, healthyRun(rng, i, ago(phase+time.Duration(i)*every), jitter(rng, takes, .3)))
	}
	return j
}

// demandJob is started at random, without heartbeats.
func demandJob(rng *rand.Rand) Job {
	j := Job{Name: "on-demand"}
	at := noon
	for i := range 300 {
		at = at.Add(-time.Duration(rng.ExpFloat64() * float64(20*time.Minute)))
		r := healthyRun(rng, i, at, time.Duration((.2+rng.ExpFloat64())*float64(2*time.Minute)))
		if r.Beats, r.Gap, r.MaxGap = 0, 0, 0; !r.done() {
			r.Last = r.Started
		}
		j.Runs = append(j.Runs, r)
	}
	return j
}

// daily is the traffic at a time relative to its mean.
func daily(t time.Time) float64 {
	return 1 + .6*math.Sin(2*math.Pi*float64(t.Hour()*60+t.Minute())/(24*60))
}

// poisson draws a count; a normal one where the mean is large.
func poisson(rng *rand.Rand, mean float64) uint64 {
	if mean > 50 {
		return uint64(math.Max(0, math.Round(mean+math.Sqrt(mean)*rng.NormFloat64())))
	}
	n, p := uint64(0), math.Exp(-mean)
	for u := rng.Float64(); u > p; n++ {
		u *= rng.Float64()
	}
	return n
}

func healthyModel(rng *rand.Rand, name string, perBin float64) Model {
	m := Model{Name: name, Joins: [2]Join{healthyJoin(rng, 4000), healthyJoin(rng, 1000)}}
	for w := range 5 {
		week := 1 + .1*rng.NormFloat64()
		reach := 9 * Bin
		if w == 0 {
			reach = Trailing
		}
		for at := noon.AddDate(0, 0, -7*w).Add(-reach); at.Before(noon.AddDate(0, 0, -7*w).Add(9*Bin)) && at.Before(noon); at = at.Add(Bin) {
			// Real traffic is wilder than Poisson's.
			if n := poisson(rng, perBin*daily(at)*week*(1+.1*rng.NormFloat64())); n > 0 {
				m.Counts = append(m.Counts, Count{at, n})
			}
		}
	}
	for at := ago(15*time.Minute + 3*time.Hour); at.Before(noon); at = at.Add(Bin) {
		m.Blocks = append(m.Blocks, healthyBlocks(rng, at, 200+uint64(rng.IntN(50)))...)
	}
	for i, class := range []string{"no", "yes", "refer"} {
		share := []float64{.7, .25, .05}[i]
		m.Classes = append(m.Classes, Class{"v1", class, poisson(rng, 7200*share), poisson(rng, 600*share)})
	}
	m.IDs = RequestIDs{Rows: 3000, Distinct: 3000 - uint64(rng.IntN(3))}
	for at := ago(3 * 24 * time.Hour); at.Before(noon); at = at.Add(Bin) {
		if n := poisson(rng, 2); n > 0 {
			m.Labels = append(m.Labels, Count{at, n})
		}
	}
	for pod := range 4 {
		m.Replicas = append(m.Replicas, Replica{"credit-eu", fmt.Sprint("credit-eu-", pod), "v1", 100 + uint64(rng.IntN(50)), ago(24 * time.Hour)})
		mean := .4 + .05*float64(pod)
		moments := func(n uint64) Moments { return Moments{n, mean + .2*rng.NormFloat64()/math.Sqrt(float64(n)), .04} }
		m.GPUs = append(m.GPUs, GPUStats{fmt.Sprint("node/", pod), moments(1000), moments(1000)})
	}
	return m
}

func healthyJoin(rng *rand.Rand, n uint64) Join { return Join{n, poisson(rng, .6*float64(n))} }

// healthyBlocks are those of one bin: a varying feature, one that is missing
// now and then, a rare flag, a constant, a category and the score.
func healthyBlocks(rng *rand.Rand, at time.Time, rows uint64) []Block {
	number := func(name string, present uint64, low, high, mean float64) Block {
		return Block{Version: "v1", Feature: name, Kind: schemas.Numeric, Start: at, Rows: rows, Present: present, Min: low, Max: high, Mean: mean}
	}
	flagged := 0.
	if n := poisson(rng, .01*float64(rows)); n > 0 { // in a few bins nobody has it
		flagged = 1
	}
	return []Block{
		number("income", rows, 900+100*rng.Float64(), 9000, 3000+50*rng.NormFloat64()),
		number("age", rows-min(rows, poisson(rng, .2*float64(rows))), 18, 80+10*rng.Float64(), 40+rng.NormFloat64()),
		number("flag", rows, 0, flagged, .01*flagged),
		number("one", rows, 1, 1, 1),
		number(schemas.FeatureScore, rows, .01*rng.Float64(), .99, .3+.01*rng.NormFloat64()),
		{Version: "v1", Feature: "country", Kind: schemas.Categorical, Start: at, Rows: rows, Present: rows},
		{Version: "v1", Feature: schemas.FeaturePrediction, Kind: schemas.Categorical, Start: at, Rows: rows, Present: rows},
	}
}

func healthyFeed(rng *rand.Rand) Feed {
	f := Feed{Name: "dcgm"}
	for gpu := range 4 {
		for _, metric := range []string{"gpu_utilization_ratio", "gpu_temperature_celsius"} {
			last := ago(time.Duration(rng.IntN(15)) * time.Second)
			f.Series = append(f.Series, Series{metric, fmt.Sprint("node/", gpu), last.Add(-2 * time.Hour), last, 481})
		}
	}
	f.Series = append(f.Series, Series{"gpu_xid_last", "node/0", ago(2 * time.Hour), ago(time.Hour), 2}) // comes with events
	return f
}

// healthyConsumer lags by a little and moves, or has nothing to do.
func healthyConsumer(rng *rand.Rand) Consumer {
	c := Consumer{Group: "features", Topic: "orders", Partition: "0"}
	end, idle := int64(1000), rng.IntN(2) == 0
	for i := range 15 {
		if !idle {
			end += int64(rng.IntN(100))
		}
		c.Polls = append(c.Polls, Poll{ago(time.Duration(15-i) * time.Minute), max(0, end-int64(rng.IntN(3))), end})
	}
	if idle {
		for i := range c.Polls {
			c.Polls[i].Committed = end
		}
	}
	return c
}

// shuffled is the same snapshot in another order.
func shuffled(rng *rand.Rand, s *Snapshot) *Snapshot {
	out := *s
	out.Jobs, out.Models, out.Feeds = mixed(rng, s.Jobs), mixed(rng, s.Models), mixed(rng, s.Feeds)
	for i := range out.Jobs {
		out.Jobs[i].Runs = mixed(rng, out.Jobs[i].Runs)
	}
	for i := range out.Models {
		m := &out.Models[i]
		m.Counts, m.Requests, m.Blocks, m.Classes = mixed(rng, m.Counts), mixed(rng, m.Requests), mixed(rng, m.Blocks), mixed(rng, m.Classes)
		m.Labels, m.Replicas, m.GPUs = mixed(rng, m.Labels), mixed(rng, m.Replicas), mixed(rng, m.GPUs)
	}
	for i := range out.Feeds {
		out.Feeds[i].Series = mixed(rng, out.Feeds[i].Series)
	}
	out.Consumers = slices.Clone(s.Consumers)
	for i := range out.Consumers {
		out.Consumers[i].Polls = mixed(rng, out.Consumers[i].Polls)
	}
	out.Monitor = &Monitor{mixed(rng, s.Monitor.Streams)}
	return &out
}

func mixed[T any](rng *rand.Rand, in []T) []T {
	out := slices.Clone(in)
	rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}
