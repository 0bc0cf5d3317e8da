package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/driftline/driftline/internal/embedded"
	"github.com/driftline/driftline/internal/testkit/apachekafka"
)

// broker is the Kafka of a part: kfake in this process, or Apache Kafka. One
// of the two is nil.
type broker struct {
	fake   *embedded.Kafka
	apache *apachekafka.Cluster
	tb     *runner
}

// errAbsent says that Apache Kafka is not installed here.
var errAbsent = errors.New("no Apache Kafka")

func startFake() (*broker, error) {
	k, err := embedded.OpenKafka(embedded.KafkaConfig{})
	return &broker{fake: k}, err
}

// startApache needs Java and the jars; without them the error is errAbsent,
// but in CI, where nobody would see that.
func startApache(dir string, brokers int) (*broker, error) {
	b := &broker{tb: &runner{dir: dir}}
	err := b.tb.do(func(t testing.TB) { b.apache = apachekafka.Start(t, apachekafka.Config{Brokers: brokers}) })
	if err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *broker) addrs() []string {
	if b.fake != nil {
		return b.fake.Addrs()
	}
	return b.apache.Addrs()
}

func (b *broker) close() {
	if b.fake != nil {
		_ = b.fake.Close()
		return
	}
	b.tb.cleanup()
}

// outage kills one broker of Apache Kafka and starts it again after a pause.
func (b *broker) outage(pick int, pause time.Duration) error {
	id := 1 + pick%len(b.apache.Addrs())
	return b.tb.do(func(t testing.TB) {
		b.apache.Kill(t, id)
		time.Sleep(pause)
		b.apache.Restart(t, id)
	})
}

// fail makes kfake answer one request with an error, and tells whether one
// came within patience.
func (b *broker) fail(ctx context.Context, f kfake.Fault, patience time.Duration) bool {
	h := b.fake.Cluster().Fault(f)
	defer h.Remove()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return h.Wait(ctx, 1) == nil || h.Hits() > 0
}

// The faults of kfake. REQUEST_TIMED_OUT, and NOT_ENOUGH_REPLICAS_AFTER_APPEND
// of produce, come after the work is done; the others in its place.
func produceFault(topics []string, pick int) kfake.Fault {
	errs := []*kerr.Error{kerr.RequestTimedOut, kerr.NotEnoughReplicasAfterAppend}
	return kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: topics[pick%len(topics)], Err: errs[pick/8%len(errs)], Count: 1 + pick/64%3}
}

func commitFault(group string, pick int) kfake.Fault {
	errs := []*kerr.Error{kerr.RebalanceInProgress, kerr.CoordinatorNotAvailable, kerr.NotCoordinator, kerr.CoordinatorLoadInProgress}
	return kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Group: group, Err: errs[pick%len(errs)], Count: 1 + pick/8%3}
}

func commitTimeout(group string, pick int) kfake.Fault {
	return kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Group: group, Err: kerr.RequestTimedOut, Count: 1 + pick%3}
}

// runner lets code that wants a test run in this program.
type runner struct {
	testing.TB // nil: what is not defined below is not called
	dir        string

	mu    sync.Mutex
	after []func()
	err   error
}

// do runs f to its end or its first fatal error.
func (r *runner) do(f func(testing.TB)) error {
	done := make(chan struct{})
	r.err = nil
	go func() { // Fatal ends its goroutine
		defer close(done)
		f(r)
	}()
	<-done
	return r.err
}

func (r *runner) cleanup() {
	for _, f := range slices.Backward(r.after) {
		f()
	}
	r.after = nil
}

// What apachekafka asks of a test.
func (r *runner) Helper()                  {}
func (r *runner) Context() context.Context { return context.Background() }
func (r *runner) Failed() bool             { return r.err != nil }
func (r *runner) Log(args ...any)          { fmt.Fprintln(os.Stderr, args...) }

func (r *runner) TempDir() string { return r.dir }

func (r *runner) Cleanup(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.after = append(r.after, f)
}

func (r *runner) Fatal(args ...any) {
	r.err = errors.New(fmt.Sprint(args...))
	runtime.Goexit()
}

func (r *runner) Fatalf(format string, args ...any) { r.Fatal(fmt.Sprintf(format, args...)) }

func (r *runner) Skip(args ...any) {
	r.err = fmt.Errorf("%w: %s", errAbsent, fmt.Sprint(args...))
	if ci, _ := strconv.ParseBool(os.Getenv("CI")); ci {
		r.err = errors.New(fmt.Sprint(args...))
	}
	runtime.Goexit()
}
