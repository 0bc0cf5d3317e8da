package query

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	store "github.com/driftline/driftline/internal/clickhouse"
)

// Query is one question, as JSON in panels, alert rules and the console. Empty
// lists stand for all.
type Query struct {
	V         int      `json:"v,omitempty"` // of the form; 1, or left out
	Kind      string   `json:"kind"`        // name of one of Kinds
	Tenant    string   `json:"tenant,omitempty"`
	Models    []string `json:"models,omitempty"`
	Versions  []string `json:"versions,omitempty"`
	Segments  []string `json:"segments,omitempty"` // left out of questions about signals: all segments together
	Features  []string `json:"features,omitempty"`
	Detectors []string `json:"detectors,omitempty"`
	States    []string `json:"states,omitempty"`  // of signals or incidents
	Metrics   []string `json:"metrics,omitempty"` // of telemetry or of performance
	ID        string   `json:"id,omitempty"`      // of an incident
	Measure   string   `json:"measure,omitempty"` // of infra and pipeline
	Presets   []string `json:"presets,omitempty"` // of events
	Filters   []Filter `json:"filters,omitempty"`
	Limit     int      `json:"limit,omitempty"` // series or rows, 1 to 1000; a default by kind when left out
}

// Filter is one condition of an ad-hoc filter.
type Filter struct {
	Key      string   `json:"key"`
	Operator string   `json:"operator"` // = != =~ !~ =| !=|
	Value    string   `json:"value,omitempty"`
	Values   []string `json:"values,omitempty"` // of =| and !=|
}

// Range says what time an answer is about, and how fine it is to be.
type Range struct {
	From, To  time.Time     // half open; at most Longest apart
	MaxPoints int           // of a series; 1000 when 0
	Interval  time.Duration // least distance of points; 0: any
	Alert     bool          // an alert rule asks: only kinds that are series or numbers
}

// Longest time that may be asked about at once.
const Longest = 400 * 24 * time.Hour

// Mistake is an error of whoever asks: it says what to ask instead.
type Mistake struct{ text string }

func (m *Mistake) Error() string { return m.text }

func mistake(format string, args ...any) error { return &Mistake{fmt.Sprintf(format, args...)} }

// Kind of question.
type Kind struct {
	Name        string   `json:"kind"`
	Title       string   `json:"title"`
	Description string   `json:"description"`
	Alertable   bool     `json:"alertable"`
	Needs       []string `json:"needs"`    // fields of Query that make a difference, required ones with a star
	Measures    []string `json:"measures"` // choices of Measure, the default first
	Presets     []string `json:"presets"`  // choices of Presets

	sibling string // what an alert rule asks instead
	limit   int    // default of Limit
	ask     func(*question) (data.Frames, error)
}

// Kinds of question, by name.
func Kinds() []Kind { return slices.Clone(kinds) }

var kinds []Kind

func init() {
	kinds = []Kind{
		distributionKind, distributionSeriesKind, driftHeatmapKind, driftRankKind, driftSeriesKind, eventsKind, fleetKind, healthKind,
		causesKind, incidentsKind, infraKind, logsKind, performanceKind, pipelineKind,
	}
}

// names of all kinds, for errors.
func names() string {
	out := make([]string, len(kinds))
	for i := range kinds {
		out[i] = kinds[i].Name
	}
	return strings.Join(out, ", ")
}

// Asker answers questions.
type Asker struct {
	DB     *store.DB
	Tenant string // nothing of another one is seen; empty: of all
}

// question is a Query under way.
type question struct {
	Query
	Range
	*Asker
	ctx      context.Context
	kind     *Kind
	step     time.Duration // of the points
	executed []string
	notices  []data.Notice
}

// Ask answers a question. An error is a *Mistake or one of the store.
func (a *Asker) Ask(ctx context.Context, in Query, of Range) (data.Frames, error) {
	q, err := a.check(ctx, in, of)
	if err != nil {
		return nil, err
	}
	frames, err := q.kind.ask(q)
	if err != nil {
		return nil, err
	}
	return q.dress(frames), nil
}

