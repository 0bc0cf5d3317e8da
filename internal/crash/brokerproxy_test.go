package main

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/internal/embedded"
	"github.com/driftline/driftline/internal/embedded/embeddedtest"
	"github.com/driftline/driftline/internal/kafka"
)

// proxied is a client that knows the proxies only, and one that knows the brokers.
func proxied(t *testing.T) (b *brokerProxies, through, past *kgo.Client) {
	t.Helper()
	fake := embeddedtest.Kafka(t, func(cfg *embedded.KafkaConfig) { cfg.Brokers = 1 })
	b, err := newBrokerProxies(fake.Addrs())
	check(t, err)
	t.Cleanup(b.close)
	dial := func(addrs []string) *kgo.Client {
		cfg := kafka.DefaultConfig()
		cfg.Brokers = addrs
		cl, err := cfg.Dial(kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
		check(t, err)
		t.Cleanup(cl.Close)
		return cl
	}
	through, past = dial(b.addrs()), dial(fake.Addrs())
	check(t, kafka.CreateTopics(t.Context(), past, 1, "t"))
	return b, through, past
}

func TestClientsStayBehindTheProxies(t *testing.T) {
	b, through, _ := proxied(t)
	check(t, through.ProduceSync(t.Context(), &kgo.Record{Topic: "t"}).FirstErr())
	n := 0
	check(t, readAll(t.Context(), through, "t", func(*kgo.Record) error { n++; return nil }))
	if n != 1 {
		t.Errorf("read %d records through the proxy, want 1", n)
	}
	b.each((*proxy).refuse)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if err := through.Ping(ctx); err == nil {
		t.Error("a request went past the proxy")
	}
	b.each((*proxy).allow)
}

func TestACommitsAnswerIsLostAfterItIsApplied(t *testing.T) {
	b, through, past := proxied(t)
	sprung := set(t, &b.traps, dropCommitAnswer)
	var offsets kadm.Offsets
	offsets.Add(kadm.Offset{Topic: "t", At: 7, LeaderEpoch: -1})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { // it may try again, or give up
		_, _ = kadm.NewClient(through).CommitOffsets(ctx, "g", offsets)
	}()
	if !<-sprung {
		t.Fatal("no commit was met")
	}
	cancel()
	got, err := kadm.NewClient(past).FetchOffsets(t.Context(), "g")
	check(t, err)
	if o, ok := got.Lookup("t", 0); !ok || o.At != 7 {
		t.Errorf("committed %+v, want offset 7", o)
	}
}

func TestARecordIsThereOnceThoughItsAnswerIsLost(t *testing.T) {
	b, through, past := proxied(t)
	sprung := set(t, &b.traps, dropProduceAnswer)
	check(t, through.ProduceSync(t.Context(), &kgo.Record{Topic: "t"}).FirstErr())
	if !<-sprung {
		t.Fatal("no produce request was met")
	}
	n := 0
	check(t, readAll(t.Context(), past, "t", func(*kgo.Record) error { n++; return nil }))
	if n != 1 {
		t.Errorf("%d records, want 1: the client's second try is known by its sequence number", n)
	}
}
