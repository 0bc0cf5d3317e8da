package detectors

import (
	"cmp"
	"slices"
	"time"

	"github.com/driftline/driftline/schemas"
)

// persistence asks for k of the last windows to change before an alarm, and
// for how much of the threshold must be left for it to last.
type persistence struct {
	k, of int
	hold  float64
}

// remembers tells whether a verdict needs the windows before it.
func (p persistence) remembers() bool { return p.of > 1 || p.hold < 1 }

// Memory keeps what the last windows of each series found, as far as a plan's
// persistence needs it. The zero value is ready. One goroutine owns it.
type Memory struct {
	series map[schemas.SeriesKey][]moment
}

// moment is what one window of a series found.
type moment struct {
	span     schemas.Span
	p        float64 // of independent rows, for this window alone
	surprise float64 // in the reference's history; 0 without one
	effect   bool    // the score is at least the threshold
	alarm    bool
}

// before lists the moments of the last windows before a span that a plan looks
// back to, the newest first.
func (m *Memory) before(key schemas.SeriesKey, span schemas.Span, horizon time.Time) (out []moment) {
	if m == nil {
		return nil
	}
	for _, v := range slices.Backward(m.series[key]) {
		if v.span.Start.Before(span.Start) && !v.span.Start.Before(horizon) {
			out = append(out, v)
		}
	}
	return out
}

// keep a moment in the place of an earlier one of its window, and forget what
// is before the horizon.
func (m *Memory) keep(key schemas.SeriesKey, v moment, horizon time.Time) {
	if m == nil {
		return
	}
	if m.series == nil {
		m.series = map[schemas.SeriesKey][]moment{}
	}
	s := slices.DeleteFunc(m.series[key], func(o moment) bool {
		return o.span.Start.Before(horizon) || o.span.Start.Equal(v.span.Start)
	})
	s = append(s, v)
	slices.SortFunc(s, func(a, b moment) int { return a.span.Start.Compare(b.span.Start) })
	m.series[key] = s
}

// forget series whose last window is before the horizon.
func (m *Memory) forget(horizon time.Time) {
	if m == nil {
		return
	}
	for key, s := range m.series {
		if s[len(s)-1].span.Start.Before(horizon) {
			delete(m.series, key)
		}
	}
}

// horizon is the start of the first window that the verdict on a span looks at.
func (p *Plan) horizon(span schemas.Span) time.Time {
	for range max(p.of, 2) - 1 {
		span = p.earlier(span)
	}
	return span.Start
}

// last moments of a series with the present one, at most as many as the plan
// counts.
func (p persistence) last(past []moment, now moment) []moment {
	out := append([]moment{now}, past...)
	return out[:min(len(out), p.of)]
}

// kthP is the chance that k of so many independent windows have p-values as
// small as the k-th smallest of these; windows that are not there have 1.
func (p persistence) kthP(ms []moment) float64 {
	if len(ms) < p.k {
		return 1
	}
	ps := make([]float64, len(ms))
	for i := range ms {
		ps[i] = ms[i].p
	}
	slices.Sort(ps)
	if p.of == 1 {
		return ps[0]
	}
	return binomialTail(float64(p.k), float64(p.of), ps[p.k-1])
}

// kthSurprise is the k-th largest surprise; 0 when there are not so many.
func (p persistence) kthSurprise(ms []moment) float64 {
	if len(ms) < p.k {
		return 0
	}
	ys := make([]float64, len(ms))
	for i := range ms {
		ys[i] = ms[i].surprise
	}
	slices.SortFunc(ys, func(a, b float64) int { return cmp.Compare(b, a) })
	return ys[p.k-1]
}

// enough tells whether k windows have an effect.
func (p persistence) enough(ms []moment) bool {
	n := 0
	for i := range ms {
		if ms[i].effect {
			n++
		}
	}
	return n >= p.k
}

// rollingKth is the k-th largest of each run of so many values.
func rollingKth(values []float64, k, of int) []float64 {
	if of <= 1 {
		return values
	}
	out := make([]float64, 0, max(0, len(values)-of+1))
	for i := of; i <= len(values); i++ {
		run := slices.Sorted(slices.Values(values[i-of : i]))
		out = append(out, run[of-k])
	}
	return out
}
