package dlq

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestReplayingAgainReplaysNothing(t *testing.T) {
	r := newRig(t)
	r.buryMany(20)
	r.buryMany(20) // as after a crash of ingest
	for i, want := range []Report{{Sent: 20, Duplicates: 20}, {Before: 20, Duplicates: 20}, {Before: 20, Duplicates: 20}} {
		rep := r.replay(ReplayOptions{Batch: 7})
		if rep.Sent != want.Sent || rep.Before != want.Before || rep.Duplicates != want.Duplicates {
			t.Errorf("run %d: %+v", i, rep)
		}
	}
	r.once("in", 20)
	l, err := r.box.List(t.Context(), Filter{}, 0)
	check(t, err)
	if l.Total != 20 || l.Replayed != 20 || l.Letters[0].ReplayedTo != "in" || time.Since(*l.Letters[0].ReplayedAt) > time.Hour {
		t.Errorf("listing %+v", l)
	}
}

func TestReplayKeepsThePartitionAndItsOrder(t *testing.T) {
	r := newRig(t)
	r.buryMany(30)
	r.replay(ReplayOptions{Batch: 4})
	last := map[int32]int{0: -1, 1: -1, 2: -1}
	for _, rec := range r.committed("in") {
		var i int
		if _, err := fmt.Sscanf(string(rec.Value), "v%d", &i); err != nil || int32(i%3) != rec.Partition || i <= last[rec.Partition] {
			t.Errorf("%s is in partition %d after v%d", rec.Value, rec.Partition, last[rec.Partition])
		}
		last[rec.Partition] = i
	}
}

func TestDryRunSendsNothing(t *testing.T) {
	r := newRig(t)
	r.buryMany(5)
	rep := r.replay(ReplayOptions{DryRun: true})
	if rep.Sent != 5 || len(rep.Letters) != 5 || rep.Letters[0].ReplayedAt != nil || !rep.DryRun {
		t.Errorf("report %+v", rep)
	}
	if got := r.committed("in"); len(got) != 0 {
		t.Errorf("%d records were sent", len(got))
	}
	if _, _, err := bounds(t.Context(), r.cfg, Markers("in")); err == nil {
		t.Error("the topic of markers was created")
	}
	if rep := r.replay(ReplayOptions{}); rep.Sent != 5 {
		t.Errorf("afterwards %+v", rep)
	}
}

func TestLimitGoesOnWhereItStopped(t *testing.T) {
	r := newRig(t)
	r.buryMany(10)
	for i, want := range []int{4, 4, 2, 0} {
		if rep := r.replay(ReplayOptions{Limit: 4, Batch: 3}); rep.Sent != want {
			t.Errorf("run %d sent %d, want %d", i, rep.Sent, want)
		}
	}
	r.once("in", 10)
}

func TestForceAndAnotherTopic(t *testing.T) {
	r := newRig(t)
	r.buryMany(4)
	if rep := r.replay(ReplayOptions{To: "other"}); rep.Sent != 4 || rep.To != "other" {
		t.Errorf("report %+v", rep)
	}
	r.once("other", 4)
	if rep := r.replay(ReplayOptions{}); rep.Sent != 0 || rep.Before != 4 {
		t.Errorf("replayed elsewhere before: %+v", rep)
	}
	if rep := r.replay(ReplayOptions{Force: true}); rep.Sent != 4 {
		t.Errorf("forced: %+v", rep)
	}
	r.once("in", 4)
}

// Interruptions at every step of a transaction. What a crash leaves is an open
// transaction: the broker refuses all that would end it.
func TestAnInterruptedReplayIsCompletedByTheNext(t *testing.T) {
	for name, fault := range map[string]kfake.Fault{
		"before the markers":           {Keys: []kmsg.Key{kmsg.Produce}, Topic: Markers("in"), Err: kerr.TopicAuthorizationFailed, Count: 1},
		"before the records":           {Keys: []kmsg.Key{kmsg.Produce}, Topic: "in", Err: kerr.TopicAuthorizationFailed, Count: 1},
		"commit refused, then aborted": {Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.TransactionAbortable, Count: 1},
		"crash before the commit":      {Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.InvalidTxnState, Count: -1},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.buryMany(9)
			h := r.cluster.Fault(fault)
			rep, err := r.box.Replay(t.Context(), ReplayOptions{})
			if err == nil || rep.Sent != 0 || !strings.Contains(err.Error(), "in/") {
				t.Fatalf("%+v, %v", rep, err)
			}
			h.Remove()
			if p := r.cluster.PartitionInfo("in", 0); (p.LastStableOffset < p.HighWatermark) != (fault.Count < 0) {
				t.Errorf("stable up to %d of %d: only a crash leaves a transaction open", p.LastStableOffset, p.HighWatermark)
			}
			if got := r.committed("in"); len(got) != 0 {
				t.Errorf("%d records are visible after the interruption", len(got))
			}
			if rep := r.replay(ReplayOptions{}); rep.Sent != 9 || rep.Before != 0 {
				t.Errorf("next run: %+v", rep)
			}
			r.once("in", 9)
			if rep := r.replay(ReplayOptions{}); rep.Sent != 0 || rep.Before != 9 {
				t.Errorf("third run: %+v", rep)
			}
		})
	}
}

