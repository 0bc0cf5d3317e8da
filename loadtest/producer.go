package loadtest

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/schemas"
)

// Source is a run of records.
type Source interface {
	Records() iter.Seq[Record] // in the order of event time
	Span() schemas.Span        // event time of the run
}

// Producer sends the records of a source to Kafka, each when its time has come.
type Producer struct {
	Client *kgo.Client     // bounds what is on its way: it blocks when its buffer is full
	Topics map[Kind]string // a kind without a topic is not sent
	Speed  float64         // event time that passes in a unit of wall time; 0 sends as fast as it goes

	// Gate is called before a record is sent, with its event time; it may wait.
	// Nil lets all pass.
	Gate func(context.Context, time.Time) error

	sent   [5]atomic.Uint64 // acknowledged, by position in Kinds
	newest atomic.Int64     // event time of the newest record handed over, Unix milliseconds
	failed struct {
		sync.Mutex
		err error // the first one
	}
}

// pause is how long the producer sleeps at least when it is ahead of time.
const pause = 5 * time.Millisecond

// Run sends the whole run and returns when all of it is acknowledged, ctx ends
// or a record cannot be sent.
func (p *Producer) Run(ctx context.Context, s Source) error {
	start, span := time.Now(), s.Span()
	for r := range s.Records() {
		if err := p.await(ctx, start, span.Start, r.Time); err != nil {
			return err
		}
		if err := p.failure(); err != nil {
			return err
		}
		p.send(ctx, r)
	}
	if err := p.await(ctx, start, span.Start, span.End); err != nil {
		return err
	}
	if err := p.Client.Flush(ctx); err != nil {
		return fmt.Errorf("wait for acknowledgements: %w", err)
	}
	return p.failure()
}

// await returns when the time of a record has come: start is the wall time of
// the event time from.
func (p *Producer) await(ctx context.Context, start, from, at time.Time) error {
	if p.Gate != nil {
		if err := p.Gate(ctx, at); err != nil {
			return err
		}
	}
	if p.Speed == 0 {
		return ctx.Err()
	}
	return sleepUntil(ctx, start.Add(time.Duration(float64(at.Sub(from))/p.Speed)))
}

func (p *Producer) send(ctx context.Context, r Record) {
	topic, ok := p.Topics[r.Kind]
	if !ok {
		return
	}
	counter := &p.sent[position(r.Kind)]
	p.newest.Store(r.Time.UnixMilli())
	p.Client.Produce(ctx, &kgo.Record{Topic: topic, Key: []byte(r.Key), Value: r.Value}, func(r *kgo.Record, err error) {
		if err != nil {
			p.fail(fmt.Errorf("produce to %s: %w", r.Topic, err))
			return
		}
		counter.Add(1)
	})
}

// Sent is how many records of a kind were acknowledged.
func (p *Producer) Sent(kind Kind) uint64 { return p.sent[position(kind)].Load() }

// Newest is the event time that the producer has reached; zero before the
// first record.
func (p *Producer) Newest() time.Time {
	if ms := p.newest.Load(); ms != 0 {
		return time.UnixMilli(ms).UTC()
	}
	return time.Time{}
}

func (p *Producer) fail(err error) {
	p.failed.Lock()
	defer p.failed.Unlock()
	if p.failed.err == nil {
		p.failed.err = err
	}
}

func (p *Producer) failure() error {
	p.failed.Lock()
	defer p.failed.Unlock()
	return p.failed.err
}

func position(kind Kind) int { return column(kindNames, string(kind)) }

var kindNames = func() (out []string) {
	for _, k := range Kinds {
		out = append(out, string(k))
	}
	return out
}()

func sleepUntil(ctx context.Context, due time.Time) error {
	wait := time.Until(due)
	if wait <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(max(wait, pause))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
