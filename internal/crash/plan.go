package main

import (
	"math/rand/v2"
	"slices"
	"time"
)

// kind of fault.
type kind string

// The kinds of fault. Those that a real broker cannot be made to show on
// demand are kfake's alone, and the death of a broker is Apache Kafka's.
const (
	killIngest   kind = "driftline: kill -9"
	rebalance    kind = "driftline: another instance joins or leaves"
	killStore    kind = "store: kill -9, then restarted"
	storeRefuses kind = "store: connections refused for a while"
	storeCut     kind = "store: connections cut"
	answerLost   kind = "store: insert applied, answer lost"
	answerLate   kind = "store: insert applied, answer after the timeout"
	blockLate    kind = "store: block arrives after the timeout"
	diskFull     kind = "store: disk full, inserts refused"
	memoryFull   kind = "store: out of memory, inserts fail"
	produceFails kind = "broker: produce applied, then an error"
	produceLost  kind = "broker: produce applied, answer lost"
	commitFails  kind = "broker: commit refused"
	commitTimes  kind = "broker: commit applied, then an error"
	commitLost   kind = "broker: commit applied, answer lost"
	brokerCut    kind = "broker: connections cut"
	brokerGone   kind = "broker: connections refused for a while"
	killBroker   kind = "broker: kill -9, then restarted"
)

// weighted is a kind and how often it comes compared with others.
type weighted struct {
	kind   kind
	weight int
}

// everywhere are the kinds that need nothing of the broker.
var everywhere = []weighted{
	{killIngest, 4},
	{rebalance, 3},
	{killStore, 2},
	{storeRefuses, 2},
	{storeCut, 2},
	{answerLost, 2},
	{answerLate, 1},
	{blockLate, 1},
	{diskFull, 3},
	{memoryFull, 1},
	{produceLost, 2},
	{commitLost, 2},
	{brokerCut, 2},
}

// onFake and onApache are all kinds of a part.
var (
	onFake   = append(slices.Clip(everywhere), weighted{produceFails, 2}, weighted{commitFails, 2}, weighted{commitTimes, 2}, weighted{brokerGone, 1})
	onApache = append(slices.Clip(everywhere), weighted{killBroker, 3})
)

// fault is one entry of the plan.
type fault struct {
	kind  kind
	pause time.Duration // how long it lasts, where it lasts
	gap   time.Duration // until the next one
	calm  bool          // wait for the recovery too before the next one
	pick  int           // chooses a victim or a variant
}

// plan draws faults without end. The same seed draws the same faults; what
// they meet depends on the machine.
type plan struct {
	rng   *rand.Rand
	kinds []weighted
	due   []kind // one round of all kinds, so that every one comes early and often enough
}

func newPlan(seed uint64, kinds []weighted) *plan {
	return &plan{rng: rand.New(rand.NewPCG(seed, 1)), kinds: kinds}
}

func (p *plan) next() fault {
	if len(p.due) == 0 {
		for _, w := range p.kinds {
			for range w.weight {
				p.due = append(p.due, w.kind)
			}
		}
		p.rng.Shuffle(len(p.due), func(i, j int) { p.due[i], p.due[j] = p.due[j], p.due[i] })
	}
	f := fault{
		kind:  p.due[0],
		pause: time.Duration(50+p.rng.IntN(1000)) * time.Millisecond,
		gap:   time.Duration(p.rng.IntN(700)) * time.Millisecond,
		calm:  p.rng.IntN(4) == 0,
		pick:  p.rng.IntN(1 << 20),
	}
	p.due = p.due[1:]
	return f
}
