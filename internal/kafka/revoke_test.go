package kafka

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/twmb/franz-go/pkg/kgo"
)

// slowClose is a handler whose last batch takes a while.
type slowClose struct{ closed atomic.Bool }

func (h *slowClose) Handle(context.Context, []*kgo.Record) error { return nil }
func (h *slowClose) Tick(context.Context, time.Time) error       { return nil }
func (h *slowClose) Close(context.Context) error {
	time.Sleep(3 * time.Second)
	h.closed.Store(true)
	return nil
}

// A rebalance in the middle of a shutdown waits for the batch in hand. When it
// did not, the partition had a new owner while the old one went on to commit,
// and 180 rows were stored twice.
func TestRevokingTwiceWaitsTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &Group{cfg: GroupConfig{Kafka: DefaultConfig(), Tick: time.Second, Log: slog.New(slog.DiscardHandler), Metrics: metrics.NewSet()}}
		g.workers.by = map[topicPartition]*worker{}
		h := &slowClose{}
		g.startWorker(&Partition{Topic: "in"}, h)
		all := map[string][]int32{"in": {0}}
		done := make(chan bool, 2)
		go func() { g.revoked(all, true); done <- h.closed.Load() }()
		time.Sleep(time.Second) // the first is waiting
		go func() { g.revoked(all, true); done <- h.closed.Load() }()
		for range 2 {
			if !<-done {
				t.Error("a revocation returned before the handler had closed")
			}
		}
		if len(g.workers.by) != 0 {
			t.Error("the worker is still known")
		}
		g.wg.Wait()
	})
}

// A partition that is assigned in the middle of a shutdown gets no worker: the
// shutdown would wait for it for ever.
func TestNothingStartsInAShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &Group{cfg: GroupConfig{Kafka: DefaultConfig(), Tick: time.Second, Log: slog.New(slog.DiscardHandler), Metrics: metrics.NewSet()}}
		g.workers.by = map[topicPartition]*worker{}
		cl, err := kgo.NewClient()
		if err != nil {
			t.Fatal(err)
		}
		g.cl = cl
		if !g.startWorker(&Partition{Topic: "in"}, &slowClose{}) {
			t.Fatal("refused while running")
		}
		over := make(chan struct{})
		go func() { g.shutdown(); close(over) }()
		time.Sleep(time.Second) // it waits for the batch in hand
		if g.startWorker(&Partition{Topic: "in", Number: 1}, &slowClose{}) {
			t.Error("started while shutting down")
		}
		<-over
	})
}
