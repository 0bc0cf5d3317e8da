package world

import (
	"fmt"
	"time"

	"github.com/driftline/driftline/schemas"
)

// How a job is run.
const (
	jobEvery = 10 * time.Minute
	jobTakes = 4 * time.Minute
	jobBeats = 30 * time.Second
	jobItems = 20_000
)

// run gives the steps of a job's next run: started, heartbeats that carry
// counts, succeeded. What falls into a fault is not sent, nor what comes after
// it in the same run.
func (w *World) run(j *job) (out []schemas.JobEvent) {
	start := w.Start.Add(time.Duration(j.next)*jobEvery + time.Minute + time.Duration(j.model.index)*7*time.Second)
	id := fmt.Sprintf("%s-%d-%d", j.name, w.Seed, j.next)
	j.next++
	for after := time.Duration(0); after <= jobTakes; after += jobBeats {
		at := start.Add(after)
		if !at.Before(w.Start.Add(w.Length)) || j.hangs(start.UnixMilli(), at.UnixMilli()) {
			break
		}
		done := uint64(jobItems * float64(after) / float64(jobTakes))
		e := schemas.JobEvent{
			Tenant: w.Tenant, Job: j.name, RunID: id, Time: at, State: schemas.JobHeartbeat, Attempt: 1, Model: j.model.name,
			Node: j.gpu.node.name, ItemsIn: jobItems, ItemsOut: done, BytesOut: done * 512, DurationMS: float64(after.Milliseconds()),
		}
		switch after { //nolint:exhaustive // moments of a run, not units
		case 0:
			e.State = schemas.JobStarted
		case jobTakes:
			e.State = schemas.JobSucceeded
		}
		out = append(out, e)
	}
	return out
}

// hangs tells whether a run that began at start sends nothing any more at ms.
func (j *job) hangs(start, ms int64) bool {
	for _, f := range j.faults {
		if f.Kind == JobStuck && start < f.end && ms >= f.start {
			return true
		}
	}
	return false
}

// changes of the run, in order of time: what the faults come with.
func (w *World) changes() (out []schemas.Change) {
	add := func(f *fault, ms int64, kind schemas.ChangeKind, model, from, to, text string) {
		out = append(out, schemas.Change{
			Tenant: w.Tenant, ID: fmt.Sprintf("change-%d-%d", w.Seed, len(out)), Time: time.UnixMilli(ms).UTC(), Kind: kind, Entity: f.On,
			Model: model, From: from, To: to, Author: "release-bot", Description: text,
		})
	}
	for _, d := range w.deployments {
		for _, f := range d.faults {
			add(f, f.start, schemas.ChangeDeploy, d.model.name, oldVersion, newVersion, "release of "+newVersion)
			if f.end < w.until {
				add(f, f.end, schemas.ChangeDeploy, d.model.name, newVersion, oldVersion, "rollback")
			}
		}
	}
	for _, n := range w.nodes {
		for _, f := range n.faults {
			if f.Kind == DriverUpgrade {
				add(f, f.start, schemas.ChangeDriver, "", "550.54", "560.28", "new GPU driver")
			}
		}
	}
	return out
}
