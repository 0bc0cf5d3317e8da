package loadtest

import (
	"fmt"
	"math"
	"time"

	"github.com/driftline/driftline/loadtest/draw"
	"github.com/driftline/driftline/schemas"
)

// gpu is a place where models run.
type gpu struct{ node, id string }

var gpus = func() (out []gpu) {
	for i := range 4 {
		node := fmt.Sprintf("gpu-node-%d", i/2+1)
		out = append(out, gpu{node, fmt.Sprintf("%s/%d", node, i%2)})
	}
	return out
}()

// scrape is how often a GPU is sampled, in event time.
const scrape = 15 * time.Second

// samples of all GPUs at scrape k, in the ranges of an accelerator with 80 GB
// and 400 W: utilisation is bimodal, power and temperature follow it, the
// clock falls a little under load, and memory stays near full once taken.
func (f *Fleet) samples(k uint64) (out []schemas.Sample) {
	d := f.base
	at := f.Start.Add(time.Duration(k) * scrape)
	for i, g := range gpus {
		d.Seed(f.Seed, streamTelemetry, k*uint64(len(gpus))+uint64(i))
		util := 0.0
		if d.Float64() < 0.8 {
			util = min(100, math.Round(d.Normal(93, 6)))
		}
		add := func(metric, unit string, value float64) {
			out = append(out, schemas.Sample{
				Time: at, Source: "dcgm", Metric: metric, Value: value, Unit: unit, Node: g.node, GPU: g.id,
				Labels: map[string]string{"modelName": "A100-SXM4-80GB"},
			})
		}
		add("DCGM_FI_DEV_GPU_UTIL", "%", util)
		add("DCGM_FI_DEV_GPU_TEMP", "C", math.Round(d.Normal(33+0.27*util, 1.5)))
		add("DCGM_FI_DEV_POWER_USAGE", "W", draw.Digits(d.Normal(66+3.1*util, 8), 1))
		add("DCGM_FI_DEV_SM_CLOCK", "MHz", 1410-15*math.Round(util/100*3*d.Float64()))
		add("DCGM_FI_DEV_FB_USED", "MiB", 72_000+float64(i)*500+math.Round(d.Normal(0, 40)))
	}
	return out
}

// The batch job that runs beside the models.
const (
	jobName  = "embeddings-refresh"
	jobFrom  = 0.1 // share of the run at which it starts
	jobUntil = 0.8
	jobItems = 50_000
)

// job gives the steps of the batch job: started, a heartbeat every minute of
// event time, succeeded.
func (f *Fleet) job() (out []schemas.JobEvent) {
	start := f.at(jobFrom)
	length := f.at(jobUntil).Sub(start)
	step := func(after time.Duration, state schemas.JobState) {
		done := uint64(jobItems * float64(after) / float64(length))
		out = append(out, schemas.JobEvent{
			Job: jobName, RunID: fmt.Sprintf("run-%d", f.Seed), Time: start.Add(after), State: state, Attempt: 1,
			Model: "ranking", Node: gpus[0].node, GPU: gpus[0].id,
			ItemsIn: jobItems, ItemsOut: done, BytesOut: done * 512, DurationMS: float64(after.Milliseconds()),
		})
	}
	step(0, schemas.JobStarted)
	for after := time.Minute; after < length; after += time.Minute {
		step(after, schemas.JobHeartbeat)
	}
	step(length, schemas.JobSucceeded)
	return out
}

// change is the one deploy of the run: harmless, and near enough to the first
// faults to be suspected.
func (f *Fleet) change() schemas.Change {
	return schemas.Change{
		ID: fmt.Sprintf("deploy-%d", f.Seed), Time: f.at(0.2), Kind: schemas.ChangeDeploy, Entity: "deployment/credit-eu",
		Model: "credit", From: "v1", To: "v2", Author: "release-bot", Description: "next step of the rollout of v2",
	}
}

// at is the event time at a share of the run.
func (f *Fleet) at(share float64) time.Time {
	return f.Start.Add(time.Duration(share * float64(f.Length))).Truncate(time.Millisecond)
}
