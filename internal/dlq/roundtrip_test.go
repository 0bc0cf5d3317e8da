package dlq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/VictoriaMetrics/metrics"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/driftline/driftline/ingest"
	"github.com/driftline/driftline/internal/kafka"
	"github.com/driftline/driftline/schemas"
)

// store counts rows; a token counts once, as in ClickHouse.
type store struct {
	sync.Mutex
	rows map[string]int // by token
}

func (s *store) Insert(_ context.Context, table, token string, block proto.Input) error {
	if table != "inference_events" { // what follows from the rows
		return nil
	}
	s.Lock()
	defer s.Unlock()
	s.rows[token] = block[0].Data.Rows()
	return nil
}

func (s *store) Stored(context.Context, string, string, int32, int64, int64) (map[schemas.Origin]struct{}, error) {
	return nil, errors.New("nothing is reconciled here")
}

func (s *store) Owed(context.Context, []schemas.Minute) ([]int64, error) {
	return nil, errors.New("nothing is reconciled here")
}

func (s *store) Retries() uint64 { return 0 }

func (s *store) Atomic() bool { return true }

func (s *store) Crowded() bool { return false }

func (s *store) total() (n int) {
	s.Lock()
	defer s.Unlock()
	for _, rows := range s.rows {
		n += rows
	}
	return n
}

// ingest runs the real ingest with a limit of features until stopped.
func (r *rig) ingest(s *store, maxFeatures int) (stop func()) {
	r.Helper()
	quiet, set := slog.New(slog.DiscardHandler), metrics.NewSet()
	log, err := kafka.OpenSchemaLog(r.Context(), r.cfg, func(context.Context, []schemas.SchemaEntry) error { return nil })
	check(r, err)
	cfg := ingest.DefaultConfig()
	cfg.Topics = []ingest.Topic{{Topic: "in", Kind: ingest.Events, Format: ingest.FormatJSON, Tenant: "default", DeadLetters: r.letters}}
	cfg.LetterKeys = r.keys
	cfg.FlushInterval, cfg.MaxFeatures = 20*time.Millisecond, maxFeatures
	out, err := r.cfg.Dial()
	check(r, err)
	g, err := kafka.NewGroup(r.Context(), kafka.GroupConfig{
		Kafka: r.cfg, Role: "ingest", Topics: []string{"in"}, Tick: 10 * time.Millisecond,
		New: ingest.New(cfg, ingest.Options{Windows: r.cfg.Topics.Windows, Store: s, Schemas: log, Producer: out, Log: quiet, Metrics: set}).Handler, Log: quiet, Metrics: set,
	})
	check(r, err)
	ctx, cancel := context.WithCancel(r.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = log.Run(ctx) })
	groupCtx, stopGroup := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- g.Run(groupCtx) }()
	return func() {
		stopGroup()
		check(r, <-done)
		cancel()
		wg.Wait()
		log.Close()
		out.Close()
	}
}

// until waits for what the running ingest brings about.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("never: ", what)
		}
	}
}

// The whole way: records that ingest refuses lie in the box; their cause is
// mended; a replay is interrupted; the next one completes it; and every record
// is stored once.
func TestRoundTrip(t *testing.T) {
	r := newRig(t)
	check(t, kafka.EnsureTopics(t.Context(), r.cl, r.cfg.Topics))
	const n = 300
	var events []*kgo.Record
	for i := range n {
		features := `"age":1`
		if i%3 == 0 {
			features += `,"income":2`
		}
		events = append(events, &kgo.Record{
			Topic: "in", Partition: int32(i % 3), Key: fmt.Append(nil, i),
			Value: fmt.Appendf(nil, `{"model":"credit","version":"v%d","request_id":"r%d","timestamp":1772366400000,"features":{%s}}`, i%3, i, features),
		})
	}
	r.bury(events...)
	s := &store{rows: map[string]int{}}
	stop := r.ingest(s, 4) // three are reserved: one feature a model version
	listed := func() *Listing {
		l, err := r.box.List(t.Context(), Filter{}, 0)
		check(t, err)
		return l
	}
	until(t, "dead letters", func() bool { return s.total() == n-n/3 && listed().Total == n/3 })
	stop()
	if l := listed(); len(l.Reasons) != 1 || l.Reasons[0].Reason != "too_many_features" {
		t.Fatalf("listing %+v", l.Reasons)
	}

	stop = r.ingest(s, 10) // mended
	h := r.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.InvalidTxnState, Count: -1})
	if rep, err := r.box.Replay(t.Context(), ReplayOptions{Batch: 40}); err == nil {
		t.Fatalf("the crash had no effect: %+v", rep)
	}
	h.Remove()
	if rep := r.replay(ReplayOptions{Batch: 40}); rep.Sent != n/3 {
		t.Errorf("second replay: %+v", rep)
	}
	until(t, "all rows", func() bool { return s.total() >= n })
	if rep := r.replay(ReplayOptions{}); rep.Sent != 0 || rep.Before != n/3 {
		t.Errorf("third replay: %+v", rep)
	}
	stop()
	if got, l := s.total(), listed(); got != n || l.Total != n/3 || l.Replayed != n/3 {
		t.Errorf("%d rows stored, want %d; listing %+v", got, n, l.Reasons)
	}
}
