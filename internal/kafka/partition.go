package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/cenkalti/backoff/v5"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// ErrFenced says that the group moved on without this member: its commit was
// refused, and somebody else owns the partition or will.
var ErrFenced = errors.New("fenced by the consumer group")

// Partition is an assignment: where to start, and how to commit.
type Partition struct {
	Topic    string
	TopicID  string // of this incarnation of the topic
	Cluster  string // id of the Kafka cluster
	Number   int32
	Start    int64  // committed offset; -1 when nothing was committed
	Metadata string // of the commit at Start

	group  *Group
	worker *worker
}

// Commit stores offset and metadata for the partition, fenced by the group's
// generation, and retries what may pass until ctx ends. ErrFenced is final.
func (p *Partition) Commit(ctx context.Context, offset int64, metadata string) error {
	policy := backoff.NewExponentialBackOff()
	policy.InitialInterval, policy.MaxInterval = 20*time.Millisecond, 2*time.Second
	tries := 0
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		if tries++; tries > 1 {
			p.counter("driftline_kafka_commit_retries_total").Inc()
		}
		return struct{}{}, p.commitOnce(ctx, offset, metadata)
	}, backoff.WithBackOff(policy), backoff.WithMaxElapsedTime(0))
	if errors.Is(err, ErrFenced) {
		p.counter("driftline_kafka_fenced_total").Inc()
	}
	if err != nil {
		return fmt.Errorf("commit offset %d: %w", offset, err)
	}
	if p.worker != nil { // not while its handler is made
		p.worker.lag.commit(offset)
	}
	return nil
}

func (p *Partition) counter(name string) *metrics.Counter {
	return p.group.cfg.Metrics.GetOrCreateCounter(fmt.Sprintf(`%s{group=%q,topic=%q}`, name, p.group.name, p.Topic))
}

func (p *Partition) commitOnce(ctx context.Context, offset int64, metadata string) (err error) {
	ctx = kgo.PreCommitFnContext(ctx, func(req *kmsg.OffsetCommitRequest) error {
		for i := range req.Topics {
			for j := range req.Topics[i].Partitions {
				req.Topics[i].Partitions[j].Metadata = &metadata
			}
		}
		return nil
	})
	at := map[string]map[int32]kgo.EpochOffset{p.Topic: {p.Number: {Epoch: -1, Offset: offset}}}
	p.group.cl.CommitOffsetsSync(ctx, at, func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, e error) {
		err = e
		if e != nil || resp == nil {
			return
		}
		for _, t := range resp.Topics {
			for _, part := range t.Partitions {
				err = kerr.ErrorForCode(part.ErrorCode)
			}
		}
	})
	return classify(err)
}

// classify tells errors that another member's progress causes from those that
// pass: the former end the owner's work, the latter are retried.
func classify(err error) error {
	for _, fence := range []error{kerr.IllegalGeneration, kerr.UnknownMemberID, kerr.FencedInstanceID, kerr.StaleMemberEpoch} {
		if errors.Is(err, fence) {
			return backoff.Permanent(fmt.Errorf("%w: %w", ErrFenced, err))
		}
	}
	var k *kerr.Error
	if errors.As(err, &k) && !k.Retriable && !errors.Is(err, kerr.RebalanceInProgress) {
		return backoff.Permanent(err)
	}
	return err
}
