package embedded_test

import (
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/driftline/driftline/internal/embedded"
	"github.com/driftline/driftline/internal/embedded/embeddedtest"
)

func client(t *testing.T, k *embedded.Kafka, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(k.Addrs()...)}, opts...)...)
	must(t, err)
	t.Cleanup(c.Close)
	return c
}

func TestKafkaKeepsItsData(t *testing.T) {
	dir := t.TempDir()
	reopen := func() *embedded.Kafka {
		t.Helper()
		k, err := embedded.OpenKafka(embedded.KafkaConfig{DataDir: dir, SyncWrites: true})
		must(t, err)
		return k
	}
	k := reopen()
	c := client(t, k, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	_, err := kadm.NewClient(c).CreateTopic(t.Context(), 3, 1, nil, "events")
	must(t, err)
	for i := range 10 {
		r := &kgo.Record{Topic: "events", Partition: int32(i % 3), Value: []byte{byte(i)}}
		must(t, c.ProduceSync(t.Context(), r).FirstErr())
	}
	commit := kadm.Offsets{}
	commit.Add(kadm.Offset{Topic: "events", Partition: 1, At: 2, LeaderEpoch: -1, Metadata: "window 7"})
	must(t, kadm.NewClient(c).CommitAllOffsets(t.Context(), "g", commit))
	c.Close()
	must(t, k.Close())
	must(t, k.Close()) // again does nothing

	k = reopen()
	defer func() { must(t, k.Close()) }()
	adm := kadm.NewClient(client(t, k))
	offsets, err := adm.FetchOffsets(t.Context(), "g")
	must(t, err)
	if o, ok := offsets.Lookup("events", 1); !ok || o.At != 2 || o.Metadata != "window 7" {
		t.Errorf("committed offset: %+v", o)
	}
	ends, err := adm.ListEndOffsets(t.Context(), "events")
	must(t, err)
	for p, want := range map[int32]int64{0: 4, 1: 3, 2: 3} {
		if o, _ := ends.Lookup("events", p); o.Offset != want {
			t.Errorf("partition %d ends at %d, want %d", p, o.Offset, want)
		}
	}
	reader := client(t, k, kgo.ConsumeTopics("events"))
	for n := 0; n < 10; {
		f := reader.PollFetches(t.Context())
		must(t, f.Err())
		n += f.NumRecords()
	}
}

func TestKafkaTopicsOnDemand(t *testing.T) {
	for _, allow := range []bool{false, true} {
		k := embeddedtest.Kafka(t, func(cfg *embedded.KafkaConfig) { cfg.AllowAutoTopic, cfg.DefaultPartitions = allow, 7 })
		opts := []kgo.Opt{kgo.AllowAutoTopicCreation()}
		if !allow {
			opts = append(opts, kgo.UnknownTopicRetries(0))
		}
		c := client(t, k, opts...)
		err := c.ProduceSync(t.Context(), &kgo.Record{Topic: "new"}).FirstErr()
		if !allow {
			if err == nil {
				t.Error("a topic came into being")
			}
			continue
		}
		if got := len(k.Cluster().PartitionInfos("new")); err != nil || got != 7 {
			t.Errorf("%d partitions, want 7: %v", got, err)
		}
	}
}

func TestKafkaDirectoryInUse(t *testing.T) {
	dir := t.TempDir()
	k, err := embedded.OpenKafka(embedded.KafkaConfig{DataDir: dir})
	must(t, err)
	_, err = embedded.OpenKafka(embedded.KafkaConfig{DataDir: dir})
	wantError(t, err, "open Kafka data in "+dir, "choose another embedded.kafka.data_dir")
	must(t, k.Close())
	k, err = embedded.OpenKafka(embedded.KafkaConfig{DataDir: dir})
	must(t, err)
	must(t, k.Close())
}

func TestKafkaAddresses(t *testing.T) {
	for _, listen := range []string{"0.0.0.0:9092", "9092", "[::1]:0", "127.0.0.1:99999"} {
		_, err := embedded.OpenKafka(embedded.KafkaConfig{Listen: listen})
		wantError(t, err, "listen address")
	}
	_, err := embedded.OpenKafka(embedded.KafkaConfig{Brokers: -1})
	wantError(t, err, "-1 brokers")
	k := embeddedtest.Kafka(t)
	if len(k.Addrs()) != 1 || !strings.HasPrefix(k.Addrs()[0], "127.0.0.1:") {
		t.Fatal(k.Addrs())
	}
	_, err = embedded.OpenKafka(embedded.KafkaConfig{Listen: k.Addrs()[0]})
	if operation := (*net.OpError)(nil); !errors.As(err, &operation) {
		t.Errorf("a taken port: %v", err)
	}
	if k := embeddedtest.Kafka(t, func(cfg *embedded.KafkaConfig) { cfg.Brokers = 3 }); len(k.Addrs()) != 3 {
		t.Error(k.Addrs())
	}
}

func TestKafkaFaults(t *testing.T) {
	k := embeddedtest.Kafka(t)
	adm := kadm.NewClient(client(t, k))
	k.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.CreateTopics}, Err: kerr.PolicyViolation, Count: 1})
	_, err := adm.CreateTopic(t.Context(), 1, 1, nil, "a")
	if !errors.Is(err, kerr.PolicyViolation) {
		t.Error(err)
	}
	_, err = adm.CreateTopic(t.Context(), 1, 1, nil, "a")
	must(t, err)
}
