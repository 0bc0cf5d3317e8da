package dlq

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// originals reads the records of letters that do not hold them, from where
// they came from. It connects for the first one.
type originals struct {
	box    *Box
	cl     *kgo.Client
	starts map[int32]kgo.Offset
	ends   map[int32]int64
}

func (o *originals) close() {
	if o.cl != nil {
		o.cl.Close()
	}
}

// restore makes a letter hold its record again: decrypted, or read from its
// origin. It tells whether the record is still there.
func (o *originals) restore(ctx context.Context, l *Letter) (bool, error) {
	if err := l.open(o.box.keys); err != nil {
		return false, err
	}
	if l.Form == "" {
		return true, nil
	}
	if err := o.connect(ctx); err != nil {
		return false, err
	}
	if l.Offset >= o.ends[l.Partition] || l.Offset < o.starts[l.Partition].EpochOffset().Offset {
		return false, nil
	}
	r, err := o.read(ctx, l.Partition, l.Offset)
	if err != nil {
		return false, fmt.Errorf("read the original of %s: %w", l.Origin, err)
	}
	// The topic may have been deleted and made anew: then another record has the offset.
	if r.Offset != l.Offset || r.Attrs.IsControl() || !l.Timestamp.IsZero() && !r.Timestamp.UTC().Equal(l.Timestamp) {
		return false, nil
	}
	l.Key, l.Value, l.Headers, l.Form = r.Key, r.Value, original(r.Headers), ""
	return true, nil
}

func (o *originals) connect(ctx context.Context) (err error) {
	if o.cl != nil {
		return nil
	}
	if o.starts, o.ends, err = bounds(ctx, o.box.cfg, o.box.topic); err != nil {
		return fmt.Errorf("look for the originals of redacted letters in %s: %w", o.box.topic, err)
	}
	o.cl, err = o.box.cfg.Dial(
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(),      // the next offset may be a transaction's end
		kgo.FetchMaxPartitionBytes(1), // a broker sends at least one batch
		kgo.FetchMaxWait(250*time.Millisecond),
	)
	return err
}

// read gives the first record at or after an offset.
func (o *originals) read(ctx context.Context, partition int32, offset int64) (*kgo.Record, error) {
	topic := o.box.topic
	o.cl.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().At(offset)}})
	defer o.cl.RemoveConsumePartitions(map[string][]int32{topic: {partition}})
	for {
		records, err := poll(ctx, o.cl)
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			if r.Partition == partition && r.Offset >= offset {
				return r, nil
			}
		}
	}
}
