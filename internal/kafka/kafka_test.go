package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/driftline/driftline/internal/embedded/embeddedtest"
	"github.com/driftline/driftline/internal/kafka"
	"github.com/driftline/driftline/internal/testkit/apachekafka"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// until waits for a condition that other goroutines bring about.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("never: ", what)
		}
	}
}

// starter gives a test an empty Kafka.
type starter func(t testing.TB) kafka.Config

// overKafkas runs a test against the in-process fake and against the real one.
func overKafkas(t *testing.T, test func(t *testing.T, start starter)) {
	t.Run("kfake", func(t *testing.T) {
		test(t, func(t testing.TB) kafka.Config { cfg, _ := fake(t); return cfg })
	})
	t.Run("apache", func(t *testing.T) {
		test(t, func(t testing.TB) kafka.Config { return apachekafka.Shared(t).Kafka() })
	})
}

func fake(t testing.TB) (kafka.Config, *kfake.Cluster) {
	t.Helper()
	k := embeddedtest.Kafka(t)
	cfg := kafka.DefaultConfig()
	cfg.Brokers = k.Addrs()
	return cfg, k.Cluster()
}

// with makes a topic of the given partitions.
func with(t testing.TB, cfg kafka.Config, topic string, partitions int32) kafka.Config {
	t.Helper()
	cl, err := cfg.Dial()
	check(t, err)
	defer cl.Close()
	check(t, kafka.CreateTopics(t.Context(), cl, partitions, topic))
	return cfg
}

func produce(t testing.TB, cfg kafka.Config, topic string, n int) {
	t.Helper()
	cl, err := cfg.Dial(kgo.RecordPartitioner(kgo.RoundRobinPartitioner()))
	check(t, err)
	defer cl.Close()
	var records []*kgo.Record
	for i := range n {
		records = append(records, &kgo.Record{Topic: topic, Value: fmt.Appendf(nil, "%06d", i)})
	}
	check(t, cl.ProduceSync(t.Context(), records...).FirstErr())
}

// recorder is a handler that keeps what it sees and commits every record with
// metadata that says so.
type recorder struct {
	p    *kafka.Partition
	all  *seen
	next int64
	slow func()
}

type seen struct {
	sync.Mutex
	values []string
	starts []string
	closed int
}

func (s *seen) count() int {
	s.Lock()
	defer s.Unlock()
	return len(s.values)
}

func (r *recorder) Handle(ctx context.Context, records []*kgo.Record) error {
	if r.slow != nil {
		r.slow()
	}
	r.all.Lock()
	for _, rec := range records {
		r.all.values = append(r.all.values, string(rec.Value))
		r.next = rec.Offset + 1
	}
	r.all.Unlock()
	return r.p.Commit(ctx, r.next, fmt.Sprintf("at %d", r.next))
}

func (r *recorder) Tick(context.Context, time.Time) error { return nil }

func (r *recorder) Close(context.Context) error {
	r.all.Lock()
	r.all.closed++
	r.all.Unlock()
	return nil
}