func (a *Asker) check(ctx context.Context, in Query, of Range) (*question, error) {
	i := slices.IndexFunc(kinds, func(k Kind) bool { return k.Name == in.Kind })
	switch {
	case i < 0:
		return nil, mistake("kind %q is not known; the kinds are %s", in.Kind, names())
	case in.V > 1:
		return nil, mistake("the query has form v%d; this version knows v1: update the plugin's back end", in.V)
	case a.Tenant != "" && in.Tenant != "" && in.Tenant != a.Tenant:
		return nil, mistake("tenant %q is not seen from here; leave tenant empty", in.Tenant)
	case !of.From.Before(of.To):
		return nil, mistake("the time range ends before it begins")
	case of.To.Sub(of.From) > Longest:
		return nil, mistake("the time range is longer than %d days; choose a shorter one", int(Longest.Hours()/24))
	case in.Limit < 0 || in.Limit > 1000:
		return nil, mistake("limit is %d; it is 1 to 1000", in.Limit)
	}
	k := &kinds[i]
	if of.Alert && !k.Alertable {
		return nil, mistake("%s cannot be alerted on, for it is no series of numbers: ask for %s", k.Name, k.sibling)
	}
	if in.Measure != "" && !slices.Contains(k.Measures, in.Measure) {
		return nil, mistake("%s has no measure %q; it has %s", k.Name, in.Measure, orNone(k.Measures))
	}
	for _, p := range in.Presets {
		if !slices.Contains(k.Presets, p) {
			return nil, mistake("%s has no preset %q; it has %s", k.Name, p, orNone(k.Presets))
		}
	}
	for _, f := range in.Filters {
		if err := f.check(); err != nil {
			return nil, err
		}
	}
	for _, need := range k.Needs {
		if need == "id*" && in.ID == "" {
			return nil, mistake("%s is about one incident: give its id", k.Name)
		}
	}
	if a.Tenant != "" {
		in.Tenant = a.Tenant
	}
	if in.Measure == "" && len(k.Measures) > 0 {
		in.Measure = k.Measures[0]
	}
	if in.Limit == 0 {
		in.Limit = k.limit
	}
	of.From, of.To = of.From.UTC(), of.To.UTC()
	return &question{Query: in, Range: of, Asker: a, ctx: ctx, kind: k, step: step(of)}, nil
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

func (f Filter) check() error {
	if !slices.Contains([]string{"=", "!=", "=~", "!~", "=|", "!=|"}, f.Operator) {
		return mistake("filter on %s: operator %q is not known; the operators are = != =~ !~ =| !=|", f.Key, f.Operator)
	}
	if f.Operator == "=~" || f.Operator == "!~" {
		if _, err := regexp.Compile(f.Value); err != nil {
			return mistake("filter on %s: %v", f.Key, err)
		}
	}
	return nil
}

// steps that points may be apart.
var steps = []time.Duration{
	time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 48 * time.Hour, 7 * 24 * time.Hour,
}

// step between points that keeps a series within its bounds.
func step(of Range) time.Duration {
	points := of.MaxPoints
	if points <= 0 || points > 11_000 {
		points = 1000
	}
	least := max(of.To.Sub(of.From)/time.Duration(points), of.Interval)
	for _, s := range steps {
		if s >= least {
			return s
		}
	}
	return least.Truncate(24*time.Hour) + 24*time.Hour
}

// notice tells people once what to know of the answer.
func (q *question) notice(severity data.NoticeSeverity, format string, args ...any) {
	n := data.Notice{Severity: severity, Text: fmt.Sprintf(format, args...)}
	if !slices.ContainsFunc(q.notices, func(o data.Notice) bool { return o.Text == n.Text }) {
		q.notices = append(q.notices, n)
	}
}

// dress gives the first frame what the inspector shows.
func (q *question) dress(frames data.Frames) data.Frames {
	if len(frames) == 0 {
		return frames
	}
	if frames[0].Meta == nil {
		frames[0].Meta = &data.FrameMeta{}
	}
	frames[0].Meta.ExecutedQueryString = strings.Join(q.executed, ";\n\n")
	frames[0].Meta.Notices = append(frames[0].Meta.Notices, q.notices...)
	return frames
}
