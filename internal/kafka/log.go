package kafka

import (
	"context"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// LogStart is the oldest offset that the partition's log still has.
func (p *Partition) LogStart(ctx context.Context) (int64, error) {
	return backoff.Retry(ctx, func() (int64, error) {
		starts, err := kadm.NewClient(p.group.cl).ListStartOffsets(ctx, p.Topic)
		if err != nil {
			return 0, classify(err)
		}
		start, ok := starts.Lookup(p.Topic, p.Number)
		if !ok {
			return 0, fmt.Errorf("start of %s/%d: the broker does not say", p.Topic, p.Number)
		}
		return start.Offset, classify(start.Err)
	}, backoff.WithMaxElapsedTime(time.Minute))
}

// Read returns the records of the offsets [from, to) once more, those of
// aborted transactions left out. There must be a record at to-1 or later.
func (p *Partition) Read(ctx context.Context, from, to int64) ([]*kgo.Record, error) {
	cl, err := p.group.cfg.Kafka.Dial(
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{p.Topic: {p.Number: kgo.NewOffset().At(from)}}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
	)
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	var out []*kgo.Record
	for {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, fmt.Errorf("read %s/%d from offset %d: %w", p.Topic, p.Number, from, err)
		}
		for _, r := range fetches.Records() {
			if r.Offset < to && !r.Attrs.IsControl() {
				out = append(out, r)
			}
			if r.Offset >= to-1 {
				return out, nil
			}
		}
	}
}
