package detectors

import (
	"context"
	"fmt"
	"slices"

	"github.com/driftline/driftline/schemas"
)

// SegmentSource answers what the segments of a model's traffic contain.
type SegmentSource interface {
	// SegmentNames are the segments with the most rows in a span, at most so many.
	SegmentNames(ctx context.Context, key schemas.ModelKey, span schemas.Span, most int) ([]string, error)
	// Segments is what spans contain by version and segment; those that are not
	// named are together one.
	Segments(ctx context.Context, key schemas.ModelKey, spans []schemas.Span, names []string) ([]schemas.WindowSummaries, error)
}

const (
	// mostSegments that are tried: those with the most rows.
	mostSegments = 24

	// leastShare of a score that must be gone without a segment for it to be named.
	leastShare = 0.4
)

// SetSegments lets the engine say of alarms in which segment the change is
// strongest.
func (e *Engine) SetSegments(s SegmentSource) { e.segments = s }

// locate finds for every alarm of a feature the segment without which its score
// would be smallest, and says it where that takes a good part of the score away.
// A change that is in all segments alike is as large without any one of them.
//
// The segment's rows are left out of the window, and of the reference where that is
// production, whose segments are known; a file's are not.
func (e *Engine) locate(ctx context.Context, m *watched, ref *schemas.Reference, span schemas.Span, signals []schemas.Signal) error {
	located := func(s *schemas.Signal) bool {
		return s.State == schemas.StateAlarm && s.Feature != "" && s.Segment == "" && !slices.Contains(jointNames, s.Detector)
	}
	if e.segments == nil || !slices.ContainsFunc(signals, func(s schemas.Signal) bool { return located(&s) }) {
		return nil
	}
	names, err := e.segments.SegmentNames(ctx, m.plan.Key, span, mostSegments)
	if err != nil || len(names) < 2 {
		return err
	}
	window, err := e.segments.Segments(ctx, m.plan.Key, []schemas.Span{span}, names)
	if err != nil {
		return fmt.Errorf("read segments of the window: %w", err)
	}
	var before []schemas.WindowSummaries
	if len(ref.Spans) > 0 {
		if before, err = e.segments.Segments(ctx, m.plan.Key, ref.Spans, names); err != nil {
			return fmt.Errorf("read segments of the reference: %w", err)
		}
		before = m.plan.reference.of(before)
	}
	l := locator{plan: m.plan, ref: ref, before: before, names: names, rests: map[partOf]*pair{}}
	for i := range signals {
		if s := &signals[i]; located(s) {
			l.locate(s, slices.DeleteFunc(slices.Clone(window), func(w schemas.WindowSummaries) bool { return w.Version != s.Version }))
		}
	}
	return nil
}

// locator finds the strongest segments of the alarms of one window.
type locator struct {
	plan   *Plan
	ref    *schemas.Reference
	before []schemas.WindowSummaries // segments of the reference; nil of a file
	names  []string
	rests  map[partOf]*pair // detectors of one feature share what is left
}

type partOf struct {
	version, feature, segment string
	kind                      schemas.FeatureKind
}

// pair is a feature without a segment, in the reference and in the window; nil
// where nothing is left.
type pair struct{ ref, cur *schemas.Summary }

// locate one alarm; window are the segments of its version.
func (l *locator) locate(s *schemas.Signal, window []schemas.WindowSummaries) {
	d, err := Lookup(s.Detector)
	if err != nil {
		return
	}
	at := slices.IndexFunc(l.ref.Features, func(f schemas.Summary) bool { return f.Feature == s.Feature && d.Applies(f.Kind) })
	if at < 0 {
		return
	}
	whole := &l.ref.Features[at]
	best, without := "", s.Score
	for _, name := range l.names {
		if name == "" {
			continue // rows of no segment cannot be named
		}
		p := l.without(name, s.Version, whole, window)
		if p.cur == nil || p.ref == nil || min(d.Rows(p.cur), d.Rows(p.ref)) < l.plan.MinRows {
			continue
		}
		if r := d.Compare(p.ref, p.cur, l.plan.paramsOf(s.Feature)); !r.NoData && r.Score < without {
			best, without = name, r.Score
		}
	}
	if share := 1 - max(0, without)/s.Score; best != "" && share >= leastShare {
		s.StrongestSegment, s.SegmentShare = best, share
		s.Reason += fmt.Sprintf("; strongest in segment %s: without it %s", quoted(best), number(max(0, without)))
	}
}

// without a segment, what is left of a feature.
func (l *locator) without(segment, version string, whole *schemas.Summary, window []schemas.WindowSummaries) *pair {
	key := partOf{version, whole.Feature, segment, whole.Kind}
	if p := l.rests[key]; p != nil {
		return p
	}
	p := &pair{ref: whole, cur: rest(segment, whole, window)}
	if l.before != nil {
		p.ref = rest(segment, whole, l.before)
	}
	l.rests[key] = p
	return p
}

// rest is a feature over all segments but one; nil without rows.
func rest(segment string, of *schemas.Summary, segments []schemas.WindowSummaries) *schemas.Summary {
	var parts []schemas.Summary
	var rows uint64
	for i := range segments {
		if segments[i].Segment == segment {
			continue
		}
		rows += segments[i].Rows
		for _, f := range segments[i].Features {
			if f.Feature == of.Feature && f.Kind == of.Kind {
				parts = append(parts, f)
			}
		}
	}
	if len(parts) == 0 {
		return nil
	}
	out := Reduce(mergeSummaries(parts, rows))
	return &out
}
