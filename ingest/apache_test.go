package ingest_test

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/ingest"
	"github.com/driftline/driftline/internal/kafka"
	"github.com/driftline/driftline/internal/testkit/apachekafka"
)

func TestMain(m *testing.M) { os.Exit(apachekafka.Run(m)) }

func apache(t testing.TB) kafka.Config {
	t.Helper()
	return apachekafka.Shared(t).Kafka()
}

// overKafkas runs a test against the in-process fake and against the real one.
func overKafkas(t *testing.T, test func(t *testing.T, start starter)) {
	for name, start := range map[string]starter{"kfake": fake, "apache": apache} {
		t.Run(name, func(t *testing.T) { test(t, start) })
	}
}

// flow produces some thousand events a second until its end function is called,
// which waits for the brokers to have them all and tells how many.
func (r *rig) flow() (end func() uint64) {
	r.Helper()
	var failed atomic.Pointer[error]
	produced, stop, done := 0, make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			for range 30 { // blocks while too much waits for the brokers
				rec := &kgo.Record{Topic: "in", Value: encode(r, ingest.FormatProtobuf, event(produced))}
				r.cl.Produce(r.Context(), rec, func(_ *kgo.Record, err error) {
					if err != nil {
						failed.CompareAndSwap(nil, &err)
					}
				})
				produced++
			}
		}
	}()
	end = sync.OnceValue(func() uint64 {
		close(stop)
		<-done
		_ = r.cl.Flush(r.Context())
		return uint64(produced)
	})
	r.Cleanup(func() {
		end()
		if err := failed.Load(); err != nil {
			r.Error("produce: ", *err)
		}
	})
	return end
}

func (r *rig) stored() uint64 {
	r.Helper()
	return r.number("SELECT count() FROM inference_events")
}

// storedOnce waits for n rows and checks that there are no others, no
// duplicates among them, and that the views counted the same.
func (r *rig) storedOnce(n uint64, stop func()) {
	r.Helper()
	until(r, "all rows", func() bool { return r.stored() >= n })
	stop()
	raw, distinct, states := r.stored(), r.number("SELECT uniqExact(request_id) FROM inference_events"), r.number("SELECT sum(rows) FROM feature_sketches_1m")
	if raw != n || distinct != n || states != n {
		r.Errorf("raw %d, distinct %d, in states %d; produced were %d", raw, distinct, states, n)
	}
}

// more waits until a thousand rows more than now are stored.
func (r *rig) more(what string) {
	r.Helper()
	goal := r.stored() + 1000
	until(r, what, func() bool { return r.stored() >= goal })
}

func apacheRig(t *testing.T, c *apachekafka.Cluster) *rig {
	t.Helper()
	r := newRig(t, func(testing.TB) kafka.Config { return c.Kafka() }, ingest.Topic{Topic: "in", Kind: ingest.Events, Format: ingest.FormatProtobuf, Tenant: "default"})
	r.cfg.BatchRows = 500
	return r
}

// The broker restarts in the middle of ingest; when it is back everything goes
// on, and every record counts once.
func TestBrokerRestartsInTheMiddle(t *testing.T) {
	c := apachekafka.Shared(t)
	r := apacheRig(t, c)
	stop := r.run(metrics.NewSet())
	end := r.flow()
	r.more("rows before the restart")
	c.Stop(t, 1)
	c.Restart(t, 1)
	r.more("rows after the restart")
	r.storedOnce(end(), stop)
}

// Of three brokers the one that leads a partition is killed: another takes
// over while records flow, and every record counts once. Then the same with
// the coordinator of the group, which holds the intents.
func TestLeadersChangeInTheMiddle(t *testing.T) {
	c := apachekafka.Start(t, apachekafka.Config{Brokers: 3})
	r := apacheRig(t, c)
	stop := r.run(metrics.NewSet())
	end := r.flow()
	r.more("rows before the changes")
	first := r.killed(c, func() int { return r.leader("in", 0) })
	c.Restart(t, first) // two of three are needed
	r.killed(c, func() int { return r.coordinator("driftline-ingest") })
	r.storedOnce(end(), stop)
}

// A broker whose quota is used up makes its clients wait: that is counted, and
// costs nothing but time.
func TestBrokersThrottle(t *testing.T) {
	c := apachekafka.Shared(t)
	r := apacheRig(t, c)
	const n = 20_000 // compressed, more than the quota of ten seconds, which brokers let pass at once
	for i := range n {
		r.cl.Produce(t.Context(), &kgo.Record{Topic: "in", Value: encode(t, ingest.FormatProtobuf, event(i))}, nil)
	}
	check(t, r.cl.Flush(t.Context()))
	quota := func(op kadm.AlterClientQuotaOp) {
		altered, err := kadm.NewClient(r.cl).AlterClientQuotas(context.Background(), []kadm.AlterClientQuotaEntry{{ // t's context is over in the cleanup
			Entity: kadm.ClientQuotaEntity{{Type: "client-id", Name: &r.kafka.ClientID}}, Ops: []kadm.AlterClientQuotaOp{op},
		}})
		check(t, err)
		check(t, altered[0].Err)
	}
	const key = "consumer_byte_rate"
	quota(kadm.AlterClientQuotaOp{Key: key, Value: 40e3})
	t.Cleanup(func() { quota(kadm.AlterClientQuotaOp{Key: key, Remove: true}) })
	set := metrics.NewSet()
	r.storedOnce(n, r.run(set))
	if got := set.GetOrCreateFloatCounter(`driftline_kafka_throttled_seconds_total{group="driftline-ingest"}`).Get(); got == 0 {
		t.Error("no broker made anybody wait")
	}
}

// killed kills the broker in a role and waits until another one has the role
// and records are stored again.
func (r *rig) killed(c *apachekafka.Cluster, role func() int) (victim int) {
	r.Helper()
	until(r, "a broker in the role", func() bool { victim = role(); return victim != 0 })
	c.Kill(r, victim)
	until(r, "another one in the role", func() bool { now := role(); return now != 0 && now != victim })
	r.more("rows with two brokers")
	return victim
}

// leader of a partition; 0 when there is none, or nobody to ask.
func (r *rig) leader(topic string, partition int32) int {
	md, err := kadm.NewClient(r.cl).Metadata(r.Context(), topic)
	if err != nil || md.Topics[topic].Partitions[partition].Leader < 0 {
		return 0
	}
	return int(md.Topics[topic].Partitions[partition].Leader)
}

// coordinator of a group; 0 when there is none, or nobody to ask.
func (r *rig) coordinator(group string) int {
	found := kadm.NewClient(r.cl).FindGroupCoordinators(r.Context(), group)[group]
	if found.Err != nil {
		return 0
	}
	return int(found.NodeID)
}
