package kafka_test

import (
	"sync/atomic"
	"testing"

	"github.com/VictoriaMetrics/metrics"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/driftline/driftline/internal/kafka"
)

// A broker that lags behind does not know the topic when its partitions are
// assigned. The id is waited for: deduplication tokens are made of it, and
// those of the next owner would be others.
func TestTopicIDIsWaitedFor(t *testing.T) {
	cfg, cluster := fake(t)
	with(t, cfg, "in", 1)
	produce(t, cfg, "in", 1)
	cl, err := cfg.Dial()
	check(t, err)
	defer cl.Close()
	md, err := kadm.NewClient(cl).Metadata(t.Context(), "in")
	check(t, err)
	var lagging atomic.Int32
	lagging.Store(3) // requests
	cluster.ControlKey(kmsg.OffsetFetch.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) {
		lagging.Store(3)
		return nil, nil, false
	})
	cluster.ControlKey(kmsg.Metadata.Int16(), func(req kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if lagging.Add(-1) < 0 {
			return nil, nil, false
		}
		return unknown(req.(*kmsg.MetadataRequest)), nil, true
	})
	var ids atomic.Value
	all := &seen{}
	stop := member(t, cfg, "in", metrics.NewSet(), func(p *kafka.Partition) (kafka.Handler, error) {
		ids.Store(p.TopicID)
		return recording(all, nil)(p)
	})
	until(t, "the record", func() bool { return all.count() == 1 })
	check(t, stop())
	if want := md.Topics["in"].ID.String(); ids.Load() != want {
		t.Errorf("topic id %v, want %s", ids.Load(), want)
	}
}

// unknown answers that no topic exists.
func unknown(req *kmsg.MetadataRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.MetadataResponse)
	for _, topic := range req.Topics {
		rt := kmsg.NewMetadataResponseTopic()
		rt.Topic, rt.TopicID, rt.ErrorCode = topic.Topic, topic.TopicID, kerr.UnknownTopicOrPartition.Code
		resp.Topics = append(resp.Topics, rt)
	}
	return resp
}

// The log of schemas opens although the broker asked does not know its topic
// yet: it was made a moment ago, and brokers learn of it one after the other.
func TestSchemaLogWaitsForItsTopic(t *testing.T) {
	cfg, cluster := fake(t)
	with(t, cfg, cfg.Topics.Schemas, 1)
	left := 3
	cluster.ControlKey(kmsg.Metadata.Int16(), func(req kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if left--; left < 0 {
			return nil, nil, false
		}
		return unknown(req.(*kmsg.MetadataRequest)), nil, true
	})
	l, err := kafka.OpenSchemaLog(t.Context(), cfg, nil)
	check(t, err)
	l.Close()
}
