package kafka_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/internal/kafka"
)

// putter takes a few records at a time and asks for the others later.
type putter struct {
	recorder
	after time.Duration
	ticks int
}

func (p *putter) Handle(_ context.Context, records []*kgo.Record) error {
	p.all.Lock()
	defer p.all.Unlock()
	taken := 0
	for _, r := range records {
		if r.Offset < p.next {
			continue
		}
		if taken == 7 {
			return &kafka.Later{After: p.after}
		}
		p.all.values = append(p.all.values, string(r.Value))
		p.next = r.Offset + 1
		taken++
	}
	return nil
}

func (p *putter) Tick(context.Context, time.Time) error {
	p.all.Lock()
	defer p.all.Unlock()
	p.ticks++
	return nil
}

// Records that are put off come again, in order and once each, and the
// partition ticks in the meantime.
func TestRecordsThatArePutOffComeAgain(t *testing.T) {
	cfg, _ := fake(t)
	with(t, cfg, "in", 1)
	produce(t, cfg, "in", 100)
	var all seen
	h := &putter{recorder: recorder{all: &all}, after: 30 * time.Millisecond}
	stop := member(t, cfg, "in", metrics.NewSet(), func(p *kafka.Partition) (kafka.Handler, error) { h.p = p; return h, nil })
	until(t, "100 records", func() bool { return all.count() == 100 })
	check(t, stop())
	if !slices.IsSorted(all.values) || len(slices.Compact(slices.Clone(all.values))) != 100 {
		t.Errorf("%v", all.values)
	}
	if h.ticks < 10 { // 14 waits of three ticks each
		t.Errorf("%d ticks while records waited", h.ticks)
	}
}

// However long a handler wants to wait, its partition can be closed at once,
// and what it had taken is closed properly.
func TestWaitingPartitionsCloseAtOnce(t *testing.T) {
	cfg, _ := fake(t)
	with(t, cfg, "in", 2)
	produce(t, cfg, "in", 100)
	var all seen
	var made sync.Mutex
	set := metrics.NewSet()
	stop := member(t, cfg, "in", set, func(p *kafka.Partition) (kafka.Handler, error) {
		made.Lock()
		defer made.Unlock()
		return &putter{recorder: recorder{p: p, all: &all}, after: time.Hour}, nil
	})
	until(t, "the first records", func() bool { return all.count() >= 14 })
	start := time.Now()
	check(t, stop())
	if d := time.Since(start); d > 5*time.Second || all.closed != 2 {
		t.Errorf("%d handlers were closed after %s", all.closed, d)
	}
	if n := set.GetOrCreateGauge(`driftline_kafka_queued_bytes{group="driftline-test"}`, nil).Get(); n != 0 {
		t.Errorf("%.0f bytes of the budget are still taken", n)
	}
}
