package detectors

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/driftline/driftline/schemas"
)

// Window is the length of a tumbling event-time window: a fixed duration
// ("5m", "1h", "7d") or calendar months in UTC ("1mo"). Fixed windows start at
// multiples of their length counted from Monday 1970-01-05, so that a week
// begins on Monday; months are counted from January 1970. The zero value
// means "not set".
type Window struct {
	length time.Duration
	months int
}

// weekOrigin aligns fixed windows; every whole day divides into it.
var weekOrigin = time.Date(1970, 1, 5, 0, 0, 0, 0, time.UTC)

// nominalMonth is the length of a month where only a rough length is asked.
const nominalMonth = 30 * 24 * time.Hour

// Longest window that is accepted; longer ones are surely typing mistakes.
const maxWindowDays = 3660

var windowPattern = regexp.MustCompile(`^([1-9][0-9]{0,8})(s|m|h|d|w|mo)$`)

// Every is a window of a fixed length in whole seconds, at least one.
func Every(d time.Duration) Window {
	return Window{length: max(d.Truncate(time.Second), time.Second)}
}

// Months is a window of calendar months in UTC.
func Months(n int) Window { return Window{months: n} }

// ParseWindow reads a window: a whole number and one of s, m, h, d, w, mo.
func ParseWindow(text string) (Window, error) {
	m := windowPattern.FindStringSubmatch(text)
	if m == nil {
		return Window{}, fmt.Errorf("parse window %q: want a whole number and one of s, m, h, d, w, mo, such as 5m, 1h, 7d or 1mo", text)
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return Window{}, fmt.Errorf("parse window %q: %w", text, err)
	}
	w := Window{months: n}
	if m[2] != "mo" {
		unit := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}[m[2]]
		if n > int(maxWindowDays*24*time.Hour/unit) {
			return Window{}, fmt.Errorf("parse window %q: longer than %d days", text, maxWindowDays)
		}
		w = Window{length: time.Duration(n) * unit}
	}
	if w.Duration() > maxWindowDays*24*time.Hour {
		return Window{}, fmt.Errorf("parse window %q: longer than %d days", text, maxWindowDays)
	}
	return w, nil
}

// IsZero tells whether the window is not set.
func (w Window) IsZero() bool { return w == Window{} }

// Duration of the window; a month counts as 30 days.
func (w Window) Duration() time.Duration {
	return w.length + time.Duration(w.months)*nominalMonth
}

// Span is the window that contains t, in UTC.
func (w Window) Span(t time.Time) schemas.Span {
	t = t.UTC()
	if w.months > 0 {
		m := (t.Year()-1970)*12 + int(t.Month()) - 1
		m = floorDiv(m, w.months) * w.months
		return schemas.Span{Start: monthStart(m), End: monthStart(m + w.months)}
	}
	if w.length <= 0 {
		return schemas.Span{Start: t, End: t}
	}
	// Seconds, not nanoseconds: a Duration spans only 292 years.
	length := int64(w.length / time.Second)
	since := t.Unix() - weekOrigin.Unix()
	start := time.Unix(weekOrigin.Unix()+floorDiv(since, length)*length, 0).UTC()
	return schemas.Span{Start: start, End: start.Add(w.length)}
}

// Overlapping lists the windows that share an instant with span, ascending;
// none when span is empty.
func (w Window) Overlapping(span schemas.Span) []schemas.Span {
	if w.IsZero() {
		return nil
	}
	var out []schemas.Span
	for t := span.Start; t.Before(span.End); {
		s := w.Span(t)
		out = append(out, s)
		t = s.End
	}
	return out
}

// String is the form that ParseWindow reads, in the largest whole unit.
func (w Window) String() string {
	if w.months > 0 {
		return strconv.Itoa(w.months) + "mo"
	}
	for _, u := range []struct {
		d    time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}} {
		if w.length > 0 && w.length%u.d == 0 {
			return strconv.FormatInt(int64(w.length/u.d), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(w.length/time.Second), 10) + "s"
}

// MarshalText writes the window for YAML and JSON; empty when not set.
func (w Window) MarshalText() ([]byte, error) {
	if w.IsZero() {
		return nil, nil
	}
	return []byte(w.String()), nil
}

// UnmarshalText reads what MarshalText wrote.
func (w *Window) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		*w = Window{}
		return nil
	}
	*w, err = ParseWindow(string(text))
	return err
}

func monthStart(m int) time.Time { return time.Date(1970, time.Month(1+m), 1, 0, 0, 0, 0, time.UTC) }

func floorDiv[T int | int64](a, b T) T {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
