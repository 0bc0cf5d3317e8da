package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// beat is how often the producer sends.
const beat = 20 * time.Millisecond

// produce writes the stream at a steady pace until stop is closed, then waits
// until everything is acknowledged. What was, is the truth.
func produce(ctx context.Context, cl *kgo.Client, s *stream, t *truth, topic string, perSecond int, stop <-chan struct{}) error {
	var failed struct {
		sync.Mutex
		err error
	}
	pace := time.NewTicker(beat)
	defer pace.Stop()
	start, sent := time.Now(), 0
	for {
		select {
		case <-stop:
			err := cl.Flush(ctx)
			failed.Lock()
			defer failed.Unlock()
			return errors.Join(err, failed.err)
		case now := <-pace.C:
			for due := int(now.Sub(start).Seconds() * float64(perSecond)); sent < due; sent++ {
				r := s.next()
				cl.Produce(ctx, &kgo.Record{Topic: topic, Value: r.value}, func(k *kgo.Record, err error) {
					if err != nil {
						failed.Lock()
						defer failed.Unlock()
						failed.err = err
						return
					}
					t.add(origin{k.Partition, k.Offset}, r)
				})
			}
		}
	}
}