// Whatever breaks at whatever step, a last undisturbed run leaves every letter
// replayed once.
func TestRandomInterruptions(t *testing.T) {
	keys := []kmsg.Key{kmsg.Produce, kmsg.EndTxn, kmsg.AddPartitionsToTxn, kmsg.InitProducerID}
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			r := newRig(t)
			r.buryMany(40)
			broken := 0
			for range 6 {
				at, n := rng.IntN(8), 0
				h := r.cluster.Fault(kfake.Fault{
					Keys: []kmsg.Key{keys[rng.IntN(len(keys))]}, Err: kerr.InvalidTxnState, Count: 1 + rng.IntN(2),
					When: func(kmsg.Request) bool { n++; return n > at },
				})
				if _, err := r.box.Replay(t.Context(), ReplayOptions{Batch: 3, Limit: 20}); err != nil {
					broken++
				}
				h.Remove()
			}
			r.replay(ReplayOptions{Batch: 3})
			r.once("in", 40)
			t.Logf("%d of 6 runs were interrupted", broken)
		})
	}
}

// Two operators at the same time: one is fenced or comes too late.
func TestReplaysAtTheSameTime(t *testing.T) {
	r := newRig(t)
	r.buryMany(60)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := r.box.Replay(t.Context(), ReplayOptions{Batch: 5}); err != nil {
				t.Log("fenced:", err)
			}
		})
	}
	wg.Wait()
	r.replay(ReplayOptions{})
	r.once("in", 60)
}

// Another replay runs from its start to its end at the two places where it
// hurts most: before this one takes the transactional id, when markers read
// earlier would be out of date, and before this one's first record.
func TestAReplayInTheMiddleOfAnother(t *testing.T) {
	for key, fenced := range map[kmsg.Key]bool{kmsg.InitProducerID: false, kmsg.Produce: true} {
		t.Run(key.Name(), func(t *testing.T) {
			r := newRig(t)
			r.buryMany(9)
			var other atomic.Bool
			r.cluster.ControlKey(int16(key), func(kmsg.Request) (kmsg.Response, error, bool) {
				if other.CompareAndSwap(false, true) {
					r.cluster.SleepControl(func() {
						if rep, err := r.box.Replay(t.Context(), ReplayOptions{}); err != nil || rep.Sent != 9 {
							t.Errorf("the other: %+v, %v", rep, err)
						}
					})
				}
				return nil, nil, false
			})
			rep, err := r.box.Replay(t.Context(), ReplayOptions{})
			if rep.Sent != 0 || (err != nil) != fenced || fenced && !strings.Contains(err.Error(), "took over") {
				t.Errorf("%+v, %v", rep, err)
			}
			r.once("in", 9)
		})
	}
}

// A letter that fails again has another origin, and says what it replays.
func TestAReplayThatFailsAgainIsAnotherLetter(t *testing.T) {
	r := newRig(t)
	r.bury(dead(0, 3, noon, "bad_json", "oops", "v0"))
	r.replay(ReplayOptions{})
	again := r.committed("in")[0]
	r.bury(dead(0, 99, noon, "bad_json", "oops", "v0", again.Headers...))
	rep := r.replay(ReplayOptions{})
	if rep.Sent != 1 || rep.Letters[0].ReplayOf != "in/0/3" {
		t.Errorf("report %+v", rep)
	}
	all := r.committed("in")
	if h := all[len(all)-1].Headers; len(h) != 1 || h[0].Key != HeaderReplayOf || string(h[0].Value) != "in/0/99" {
		t.Errorf("headers %v", h)
	}
}

// The markers survive compaction, and a tombstone takes one back.
func TestMarkers(t *testing.T) {
	r := newRig(t)
	r.buryMany(3)
	r.replay(ReplayOptions{Batch: 1})
	r.replay(ReplayOptions{Batch: 1, Force: true})
	r.cluster.Compact()
	if rep := r.replay(ReplayOptions{}); rep.Sent != 0 || rep.Before != 3 {
		t.Errorf("after compaction: %+v", rep)
	}
	key := []byte("in/0/0@2026-03-01T12:00:00Z")
	if !slices.ContainsFunc(r.committed(Markers("in")), func(m *kgo.Record) bool { return bytes.Equal(m.Key, key) }) {
		t.Errorf("no marker has the key %q", key)
	}
	r.bury(&kgo.Record{Topic: Markers("in"), Key: key})
	if rep := r.replay(ReplayOptions{}); rep.Sent != 1 || rep.Before != 2 {
		t.Errorf("after a tombstone: %+v", rep)
	}
	if cfg := r.cluster.TopicInfo(Markers("in")); cfg == nil || cfg.Configs["cleanup.policy"] == nil || *cfg.Configs["cleanup.policy"] != "compact" {
		t.Errorf("markers are not compacted: %+v", cfg)
	}
}

func BenchmarkReplay(b *testing.B) {
	r := newRig(b)
	const n = 20_000
	r.buryMany(n)
	for b.Loop() {
		if rep := r.replay(ReplayOptions{Force: true}); rep.Sent != n {
			b.Fatalf("%+v", rep)
		}
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "letters/s")
}

func BenchmarkList(b *testing.B) {
	r := newRig(b)
	const n = 100_000
	for range n / 20_000 {
		r.buryMany(20_000)
	}
	for b.Loop() {
		if l, err := New(r.cfg, "in").List(b.Context(), Filter{}, 100); err != nil || l.Total != 20_000 {
			b.Fatalf("%+v, %v", l, err)
		}
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "letters/s")
}
