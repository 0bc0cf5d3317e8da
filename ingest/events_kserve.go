package ingest

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/ingest/kserve"
	"github.com/driftline/driftline/schemas"
)

// looksBack is a decoder whose events depend on records before. Whoever takes
// a partition over gives it those again.
type looksBack interface {
	// lookback is the offset from which the records before an offset are needed.
	lookback(offset int64) int64
	// remember takes records whose events are stored already.
	remember(records []*kgo.Record) error
}

// kserveEvents joins the two halves of an inference that KServe's logger sends.
type kserveEvents struct {
	in      *Ingester
	topic   string
	config  kserve.Config
	decoder *kserve.Decoder
	joiner  *kserve.Joiner
	ready   []schemas.Event // that a record which cannot be read made ready; they go with the next one
	told    kserve.Counts   // by counters
}

func newKServeEvents(in *Ingester, topic string) *kserveEvents {
	d := &kserveEvents{in: in, topic: topic, decoder: kserve.NewDecoder(kserve.Limits{Features: in.cfg.MaxFeatures})}
	var err error
	if d.joiner, err = kserve.NewJoiner(d.config); err != nil {
		panic("defaults of kserve: " + err.Error())
	}
	return d
}

func (d *kserveEvents) decode(r *kgo.Record, out *rawEvents) error {
	err := d.add(r)
	if err != nil {
		return err
	}
	for i := range d.ready {
		out.add(&d.ready[i])
	}
	clear(d.ready)
	d.ready = d.ready[:0]
	d.count()
	return nil
}

// add takes a half; the events that it completes or outlives become ready.
func (d *kserveEvents) add(r *kgo.Record) error {
	h, bad := d.decoder.Decode(r)
	var events []schemas.Event
	var err error
	if bad == nil {
		events, err = d.joiner.Add(r.Offset, r.Timestamp, h)
	} else {
		events, err = d.joiner.Skip(r.Offset, r.Timestamp)
	}
	if err != nil {
		return err
	}
	d.ready = append(d.ready, events...)
	if e := (*kserve.Error)(nil); errors.As(bad, &e) {
		return poisonf(string(e.Reason), "%s", plain(clip(e.Detail)))
	}
	return bad
}

func (d *kserveEvents) lookback(offset int64) int64 {
	return d.config.From(d.config.From(offset)) // twice: the offsets right before may be markers
}

func (d *kserveEvents) remember(records []*kgo.Record) error {
	for _, r := range records {
		err := d.add(r)
		switch bad := (*poison)(nil); {
		case err == nil: // its events were stored by who read it
			clear(d.ready)
			d.ready = d.ready[:0]
		case !errors.As(err, &bad):
			return err
		}
	}
	d.told = d.joiner.Counts()
	return nil
}

// count tells what became of halves since the last time.
func (d *kserveEvents) count() {
	now := d.joiner.Counts()
	sum := func(by func(kserve.Cause) int) (n int) {
		for _, c := range kserve.Causes() {
			n += by(c)
		}
		return n
	}
	for outcome, n := range map[string]int{
		"joined":    2 * (now.Joined - d.told.Joined),
		"unmatched": sum(func(c kserve.Cause) int { return now.Unmatched[c] - d.told.Unmatched[c] }),
		"orphan":    sum(func(c kserve.Cause) int { return now.Orphans[c] - d.told.Orphans[c] }),
		"repeat":    now.Repeats - d.told.Repeats,
	} {
		if n > 0 {
			d.in.Metrics.GetOrCreateCounter(fmt.Sprintf(`driftline_ingest_halves_total{topic=%q,outcome=%q}`, d.topic, outcome)).Add(n)
		}
	}
	d.told = now
}

// lookBack gives a batch's decoder that needs them the records before an
// offset.
func (p *partition) lookBack(ctx context.Context, b *batch, offset int64) error {
	d := b.cols.looksBack()
	if d == nil || offset <= 0 {
		return nil
	}
	start, err := p.log.LogStart(ctx)
	if err != nil {
		return err
	}
	from := max(start, d.lookback(offset))
	if from >= offset {
		return nil
	}
	records, err := p.log.Read(ctx, from, offset)
	if err != nil {
		return fmt.Errorf("read back from offset %d: %w", from, err)
	}
	return d.remember(records)
}
