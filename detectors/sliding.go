package detectors

import (
	"time"

	"github.com/driftline/driftline/internal/config"
	"github.com/driftline/driftline/schemas"
)

// leastStep between windows that overlap: states are of one minute.
const leastStep = time.Minute

// checkEvery refuses steps that windows cannot slide by.
func checkEvery(key string, window, every Window) error {
	switch {
	case every.IsZero() || every == window:
		return nil
	case every.months > 0 || window.months > 0:
		return config.Faultf(key, "is %s with windows of %s: months do not slide", every, window)
	case every.length < leastStep || every.length > window.length || window.length%every.length != 0:
		return config.Faultf(key, "is %s; give a whole part of the window, %s, of at least 1m", every, window)
	}
	return nil
}

// step from the start of a window to that of the next, 0 for windows that do
// not overlap.
func (p *Plan) step() time.Duration {
	if p.Every == p.Window {
		return 0
	}
	return p.Every.length
}

// Windows that share an instant with span, ascending by start; none when span
// is empty.
func (p *Plan) Windows(span schemas.Span) []schemas.Span {
	step := p.step()
	if step == 0 || !span.Start.Before(span.End) {
		return p.Window.Overlapping(span)
	}
	var out []schemas.Span
	at := p.Every.Span(span.Start).End.Add(-p.Window.length)
	for ; at.Before(span.End); at = at.Add(step) {
		out = append(out, schemas.Span{Start: at, End: at.Add(p.Window.length)})
	}
	return out
}

// earlier is the window before one: the last that shares no row with it.
func (p *Plan) earlier(span schemas.Span) schemas.Span {
	if p.step() > 0 {
		return later(span, -p.Window.length)
	}
	return p.Window.Span(span.Start.Add(-time.Nanosecond))
}

// apart are those of the moments that share no row with the span, nor with each
// other: verdicts over several windows count them.
func (p *Plan) apart(past []moment, span schemas.Span) []moment {
	if p.step() == 0 {
		return past
	}
	var out []moment
	for _, m := range past {
		if span.Start.Sub(m.span.Start)%p.Window.length == 0 {
			out = append(out, m)
		}
	}
	return out
}
