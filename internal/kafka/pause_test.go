package kafka

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/twmb/franz-go/pkg/kgo"
)

// quick is a handler that is done at once.
type quick struct{}

func (quick) Handle(context.Context, []*kgo.Record) error { return nil }
func (quick) Tick(context.Context, time.Time) error       { return nil }
func (quick) Close(context.Context) error                 { return nil }

// A worker that has emptied its queue resumes its partition in the very moment
// in which it is being paused. Whoever comes last, the client must think of the
// partition what the group thinks: one that is paused and not known to be so is
// never read again.
func TestPauseAndResumeKeepTheirOrder(t *testing.T) {
	cl, err := kgo.NewClient()
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	cfg := GroupConfig{Kafka: DefaultConfig(), Tick: time.Hour, Log: slog.New(slog.DiscardHandler), Metrics: metrics.NewSet()}
	cfg.Kafka.QueueBytes = 1 // everything is too much
	g := &Group{cfg: cfg, cl: cl, pauses: cfg.Metrics.NewCounter("pauses"), resumes: cfg.Metrics.NewCounter("resumes")}
	g.workers.by = map[topicPartition]*worker{}
	g.startWorker(&Partition{Topic: "in"}, quick{})
	w := g.workers.by[topicPartition{"in", 0}]
	records := kgo.FetchTopicPartition{Topic: "in", FetchPartition: kgo.FetchPartition{Records: []*kgo.Record{{Value: make([]byte, 2<<20)}}}}
	for i := range 20_000 {
		g.dispatch(records)
		for w.waiting() > 0 || g.queued() > 0 {
			time.Sleep(0)
		}
		g.workers.Lock()
		known, there := w.paused, slices.Contains(cl.PauseFetchPartitions(nil)["in"], 0)
		g.workers.Unlock()
		if known != there {
			t.Fatalf("round %d: the group says paused=%v, the client %v", i, known, there)
		}
	}
	if n := g.pauses.Get(); n == 0 || g.resumes.Get() == 0 {
		t.Errorf("%d pauses, %d resumes: nothing was tested", n, g.resumes.Get())
	}
	w.stop(true)
}

func (g *Group) queued() int64 {
	g.workers.Lock()
	defer g.workers.Unlock()
	return g.workers.queued
}
