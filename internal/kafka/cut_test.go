package kafka

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/twmb/franz-go/pkg/kgo"
)

// stuck is a handler whose last batch waits for a store that is away.
type stuck struct{ ended atomic.Bool }

func (h *stuck) Handle(context.Context, []*kgo.Record) error { return nil }
func (h *stuck) Tick(context.Context, time.Time) error       { return nil }
func (h *stuck) End()                                        { h.ended.Store(true) }
func (h *stuck) Close(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// ending starts workers of the handlers and shuts their group down, which is
// cut after the given time. It tells how long that took, and what was logged.
func ending(t *testing.T, cut time.Duration, handlers ...Handler) (took time.Duration, logged string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		cl, err := kgo.NewClient()
		if err != nil {
			t.Fatal(err)
		}
		out := make(chan struct{})
		g := &Group{cl: cl, cfg: GroupConfig{Kafka: DefaultConfig(), Tick: time.Second, Cut: out, Log: slog.New(slog.NewTextHandler(&log, nil)), Metrics: metrics.NewSet()}}
		g.workers.by = map[topicPartition]*worker{}
		for i, h := range handlers {
			g.startWorker(&Partition{Topic: "in", Number: int32(i)}, h)
		}
		start := time.Now()
		timer := time.AfterFunc(cut, func() { close(out) })
		g.shutdown()
		timer.Stop()
		took, logged = time.Since(start), log.String()
	})
	return took, logged
}

// When the shutdown has no time left, what is in hand is cut off at once,
// everywhere, and the log says what it was.
func TestShutdownIsCutOff(t *testing.T) {
	a, b := &stuck{}, &stuck{}
	took, logged := ending(t, 10*time.Second, a, &slowClose{}, b)
	if took < 10*time.Second || took > 12*time.Second {
		t.Errorf("the shutdown took %s, want 10s", took)
	}
	if strings.Count(logged, "cut off by the shutdown") != 2 || !strings.Contains(logged, "topic=in partition=0") || !strings.Contains(logged, "topic=in partition=2") {
		t.Errorf("logged:\n%s", logged)
	}
	if !a.ended.Load() || !b.ended.Load() {
		t.Error("a handler was not told of its end")
	}
}

// Handlers that finish in time are not cut off.
func TestShutdownInTime(t *testing.T) {
	h := &slowClose{}
	if took, logged := ending(t, 10*time.Second, h); took > 5*time.Second || logged != "" || !h.closed.Load() {
		t.Errorf("the shutdown took %s, closed: %v, logged: %s", took, h.closed.Load(), logged)
	}
}
