package ingest

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/schemas"
)

// A block that is sent again under its token is passed over where the store
// knows the token. ClickHouse's plain MergeTree notes a token before it commits
// the part (MergeTreeSink), for each partition of the table that the block
// touches: killed between the two, or out of memory there, it knows the token
// of rows that it does not have. So whatever was sent more than once is held
// against the table afterwards, and what is missing is sent under another token.

// maxRounds is how often missing rows are sent before the store is taken for
// broken.
const maxRounds = 5

// verifyRows sends rows once more that the store does not have. In a batch that
// was begun under another configuration, those are also the rows that only this
// one makes.
func (p *partition) verifyRows(ctx context.Context, b *batch, end int64) error {
	for round := 1; ; round++ {
		stored, err := p.in.Store.Stored(ctx, b.table(), p.topic, p.partition, p.from, end)
		if err != nil {
			return err
		}
		missing := b.without(stored)
		if len(missing) == 0 {
			return nil
		}
		if round > maxRounds {
			return fmt.Errorf("the store acknowledged %d records %d times and does not have them", len(missing), round)
		}
		rest, err := p.resend(ctx, end, missing, stored)
		if err != nil {
			return err
		}
		if rest.rows() == 0 { // the log does not have them any more either
			p.counters.lost.Add(len(missing))
			p.in.Log.Error("the store lost rows whose records are gone", "topic", p.topic, "partition", p.partition, "from", p.from, "to", end, "records", len(missing))
			return nil
		}
		if err := p.in.Store.Insert(ctx, rest.table(), fmt.Sprintf("%s/again%d", p.tokenOf(end), round), rest.input()); err != nil {
			return err
		}
		p.counters.restored.Add(rest.rows())
		p.in.warn.Warn("the store knew the token of rows that it does not have: they were sent again", "topic", p.topic, "partition", p.partition, "from", p.from, "to", end, "rows", rest.rows())
	}
}

// resend makes the batch of the rows of missing records that are not stored.
func (p *partition) resend(ctx context.Context, end int64, missing map[int64]struct{}, stored map[schemas.Origin]struct{}) (*batch, error) {
	records, err := p.log.Read(ctx, p.from, end)
	if err != nil {
		return nil, err
	}
	rest := p.another()
	rest.arrival.stored = stored
	if rest.cols.looksBack() != nil { // its rows need all records before them
		if err := p.lookBack(ctx, rest, p.from); err != nil {
			return nil, err
		}
		return rest, rest.takeGood(ctx, records...)
	}
	var again []*kgo.Record
	for _, r := range records {
		if _, ok := missing[r.Offset]; ok {
			again = append(again, r)
		}
	}
	return rest, rest.takeGood(ctx, again...)
}

// without tells which records of the batch have rows that are not stored.
func (b *batch) without(stored map[schemas.Origin]struct{}) map[int64]struct{} {
	out := map[int64]struct{}{}
	for i, at := range b.times().Data {
		o := schemas.Origin{Offset: b.offset[i], Day: schemas.Day(time.UnixMilli(int64(at)))}
		if _, ok := stored[o]; !ok {
			out[o.Offset] = struct{}{}
		}
	}
	return out
}

// times is the column of event times, which every table has.
func (b *batch) times() *proto.ColDateTime64 {
	for _, c := range b.all {
		if c.Name == "timestamp" {
			return c.Data.(*proto.ColDateTime64)
		}
	}
	panic(b.table() + " has no event times")
}

// verifySummaries sends once more what the table of states lost of a day.
func (p *partition) verifySummaries(ctx context.Context, b *batch, end int64) error {
	owed := func(g *groups) ([]bool, error) { return p.lost(ctx, g) }
	for round := 1; ; round++ {
		sent, err := p.derive(ctx, b, fmt.Sprintf("%s/again%d", p.tokenOf(end), round), owed)
		if err != nil || sent == 0 {
			return err
		}
		p.in.warn.Warn("the store knew the token of summaries that it does not have: they were sent again", "topic", p.topic, "partition", p.partition, "from", p.from, "to", end)
		if round == maxRounds {
			return fmt.Errorf("the store acknowledged them %d times and does not have them", round)
		}
	}
}

// Others write to the same minutes, and what they are about to sum up looks
// like a loss for some milliseconds: a loss is what does not change.
const (
	looks     = 10 // at most
	sameLooks = 3  // that agree
	lookEvery = 300 * time.Millisecond
)

// lost tells which minutes of a batch the table of states lost. It loses a day
// of a batch as a whole: then each minute of that day lacks what the batch has
// in it, and exactly that while nobody else is writing.
func (p *partition) lost(ctx context.Context, g *groups) ([]bool, error) {
	minutes, needs := g.minutes(), g.needs()
	same := map[int64]int{} // looks in a row that a day seemed lost at
	for look := range looks {
		if look > 0 {
			select {
			case <-time.After(p.in.lookEvery):
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		lacks, err := p.in.Store.Owed(ctx, minutes)
		if err != nil {
			return nil, err
		}
		open := false
		for day, seems := range judge(minutes, needs, lacks) {
			if same[day]++; seems != lackingSame {
				same[day] = 0
			}
			open = open || seems == lackingMore || seems == lackingSame && same[day] < sameLooks
		}
		if !open {
			break
		}
	}
	out := make([]bool, len(minutes))
	for i, m := range minutes {
		if out[i] = same[m.Day()] >= sameLooks; out[i] {
			p.counters.restored.Add(g.list[i].rows)
		}
	}
	return out, nil
}

// shortage is what a table lacks of a batch's day.
type shortage int

const (
	lackingLess shortage = iota // some minute is there: the day is not lost
	lackingMore                 // every minute lacks at least the batch's rows
	lackingSame                 // every minute lacks exactly these
)

// judge compares what a table lacks with what a batch has, by day.
func judge(minutes []schemas.Minute, needs map[schemas.Minute]int64, lacks []int64) map[int64]shortage {
	out := map[int64]shortage{}
	for i, m := range minutes {
		seems := lackingSame
		switch need := needs[m]; {
		case lacks[i] < need:
			seems = lackingLess
		case lacks[i] > need:
			seems = lackingMore
		}
		if was, ok := out[m.Day()]; ok {
			seems = min(seems, was)
		}
		out[m.Day()] = seems
	}
	return out
}
