package backtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/driftline/driftline/detectors"
	"github.com/driftline/driftline/internal/tabular"
	"github.com/driftline/driftline/schemas"
)

// ofProduction tells whether windows are compared with other rows of the data.
func (o *Options) ofProduction() bool {
	_, ok := o.Entry.Production()
	return ok
}

// takeReference reads the forms of --reference that are no file, and refuses
// what takes a file.
func (o *Options) takeReference() error {
	kind, value, _ := strings.Cut(o.Reference, "=")
	ref := detectors.ReferenceFile{Kind: kind, Name: o.Entry.Reference.Name}
	var err error
	switch kind {
	case detectors.ReferenceTrailing:
		if o.Entry.Reference.Kind == kind { // guard and refresh of the configuration
			ref = o.Entry.Reference
		}
		ref.Length, err = detectors.ParseWindow(value)
	case detectors.ReferenceSameHour:
		ref.Weeks, err = strconv.Atoi(value)
	case detectors.ReferenceRange:
		from, to, _ := strings.Cut(value, "/")
		ref.From, ref.To = new(time.Time), new(time.Time)
		err = errors.Join(ref.From.UnmarshalText([]byte(from)), ref.To.UnmarshalText([]byte(to)))
	case "":
		ref = o.Entry.Reference
	default:
		ref.Kind = ""
	}
	if err != nil {
		return fmt.Errorf("--reference %s: %w; want trailing=7d, same_hour_of_week=4 or range=2026-01-01T00:00:00Z/2026-02-01T00:00:00Z", o.Reference, err)
	}
	o.Entry.Reference = ref
	if !o.ofProduction() {
		return nil
	}
	var errs []error
	for what, given := range map[string]bool{
		"labels": o.Labels != "" || o.Label != "", "--html": o.Plots, "--threshold-mode chunks": o.Thresholds == Chunks,
		"--window rows=N": o.Window.Rows > 0, "a reference of another version": ref.Kind == detectors.ReferenceVersion,
	} {
		if given {
			errs = append(errs, fmt.Errorf("%s: a backtest of it needs --reference with a file", what))
		}
	}
	slices.SortFunc(errs, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}

// runMoving judges every window against other rows of the data, as the service
// does with what it has stored: no window against what came after it, and what
// was produced in windows that alarmed is no reference.
func runMoving(ctx context.Context, plan *detectors.Plan, o Options) (*Report, error) {
	if len(plan.Joint()) > 0 {
		return nil, fmt.Errorf("detectors %v: a backtest of them needs --reference with a file", plan.Joint())
	}
	data, err := tabular.Open(o.Data, tabular.Options{Timestamp: o.Timestamp})
	if err != nil {
		return nil, fmt.Errorf("read data: %w", err)
	}
	windows, err := cut(data, o)
	if err != nil {
		return nil, err
	}
	store := newRowStore(data, o)
	shelf := detectors.NewShelf(store)
	r := &Report{Signals: []schemas.Signal{}, Performance: []Performance{}}
	var memory detectors.Memory
	var last *schemas.Reference
	used, without := map[string]bool{}, 0
	for _, w := range windows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		ref, err := shelf.Reference(ctx, plan, w.span, store)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", o.Data, err)
		}
		if ref == nil {
			without++
			continue
		}
		found, err := store.Summaries(ctx, plan.Key, w.span)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", o.Data, err)
		}
		signals := detectors.EvaluateAfter(plan, &memory, ref, found, w.span, o.Now)
		if slices.ContainsFunc(signals, func(s schemas.Signal) bool { return s.State == schemas.StateAlarm }) {
			store.alarmed = append(store.alarmed, w.span)
		}
		r.Signals = append(r.Signals, signals...)
		last, used[ref.ID()] = ref, true
	}
	if last == nil {
		return nil, fmt.Errorf("%s: no window has a reference: there is no production before any of them, guard included", o.Data)
	}
	r.summarize(plan, last, data.Rows, windows, o)
	r.Summary.Absent, r.Summary.References, r.Summary.WithoutReference = []string{}, len(used), without
	return r, nil
}

// rowStore answers from the rows of a file what the service asks its store.
type rowStore struct {
	data    *tabular.Table
	roles   detectors.ReferenceFile
	order   []int       // rows by time
	times   []time.Time // of those rows
	alarmed []schemas.Span
}

func newRowStore(data *tabular.Table, o Options) *rowStore {
	s := &rowStore{data: data, roles: o.roles(data), order: make([]int, data.Rows), times: make([]time.Time, data.Rows)}
	at := data.Column(o.Timestamp).Times
	for i := range s.order {
		s.order[i] = i
	}
	slices.SortStableFunc(s.order, func(a, b int) int { return at[a].Compare(at[b]) })
	for i, row := range s.order {
		s.times[i] = at[row]
	}
	return s
}

// Summaries of a span.
func (s *rowStore) Summaries(ctx context.Context, key schemas.ModelKey, span schemas.Span) ([]schemas.WindowSummaries, error) {
	return s.Production(ctx, key, []schemas.Span{span})
}

// Production of some spans.
func (s *rowStore) Production(_ context.Context, key schemas.ModelKey, spans []schemas.Span) ([]schemas.WindowSummaries, error) {
	var rows []int
	for _, span := range spans {
		from, _ := slices.BinarySearchFunc(s.times, span.Start, time.Time.Compare)
		to, _ := slices.BinarySearchFunc(s.times, span.End, time.Time.Compare)
		rows = append(rows, s.order[from:to]...)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	features, err := detectors.SummarizeTable(s.data.Select(rows), s.roles)
	if err != nil {
		return nil, err
	}
	return []schemas.WindowSummaries{{ModelKey: key, Span: spans[0], Rows: uint64(len(rows)), Features: features}}, nil
}

// Reference is never there: nothing outlives a backtest.
func (s *rowStore) Reference(context.Context, schemas.ModelKey, string, string) (*schemas.Reference, error) {
	return nil, nil //nolint:nilnil // none is an answer
}

// PutReference keeps nothing.
func (s *rowStore) PutReference(context.Context, *schemas.Reference) error { return nil }

// IncidentSpans are the windows that alarmed.
func (s *rowStore) IncidentSpans(context.Context, schemas.ModelKey, time.Time) ([]schemas.Span, error) {
	return s.alarmed, nil
}
