package dlq

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// Size of one transaction. Larger ones are hardly faster, and a replay that is
// interrupted loses at most one.
const (
	batchLetters = 500
	batchBytes   = 4 << 20
)

// ReplayOptions say what to replay and how.
type ReplayOptions struct {
	Filter Filter
	To     string // topic; empty means the one that the letters came from
	Limit  int    // of letters sent; 0 means all
	Force  bool   // also what was replayed before
	DryRun bool   // send nothing, mark nothing
	Batch  int    // letters in a transaction; 0 means 500
}

// Report of a replay.
type Report struct {
	Topic      string `json:"topic"`
	To         string `json:"to"`
	DryRun     bool   `json:"dry_run"`
	Sent       int    `json:"sent"`             // committed, or in a dry run: would be sent
	Before     int    `json:"already_replayed"` // passed over, because an earlier replay sent them
	Duplicates int    `json:"duplicates"`
	Foreign    int    `json:"foreign"`
	Letters    []Row  `json:"letters"`        // sent, or in a dry run: that would be
	Gone       []Row  `json:"gone,omitempty"` // not sent: they do not hold their record, and it is no longer at its origin
}

// Replay sends dead letters back, each once over all replays unless forced.
// The report also holds when there is an error: of what was sent until then.
//
// The order of its steps is what makes it safe beside another replay of the
// same topic: taking the transactional id ends the other's transaction and
// fences it, and only then are the markers read, which are then final.
func (b *Box) Replay(ctx context.Context, o ReplayOptions) (*Report, error) {
	rep := &Report{Topic: b.topic, To: o.To, DryRun: o.DryRun, Letters: []Row{}}
	if rep.To == "" {
		rep.To = b.topic
	}
	if err := b.mustExist(ctx, rep.To); err != nil {
		return rep, err
	}
	out := &sender{to: rep.To, markers: Markers(b.topic), limit: o.Batch, report: rep}
	if !o.DryRun {
		if err := b.connect(ctx, out); err != nil {
			return rep, err
		}
		defer out.cl.Close()
	}
	before, err := b.replayed(ctx)
	if err != nil {
		return rep, err
	}
	out.before = before
	return rep, b.replay(ctx, o, out)
}

func (b *Box) replay(ctx context.Context, o ReplayOptions, out *sender) error {
	var n tally
	defer func() { out.report.Duplicates, out.report.Foreign = n.duplicates, n.foreign }()
	from := originals{box: b}
	defer from.close()
	taken := 0
	for l, err := range b.letters(ctx, o.Filter, &n) {
		if err != nil {
			return err
		}
		if _, done := out.before[l.id()]; done && !o.Force {
			out.report.Before++
			continue
		}
		there, err := from.restore(ctx, l)
		if err != nil {
			return err
		}
		if !there {
			out.report.Gone = append(out.report.Gone, l.row(out.before))
			continue
		}
		if err := out.add(ctx, l); err != nil {
			return err
		}
		if taken++; taken == o.Limit {
			break
		}
	}
	return out.flush(ctx)
}

// mustExist keeps a mistyped topic from being created by its first record.
func (b *Box) mustExist(ctx context.Context, topic string) error {
	cl, err := b.cfg.Dial()
	if err != nil {
		return err
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	topics, err := kadm.NewClient(cl).ListTopics(ctx, topic)
	if err != nil {
		return unreachable(b.cfg, err)
	}
	switch err := topics[topic].Err; {
	case errors.Is(err, kerr.UnknownTopicOrPartition):
		return fmt.Errorf("topic %s, where the letters shall go, does not exist", topic)
	case err != nil:
		return fmt.Errorf("ask for topic %s: %w", topic, err)
	}
	return nil
}

// now is when letters are marked as replayed.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }
