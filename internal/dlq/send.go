package dlq

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// timeout after which the broker aborts what a crash left open, if no replay
// came before. Until then those who read committed wait there, so it is short.
const timeout = 15 * time.Second

// ending is the time that a transaction has to end, also after an interrupt.
const ending = timeout

// sender writes letters and their markers in transactions. Without a client
// it only reports.
type sender struct {
	cl      *kgo.Client // nil in a dry run
	to      string
	markers string
	limit   int               // letters in a transaction
	before  map[string]marker // what earlier replays sent
	report  *Report

	open  []*Letter
	bytes int
}

// connect takes the transactional id of the topic's replays: a transaction
// that a crash left open is aborted, and a replay that still runs is fenced.
func (b *Box) connect(ctx context.Context, s *sender) error {
	cl, err := b.cfg.Dial(
		kgo.TransactionalID(b.cfg.Group+"-dlq-"+b.topic),
		kgo.TransactionTimeout(timeout),
		kgo.RecordPartitioner(kgo.BasicConsistentPartitioner(samePartition)),
	)
	if err != nil {
		return err
	}
	if _, _, err := cl.ProducerID(ctx); err != nil {
		cl.Close()
		return fmt.Errorf("begin to replay %s: %w", b.topic, explainTxn(err))
	}
	if err := b.createMarkers(ctx, cl); err != nil {
		cl.Close()
		return err
	}
	s.cl = cl
	return nil
}

func samePartition(string) func(*kgo.Record, int) int {
	return func(r *kgo.Record, n int) int { return int(r.Partition) % n }
}

// add takes a letter in and sends what has become a full transaction.
func (s *sender) add(ctx context.Context, l *Letter) error {
	s.open = append(s.open, l)
	s.bytes += l.size()
	if len(s.open) >= cmp.Or(s.limit, batchLetters) || s.bytes >= batchBytes {
		return s.flush(ctx)
	}
	return nil
}

// flush sends the open letters: all of them and their markers, or none.
func (s *sender) flush(ctx context.Context) error {
	if len(s.open) == 0 {
		return nil
	}
	at := now()
	if s.cl != nil {
		if err := s.transact(ctx, at); err != nil {
			return fmt.Errorf("replay %d letters from %s on: %w", len(s.open), s.open[0].Origin, explainTxn(err))
		}
	}
	for _, l := range s.open {
		row := l.row(s.before)
		if s.cl != nil {
			row.ReplayedAt, row.ReplayedTo = &at, s.to
		}
		s.report.Letters = append(s.report.Letters, row)
	}
	s.report.Sent += len(s.open)
	s.open, s.bytes = nil, 0
	return nil
}

func (s *sender) transact(ctx context.Context, at time.Time) error {
	records, err := s.records(at)
	if err != nil {
		return err
	}
	if err := s.cl.BeginTransaction(); err != nil {
		return err
	}
	sent := s.cl.ProduceSync(ctx, records...).FirstErr()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), ending) // an interrupt must not leave it open
	defer cancel()
	if sent != nil {
		return errors.Join(sent, s.abort(ctx))
	}
	if err := s.cl.EndTransaction(ctx, kgo.TryCommit); err != nil {
		return errors.Join(fmt.Errorf("commit: %w", err), s.abort(ctx))
	}
	return nil
}

func (s *sender) records(at time.Time) ([]*kgo.Record, error) {
	out := make([]*kgo.Record, 0, 2*len(s.open))
	for _, l := range s.open {
		m, err := l.marker(s.markers, marker{At: at, To: s.to})
		if err != nil {
			return nil, err
		}
		out = append(out, l.record(s.to), m)
	}
	return out, nil
}

// abort takes the open transaction back, as far as the broker lets us: what
// stays open is aborted by the next replay, or by the broker after the timeout.
func (s *sender) abort(ctx context.Context) error {
	if err := s.cl.AbortBufferedRecords(ctx); err != nil {
		return fmt.Errorf("drop unsent records: %w", err)
	}
	if err := s.cl.EndTransaction(ctx, kgo.TryAbort); err != nil {
		return fmt.Errorf("abort: %w", err)
	}
	// After some errors the client only resolves to take a new epoch next time,
	// and until then readers wait at the open transaction. Take it now.
	if _, _, err := s.cl.ProducerID(ctx); err != nil {
		return fmt.Errorf("abort by a new epoch: %w", err)
	}
	return nil
}

// explainTxn adds the way out to errors of transactions.
func explainTxn(err error) error {
	switch {
	case errors.Is(err, kerr.ProducerFenced), errors.Is(err, kerr.InvalidProducerEpoch):
		return fmt.Errorf("another replay of this topic took over: %w", err)
	case errors.Is(err, kerr.TransactionalIDAuthorizationFailed):
		return fmt.Errorf("the user may not write transactions; allow it the transactional ids that start with kafka.group: %w", err)
	case errors.Is(err, kerr.MessageTooLarge):
		return fmt.Errorf("a letter is larger than the topic takes; raise max.message.bytes, or leave it out by its offset: %w", err)
	}
	return err
}
