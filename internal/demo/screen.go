package demo

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/driftline/driftline/loadtest"
	"github.com/driftline/driftline/schemas"
)

// screen prints the timeline: a header, then a line for whatever happens.
type screen struct {
	out    io.Writer
	colour bool
}

// style is an ANSI escape sequence.
type style string

const (
	plain   style = ""
	bold    style = "\x1b[1m"
	dim     style = "\x1b[2m"
	red     style = "\x1b[1;31m"
	green   style = "\x1b[32m"
	yellow  style = "\x1b[33m"
	magenta style = "\x1b[35m"
	cyan    style = "\x1b[36m"
)

func (s *screen) paint(c style, text string) string {
	if !s.colour || c == plain {
		return text
	}
	return string(c) + text + "\x1b[0m"
}

// header is what is known before anything happens.
type header struct {
	Rate      float64
	Seed      uint64
	Length    time.Duration // wall time
	From, To  time.Time     // event time
	Injected  []loadtest.Injected
	Admin     string
	Console   string
	Receivers map[string]string
	DataDir   string
}

func (s *screen) header(h header) {
	field := func(name, format string, args ...any) {
		fmt.Fprintf(s.out, "  %s %s\n", s.paint(dim, fmt.Sprintf("%-10s", name)), fmt.Sprintf(format, args...))
	}
	fmt.Fprintln(s.out, s.paint(bold, "driftline demo"))
	field("pipeline", "ingest, detect, correlate, alert, with Kafka and ClickHouse, in this process")
	field("fleet", "%s; %.0f events/s for %s, seed %d", strings.Join(loadtest.Models(), ", "), h.Rate, short(h.Length), h.Seed)
	field("time", "one second is one minute: %s to %s UTC, windows of %s", clock(h.From), clock(h.To), short(window))
	for _, in := range h.Injected {
		field("fault", "%-8s of %s at %s: %s", in.Name, in.Model, clock(in.Start), in.Description)
	}
	if len(h.Injected) == 0 {
		field("fault", "none: nothing may alarm")
	}
	field("console", "http://%s/, as long as this runs", h.Console)
	field("metrics", "http://%s/metrics", h.Admin)
	for _, name := range receiverNames {
		field("receiver", "%s at %s", name, h.Receivers[name])
	}
	if h.DataDir != "" {
		field("data", "%s", h.DataDir)
	}
	fmt.Fprintf(s.out, "\n%s\n", s.paint(dim, fmt.Sprintf("%6s  %8s  %-9s %-8s %s", "WALL", "EVENT", "WHAT", "MODEL", "")))
}

// stay says that what was found can still be looked at.
func (s *screen) stay(console string) {
	fmt.Fprintf(s.out, "\nThe console stays at %s until this is interrupted.\n", s.paint(bold, "http://"+console+"/"))
}

// line prints one happening. Without an event time its place stays empty.
func (s *screen) line(wall time.Duration, event time.Time, c style, what, model, text string) {
	at := ""
	if !event.IsZero() {
		at = clock(event)
	}
	text = strings.Join(strings.Fields(text), " ") // one line, whatever it quotes
	fmt.Fprintf(s.out, "%5.1fs  %8s  %s %-8s %s\n", wall.Seconds(), at, s.paint(c, fmt.Sprintf("%-9s", what)), model, text)
}

func (s *screen) injected(wall time.Duration, in *loadtest.Injected) {
	s.line(wall, in.Start, magenta, "inject", in.Model, in.Name+": "+in.Description)
}

func (s *screen) over(wall time.Duration, in *loadtest.Injected) {
	s.line(wall, in.End, magenta, "mend", in.Model, in.Name+" is over")
}

func (s *screen) alarm(wall time.Duration, a *alarm) {
	c, why := yellow, ""
	if a.fault == nil {
		c, why = red, ": no fault explains it"
	}
	text := fmt.Sprintf("%s: %s %.3g over %.3g, p %s, n %d", cmp.Or(a.Feature, "(model)"), a.Detector, a.Score, a.Threshold, small(a.PValue), a.NWindow)
	if a.count > 1 {
		text += fmt.Sprintf(" (and %d more)", a.count-1)
	}
	s.line(wall, a.WindowEnd, c, "alarm", a.Model, text+why)
}

// incident prints a revision; one that brings a diagnosis says its cause.
func (s *screen) incident(wall time.Duration, inc *schemas.Incident, diagnosed bool) {
	what, c := "incident", red
	switch {
	case inc.State == schemas.IncidentResolved:
		what, c = "resolved", green
	case diagnosed:
		s.cause(wall, inc)
		return
	case inc.Revision > 1:
		what, c = "grows", yellow
	}
	title, _, _ := strings.Cut(strings.TrimPrefix(inc.Title, inc.Model+": "), "; ") // the cause has a line of its own
	s.line(wall, inc.UpdatedAt, c, what, inc.Model, fmt.Sprintf("%s: %s", inc.Severity, title))
}

// cause prints the likeliest cause and what to do.
func (s *screen) cause(wall time.Duration, inc *schemas.Incident) {
	what := "cause not found"
	if d := inc.Diagnosis; len(d.Causes) > 0 {
		what = fmt.Sprintf("%s, %.0f %%", d.Causes[0].Kind, 100*d.Causes[0].Confidence)
	}
	s.line(wall, inc.UpdatedAt, magenta, "cause", inc.Model, what+": "+inc.Diagnosis.Advice)
}

func (s *screen) notification(wall time.Duration, model string, n *schemas.Notification) {
	c, text := cyan, fmt.Sprintf("%s %s, %d in %.0f ms", n.Receiver, n.Action, n.HTTPStatus, n.DurationMS)
	if n.Status != schemas.NotificationDelivered {
		c, text = red, text+fmt.Sprintf(": %s at attempt %d: %s", n.Status, n.Attempt, n.Error)
	}
	s.line(wall, time.Time{}, c, "alert", model, text)
}

// progress is the line of a heartbeat.
type progress struct {
	produced, stored uint64
	rate             float64 // stored a second
	windows          int
}

func (s *screen) progress(wall time.Duration, event time.Time, p progress) {
	lag := uint64(0)
	if p.produced > p.stored {
		lag = p.produced - p.stored
	}
	text := fmt.Sprintf("%d events produced, %d stored (%.0f/s, lag %d), %d windows evaluated", p.produced, p.stored, p.rate, lag, p.windows)
	s.line(wall, event, dim, "progress", "", s.paint(dim, text))
}

func clock(t time.Time) string { return t.UTC().Format(time.TimeOnly) }

// small prints a p-value; below a thousandth of a millionth only that.
func small(p float64) string {
	if p < 1e-9 {
		return "< 1e-9"
	}
	return fmt.Sprintf("%.2g", p)
}

// short prints a duration without its empty units: 5m, 1h10m, 42s.
func short(d time.Duration) string {
	text := d.Round(time.Second).String()
	for _, unit := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, unit) {
			text = text[:len(text)-2]
		}
	}
	return text
}
