package app

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/twmb/franz-go/pkg/kgo"
)

// decode adapts a function of T to records of one of the own topics. What is
// not a T was written by somebody else: it is counted and passed over.
func decode[T any](a *App, role string, do func(context.Context, T) error) func(context.Context, *kgo.Record) error {
	return func(ctx context.Context, r *kgo.Record) error {
		var v T
		if err := json.Unmarshal(r.Value, &v); err != nil {
			a.set.GetOrCreateCounter(fmt.Sprintf(`driftline_undecodable_records_total{role=%q,topic=%q}`, role, r.Topic)).Inc()
			a.log.Warn("pass over record", "role", role, "topic", r.Topic, "partition", r.Partition, "offset", r.Offset, "err", err)
			return nil
		}
		return do(ctx, v)
	}
}

// retry repeats what fails until ctx ends: the store or a broker is away, and
// giving up would lose the record's place.
func retry(ctx context.Context, do func() error) error {
	policy := backoff.NewExponentialBackOff()
	policy.InitialInterval, policy.MaxInterval = 50*time.Millisecond, 5*time.Second
	_, err := backoff.Retry(ctx, func() (struct{}, error) { return struct{}{}, do() },
		backoff.WithBackOff(policy), backoff.WithMaxElapsedTime(0))
	return err
}