// member runs a group member until its stop function is called.
func member(t testing.TB, cfg kafka.Config, topic string, set *metrics.Set, handler func(p *kafka.Partition) (kafka.Handler, error)) (stop func() error) {
	t.Helper()
	g, err := kafka.NewGroup(t.Context(), kafka.GroupConfig{
		Kafka: cfg, Role: "test", Topics: []string{topic}, Tick: 10 * time.Millisecond, New: handler,
		Log: slog.New(slog.DiscardHandler), Metrics: set,
	})
	check(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	return sync.OnceValue(func() error { cancel(); return <-done })
}

func recording(s *seen, slow func()) func(p *kafka.Partition) (kafka.Handler, error) {
	return func(p *kafka.Partition) (kafka.Handler, error) {
		s.Lock()
		s.starts = append(s.starts, fmt.Sprintf("%d %q", p.Start, p.Metadata))
		s.Unlock()
		return &recorder{p: p, all: s, slow: slow}, nil
	}
}

func TestTakeoverStartsAtTheCommitAndSeesItsMetadata(t *testing.T) {
	overKafkas(t, testTakeoverStartsAtTheCommitAndSeesItsMetadata)
}

func testTakeoverStartsAtTheCommitAndSeesItsMetadata(t *testing.T, start starter) {
	cfg := with(t, start(t), "in", 1)
	produce(t, cfg, "in", 100)
	var first seen
	stop := member(t, cfg, "in", metrics.NewSet(), recording(&first, nil))
	until(t, "100 records", func() bool { return first.count() == 100 })
	check(t, stop())
	if first.closed != 1 {
		t.Fatalf("handler closed %d times, want once", first.closed)
	}
	produce(t, cfg, "in", 10)
	var second seen
	stop = member(t, cfg, "in", metrics.NewSet(), recording(&second, nil))
	until(t, "10 more records", func() bool { return second.count() == 10 })
	check(t, stop())
	if want := []string{`100 "at 100"`}; !slices.Equal(second.starts, want) {
		t.Fatalf("successor starts at %v, want %v", second.starts, want)
	}
}

func TestPartitionsMoveWithoutLossOrRepetition(t *testing.T) {
	overKafkas(t, testPartitionsMoveWithoutLossOrRepetition)
}

func testPartitionsMoveWithoutLossOrRepetition(t *testing.T, start starter) {
	cfg := with(t, start(t), "in", 6)
	produce(t, cfg, "in", 600)
	var all seen
	stopA := member(t, cfg, "in", metrics.NewSet(), recording(&all, nil))
	until(t, "600 records", func() bool { return all.count() == 600 })
	stopB := member(t, cfg, "in", metrics.NewSet(), recording(&all, nil))
	until(t, "the second member gets partitions", func() bool { all.Lock(); defer all.Unlock(); return all.closed >= 3 })
	produce(t, cfg, "in", 600)
	until(t, "1200 records", func() bool { return all.count() >= 1200 })
	check(t, stopA())
	produce(t, cfg, "in", 600)
	until(t, "1800 records", func() bool { return all.count() >= 1800 })
	check(t, stopB())
	if all.count() != 1800 {
		t.Fatalf("%d records handled, want 1800: some came twice", all.count())
	}
}

// A slow handler fills its queue: fetching pauses, memory stays bounded, and
// every pause is followed by a resume.
func TestBackpressurePausesAndResumes(t *testing.T) { overKafkas(t, testBackpressurePausesAndResumes) }

func testBackpressurePausesAndResumes(t *testing.T, start starter) {
	cfg := with(t, start(t), "in", 2)
	cfg.QueueBytes = 1 << 20
	cl, err := cfg.Dial(kgo.RecordPartitioner(kgo.RoundRobinPartitioner()))
	check(t, err)
	defer cl.Close()
	big := []byte(strings.Repeat("x", 10_000))
	for range 10 {
		var records []*kgo.Record
		for range 100 {
			records = append(records, &kgo.Record{Topic: "in", Value: big})
		}
		check(t, cl.ProduceSync(t.Context(), records...).FirstErr())
	}
	set := metrics.NewSet()
	var all seen
	var mu sync.Mutex
	mu.Lock() // handlers stand still
	stop := member(t, cfg, "in", set, recording(&all, func() { mu.Lock(); defer mu.Unlock() }))
	pauses := set.GetOrCreateCounter(`driftline_kafka_pauses_total{group="driftline-test"}`)
	resumes := set.GetOrCreateCounter(`driftline_kafka_resumes_total{group="driftline-test"}`)
	until(t, "a pause", func() bool { return pauses.Get() > 0 })
	mu.Unlock()
	until(t, "all records", func() bool { return all.count() == 1000 })
	until(t, "resumes", func() bool { return resumes.Get() == pauses.Get() })
	check(t, stop())
}

func TestHandlerErrorEndsTheGroup(t *testing.T) { overKafkas(t, testHandlerErrorEndsTheGroup) }

func testHandlerErrorEndsTheGroup(t *testing.T, start starter) {
	cfg := with(t, start(t), "in", 1)
	produce(t, cfg, "in", 1)
	boom := errors.New("boom")
	g, err := kafka.NewGroup(t.Context(), kafka.GroupConfig{
		Kafka: cfg, Role: "test", Topics: []string{"in"}, Tick: time.Second,
		New: func(p *kafka.Partition) (kafka.Handler, error) {
			return kafka.Each(p, func(context.Context, *kgo.Record) error { return boom }), nil
		},
		Log: slog.New(slog.DiscardHandler), Metrics: metrics.NewSet(),
	})
	check(t, err)
	if err := g.Run(t.Context()); !errors.Is(err, boom) || !strings.Contains(err.Error(), "in/0") {
		t.Fatalf("Run returns %v, want the handler's error with its partition", err)
	}
}

// A broker that applies a commit and then fails the answer is asked again.
func TestCommitIsRetried(t *testing.T) {
	cfg, cluster := fake(t)
	with(t, cfg, "in", 1)
	produce(t, cfg, "in", 5)
	failures := 0
	cluster.ControlKey(kmsg.OffsetCommit.Int16(), func(req kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if failures++; failures > 2 {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.OffsetCommitResponse)
		for _, topic := range req.(*kmsg.OffsetCommitRequest).Topics {
			rt := kmsg.NewOffsetCommitResponseTopic()
			rt.Topic, rt.TopicID = topic.Topic, topic.TopicID
			for _, p := range topic.Partitions {
				rp := kmsg.NewOffsetCommitResponseTopicPartition()
				rp.Partition, rp.ErrorCode = p.Partition, kerr.RebalanceInProgress.Code
				rt.Partitions = append(rt.Partitions, rp)
			}
			resp.Topics = append(resp.Topics, rt)
		}
		return resp, nil, true
	})
	var all seen
	stop := member(t, cfg, "in", metrics.NewSet(), recording(&all, nil))
	until(t, "a commit behind two failures", func() bool {
		cl, err := cfg.Dial()
		check(t, err)
		defer cl.Close()
		offsets, err := kadm.NewClient(cl).FetchOffsets(t.Context(), "driftline-test")
		o, ok := offsets.Lookup("in", 0)
		return err == nil && ok && o.At == 5
	})
	check(t, stop())
}
