package detectors

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/driftline/driftline/schemas"
)

// ReferenceStore has what references are made of, and keeps those that were made.
type ReferenceStore interface {
	// Production is what some spans together contain: one element a version.
	Production(ctx context.Context, key schemas.ModelKey, spans []schemas.Span) ([]schemas.WindowSummaries, error)
	// Reference that was stored under a name and version; nil when there is none.
	Reference(ctx context.Context, key schemas.ModelKey, name, version string) (*schemas.Reference, error)
	// PutReference stores a reference; the same again changes nothing.
	PutReference(ctx context.Context, ref *schemas.Reference) error
	// IncidentSpans are the times of a model's incidents that were not over at
	// since, from onset to end; those of open ones end in the far future.
	IncidentSpans(ctx context.Context, key schemas.ModelKey, since time.Time) ([]schemas.Span, error)
}

// maxKept is how many references of a model are kept at hand: windows share
// few, and late data come to few.
const maxKept = 32

// calibrationWindows is how many windows of a reference's own time it is
// calibrated on at most, the newest: two weeks of hours.
const calibrationWindows = 336

// Shelf makes a model's references of production, and keeps the last ones at
// hand until data come late into them.
type Shelf struct {
	store     ReferenceStore
	kept      []*schemas.Reference // the newest use last
	incidents []schemas.Span
	made      uint64 // references that were not stored before
}

// NewShelf for one model.
func NewShelf(store ReferenceStore) *Shelf { return &Shelf{store: store} }

// Reference of a window; nil when there is no production to compare with.
func (s *Shelf) Reference(ctx context.Context, p *Plan, window schemas.Span, source Source) (*schemas.Reference, error) {
	rule := &p.reference
	if !rule.withinIncidents && rule.kind != ReferenceRange && !rule.sideBySide() {
		var err error
		if s.incidents, err = s.store.IncidentSpans(ctx, p.Key, window.Start.Add(-searchBack*rule.need())); err != nil {
			return nil, fmt.Errorf("read incidents that a reference leaves out: %w", err)
		}
	}
	spans := rule.spans(window, s.incidents)
	if len(spans) == 0 {
		return nil, nil
	}
	for i, ref := range s.kept {
		if slices.Equal(ref.Spans, spans) {
			s.kept = append(slices.Delete(s.kept, i, i+1), ref)
			return ref, nil
		}
	}
	ref, err := s.freeze(ctx, p, spans, source)
	if ref == nil || err != nil {
		return nil, err
	}
	s.kept = append(s.kept, ref)
	if len(s.kept) > maxKept {
		s.kept = slices.Delete(s.kept, 0, 1)
	}
	return ref, nil
}

// freeze what spans contain: as it was stored before, where the rows are the
// same, else anew.
func (s *Shelf) freeze(ctx context.Context, p *Plan, spans []schemas.Span, source Source) (*schemas.Reference, error) {
	found, err := s.store.Production(ctx, p.Key, spans)
	if err != nil {
		return nil, fmt.Errorf("read production of the reference: %w", err)
	}
	ref, ok := p.reference.makeOfProduction(p.Key, spans, found)
	if !ok {
		return nil, nil
	}
	stored, err := s.store.Reference(ctx, p.Key, ref.Name, ref.Version)
	if err != nil {
		return nil, fmt.Errorf("look up reference %s: %w", ref.ID(), err)
	}
	if stored != nil {
		if len(stored.Features) > 0 {
			ref.Features = stored.Features
		}
		ref.CreatedAt, ref.Calibration = stored.CreatedAt, stored.Calibration
	}
	key := p.calibrationKey(&ref, "")
	if p.calibrate && p.reference.lasting() && (ref.Calibration == nil || ref.Calibration.Key != key) {
		if err := s.calibrate(ctx, p, &ref, key, source); err != nil {
			return nil, err
		}
		stored = nil
	}
	if stored == nil {
		ref.CreatedAt = time.Now().UTC()
		if err := s.store.PutReference(ctx, p.reference.kept(&ref)); err != nil {
			return nil, fmt.Errorf("store reference %s: %w", ref.ID(), err)
		}
		s.made++
	}
	return &ref, nil
}

// kept is what of a reference is stored. One that serves a single window is
// stored without its features: the states that it was merged from have them, and
// its version tells whether they are the same rows.
func (r *referenceRule) kept(ref *schemas.Reference) *schemas.Reference {
	out := *ref
	if !r.lasting() {
		out.Features = nil
	}
	return &out
}

// calibrate a reference on the windows of its own time.
func (s *Shelf) calibrate(ctx context.Context, p *Plan, ref *schemas.Reference, key string, source Source) error {
	var spans []schemas.Span
	for _, within := range ref.Spans {
		for _, w := range p.Window.Overlapping(within) {
			if !w.Start.Before(within.Start) && !w.End.After(within.End) {
				spans = append(spans, w)
			}
		}
	}
	spans = spans[max(0, len(spans)-calibrationWindows):]
	var windows []schemas.WindowSummaries
	for _, span := range spans {
		found, err := source.Summaries(ctx, p.Key, span)
		if err != nil {
			return fmt.Errorf("read windows of reference %s: %w", ref.ID(), err)
		}
		features, rows := mergeVersions(p.reference.of(found))
		if rows > 0 {
			windows = append(windows, schemas.WindowSummaries{ModelKey: p.Key, Span: span, Rows: rows, Features: features})
		}
	}
	c := p.Calibrate(ref, p.Score(ref, windows))
	c.Key, ref.Calibration = key, &c
	return nil
}

// touched forgets references that hold rows of some spans: their content may
// have changed.
func (s *Shelf) touched(spans []schemas.Span) {
	s.kept = slices.DeleteFunc(s.kept, func(ref *schemas.Reference) bool {
		return slices.ContainsFunc(ref.Spans, func(of schemas.Span) bool { return slices.ContainsFunc(spans, of.Overlaps) })
	})
}

// dependents are the windows up to a time whose reference holds rows of a span,
// ascending, the newest maxDependents of them.
func (s *Shelf) dependents(p *Plan, rows schemas.Span, until time.Time) (out []schemas.Span) {
	reach := p.reference.reach(rows)
	if until.Before(reach.End) {
		reach.End = until
	}
	if least := reach.End.Add(-maxDependents * p.Every.Duration()); reach.Start.Before(least) {
		reach.Start = least
	}
	for _, w := range p.Windows(reach) {
		if !w.Start.Before(reach.Start) && !w.End.After(until) && slices.ContainsFunc(p.reference.spans(w, s.incidents), rows.Overlaps) {
			out = append(out, w)
		}
	}
	return out
}

// maxDependents bounds how many windows data that come late into their reference
// bring up again: a month of windows that slide by ten minutes.
const maxDependents = 4320
