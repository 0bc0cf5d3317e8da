package dlq

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/driftline/driftline/internal/kafka"
)

// Listing is what lies in a box.
type Listing struct {
	Topic      string  `json:"topic"`
	DLQ        string  `json:"dlq"`
	Total      int     `json:"total"`      // letters that match
	Replayed   int     `json:"replayed"`   // of them
	Duplicates int     `json:"duplicates"` // came again after a crash, counted once
	Foreign    int     `json:"foreign"`    // records in the topic that are no dead letters
	Reasons    []Group `json:"reasons"`    // the most frequent first
	Letters    []Row   `json:"letters"`    // in the order of the log, up to the limit
}

// Group counts the letters of one reason.
type Group struct {
	Reason   string    `json:"reason"`
	Letters  int       `json:"letters"`
	Replayed int       `json:"replayed"`
	First    time.Time `json:"first"` // original timestamps
	Last     time.Time `json:"last"`
}

// Row is a letter without its contents.
type Row struct {
	Origin
	Timestamp  time.Time  `json:"timestamp"`
	Reason     string     `json:"reason"`
	Error      string     `json:"error"`
	Bytes      int        `json:"bytes"`                 // of the original value
	Form       string     `json:"form,omitempty"`        // shortened, redacted or encrypted; empty when the letter holds the record as it came
	ReplayOf   string     `json:"replay_of,omitempty"`   // the record was a replay already
	ReplayedAt *time.Time `json:"replayed_at,omitempty"` // the newest time
	ReplayedTo string     `json:"replayed_to,omitempty"`
}

func (l *Letter) row(replayed map[string]marker) Row {
	r := Row{
		Origin: l.Origin, Timestamp: l.Timestamp, Reason: l.Reason, Error: l.Error,
		Bytes: l.Size, Form: l.Form, ReplayOf: l.ReplayOf,
	}
	if m, ok := replayed[l.id()]; ok {
		r.ReplayedAt, r.ReplayedTo = &m.At, m.To
	}
	return r
}

// List counts the letters that match by reason and gives the first limit of
// them; all when limit is 0.
func (b *Box) List(ctx context.Context, f Filter, limit int) (*Listing, error) {
	replayed, err := b.replayed(ctx)
	if err != nil {
		return nil, err
	}
	out := &Listing{Topic: b.topic, DLQ: kafka.DLQ(b.topic), Reasons: []Group{}, Letters: []Row{}}
	var n tally
	groups := map[string]*Group{}
	for l, err := range b.letters(ctx, f, &n) {
		if err != nil {
			return nil, err
		}
		row := l.row(replayed)
		out.Total++
		if row.ReplayedAt != nil {
			out.Replayed++
		}
		count(groups, row)
		if limit == 0 || len(out.Letters) < limit {
			out.Letters = append(out.Letters, row)
		}
	}
	out.Duplicates, out.Foreign = n.duplicates, n.foreign
	out.Reasons = byFrequency(groups)
	return out, nil
}

func count(groups map[string]*Group, r Row) {
	g := groups[r.Reason]
	if g == nil {
		g = &Group{Reason: r.Reason, First: r.Timestamp, Last: r.Timestamp}
		groups[r.Reason] = g
	}
	g.Letters++
	if r.ReplayedAt != nil {
		g.Replayed++
	}
	if r.Timestamp.Before(g.First) {
		g.First = r.Timestamp
	}
	if r.Timestamp.After(g.Last) {
		g.Last = r.Timestamp
	}
}

func byFrequency(groups map[string]*Group) []Group {
	out := []Group{}
	for _, g := range slices.Collect(maps.Values(groups)) {
		out = append(out, *g)
	}
	slices.SortFunc(out, func(a, b Group) int {
		return cmp.Or(cmp.Compare(b.Letters, a.Letters), cmp.Compare(a.Reason, b.Reason))
	})
	return out
}

// ErrNone says that no dead letter matches.
var ErrNone = errors.New("no dead letter matches")

// Shown is one letter with its contents.
type Shown struct {
	Row
	Key      Payload  `json:"key"`
	Value    Payload  `json:"value"`
	Headers  []Header `json:"headers"`  // of the original record
	Matching int      `json:"matching"` // letters that the filter matches, this one included
}

// Show gives the first letter that matches, or [ErrNone].
func (b *Box) Show(ctx context.Context, f Filter) (*Shown, error) {
	replayed, err := b.replayed(ctx)
	if err != nil {
		return nil, err
	}
	var out *Shown
	for l, err := range b.letters(ctx, f, new(tally)) {
		if err != nil {
			return nil, err
		}
		if out == nil {
			if err := l.open(b.keys); err != nil {
				return nil, err
			}
			out = l.shown(replayed)
		}
		out.Matching++
	}
	if out == nil {
		return nil, ErrNone
	}
	return out, nil
}

func (l *Letter) shown(replayed map[string]marker) *Shown {
	s := &Shown{Row: l.row(replayed), Key: payload(l.Key), Value: payload(l.Value), Headers: []Header{}}
	for _, h := range l.Headers {
		s.Headers = append(s.Headers, Header{Name: h.Key, Value: payload(h.Value)})
	}
	return s
}
