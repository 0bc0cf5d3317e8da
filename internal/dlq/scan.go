package dlq

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/internal/kafka"
)

// silence after which a scan that is not at the end gives up: a broker went
// away, or the records in question were deleted meanwhile.
const silence = 30 * time.Second

// patience with a broker that does not answer.
const patience = 10 * time.Second

// scan walks over the committed records of a topic, from the start of each
// partition to its last stable offset as of now.
func scan(ctx context.Context, cfg kafka.Config, topic string) iter.Seq2[*kgo.Record, error] {
	return func(yield func(*kgo.Record, error) bool) {
		starts, ends, err := bounds(ctx, cfg, topic)
		if err != nil {
			yield(nil, err)
			return
		}
		if len(ends) == 0 {
			return
		}
		cl, err := cfg.Dial(
			kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: starts}),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), // retention overtook the scan
			kgo.FetchIsolationLevel(kgo.ReadCommitted()),
			kgo.KeepControlRecords(), // the last offset may be a transaction's end
			kgo.FetchMaxWait(250*time.Millisecond),
		)
		if err != nil {
			yield(nil, err)
			return
		}
		defer cl.Close()
		for len(ends) > 0 {
			records, err := poll(ctx, cl)
			if err != nil {
				yield(nil, fmt.Errorf("fetch %s, %d partitions before their end: %w", topic, len(ends), err))
				return
			}
			for _, r := range records {
				if !pass(r, ends, yield) {
					return
				}
			}
		}
	}
}

// pass yields a record that lies before the end of its partition, and crosses
// the partition off when it is the last.
func pass(r *kgo.Record, ends map[int32]int64, yield func(*kgo.Record, error) bool) bool {
	end, open := ends[r.Partition]
	if open && r.Offset+1 >= end {
		delete(ends, r.Partition)
	}
	if !open || r.Offset >= end || r.Attrs.IsControl() {
		return true
	}
	return yield(r, nil)
}

func poll(ctx context.Context, cl *kgo.Client) ([]*kgo.Record, error) {
	wait, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	fetches := cl.PollRecords(wait, 2_000)
	if records := fetches.Records(); len(records) > 0 {
		return records, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if wait.Err() != nil {
		return nil, fmt.Errorf("no record for %s", silence)
	}
	return nil, fetches.Err()
}

// bounds are where the partitions of a topic that hold anything start and end.
func bounds(ctx context.Context, cfg kafka.Config, topic string) (map[int32]kgo.Offset, map[int32]int64, error) {
	cl, err := cfg.Dial(kgo.RetryTimeout(patience))
	if err != nil {
		return nil, nil, err
	}
	defer cl.Close()
	admin := kadm.NewClient(cl)
	first, err := admin.ListStartOffsets(ctx, topic)
	if err != nil {
		return nil, nil, unreachable(cfg, err)
	}
	last, err := admin.ListCommittedOffsets(ctx, topic)
	if err != nil {
		return nil, nil, unreachable(cfg, err)
	}
	if err := errors.Join(first.Error(), last.Error()); err != nil {
		return nil, nil, err
	}
	starts, ends := map[int32]kgo.Offset{}, map[int32]int64{}
	first.Each(func(s kadm.ListedOffset) {
		if e, ok := last.Lookup(topic, s.Partition); ok && e.Offset > s.Offset {
			starts[s.Partition], ends[s.Partition] = kgo.NewOffset().At(s.Offset), e.Offset
		}
	})
	return starts, ends, nil
}

func unreachable(cfg kafka.Config, err error) error {
	return fmt.Errorf("ask kafka %v: %w", cfg.Brokers, err)
}
