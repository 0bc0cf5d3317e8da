package alerting

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/driftline/driftline/schemas"
)

// node is a route with all that it inherits.
type node struct {
	path     string // where it stands in the configuration
	receiver string
	matchers matchers
	groupBy  []string
	wait     time.Duration
	interval time.Duration
	repeat   time.Duration
	goOn     bool
	mute     []string
	active   []string
	routes   []*node
	least    schemas.Severity // of the receiver
	single   bool             // each incident is a group of its own
}

// tree is the routes of a configuration.
type tree struct {
	root   *node   // nil without routes
	direct []*node // of receivers that no route names: told of everything, at once
	owners []owner
}

type owner struct {
	matchers matchers
	Owner
}

func newTree(cfg *Config) *tree {
	t := &tree{}
	least := map[string]schemas.Severity{}
	for i := range cfg.Receivers {
		least[cfg.Receivers[i].Name] = cfg.Receivers[i].MinSeverity
	}
	named := map[string]bool{}
	if cfg.Route != nil {
		t.root = newNode(cfg.Route, "route", &node{
			groupBy: []string{labelTenant, labelModel}, wait: defaultGroupWait, interval: defaultGroupInterval, repeat: defaultRepeatInterval,
		}, least, named)
	}
	for i := range cfg.Receivers {
		if r := &cfg.Receivers[i]; !named[r.Name] {
			t.direct = append(t.direct, &node{path: "receivers." + r.Name, receiver: r.Name, least: r.MinSeverity, single: true})
		}
	}
	for _, o := range cfg.Owners {
		t.owners = append(t.owners, owner{mustMatchers(o.Matchers), o})
	}
	return t
}

func newNode(r *Route, path string, up *node, least map[string]schemas.Severity, named map[string]bool) *node {
	n := &node{
		path: path, receiver: cmp.Or(r.Receiver, up.receiver), matchers: mustMatchers(r.Matchers), groupBy: up.groupBy,
		wait: inherit(r.GroupWait, up.wait), interval: inherit(r.GroupInterval, up.interval), repeat: inherit(r.RepeatInterval, up.repeat),
		goOn: r.Continue, mute: r.MuteTimeIntervals, active: r.ActiveTimeIntervals,
	}
	if r.GroupBy != nil {
		n.groupBy = r.GroupBy
	}
	n.least, named[n.receiver] = least[n.receiver], true
	for i := range r.Routes {
		n.routes = append(n.routes, newNode(&r.Routes[i], fmt.Sprintf("%s.routes[%d]", path, i), n, least, named))
	}
	return n
}

func inherit(own *time.Duration, above time.Duration) time.Duration {
	if own != nil {
		return *own
	}
	return above
}

// label gives the labels of an incident, its owner included.
func (t *tree) label(inc *schemas.Incident) (Labels, Owner) {
	l := labelsOf(inc)
	o := t.own(l)
	l[labelOwner] = o.Owner
	return l, o
}

// own finds the owner of incidents with these labels: the first that matches.
func (t *tree) own(l Labels) Owner {
	for i := range t.owners {
		if t.owners[i].matchers.match(l) {
			return t.owners[i].Owner
		}
	}
	return Owner{}
}

// match gives the nodes that tell of an incident with these labels, each
// receiver once: by the first of its routes.
func (t *tree) match(l Labels) []*node {
	var out []*node
	if t.root != nil {
		out = t.root.match(l)
	}
	var once []*node
	for _, n := range append(out, t.direct...) {
		if !slices.ContainsFunc(once, func(o *node) bool { return o.receiver == n.receiver }) {
			once = append(once, n)
		}
	}
	return once
}

// match tells who of a node's subtree tells; nothing when it does not match.
func (n *node) match(l Labels) []*node {
	if !n.matchers.match(l) {
		return nil
	}
	var out []*node
	for _, below := range n.routes {
		found := below.match(l)
		out = append(out, found...)
		if found != nil && !below.goOn {
			break
		}
	}
	if out == nil {
		return []*node{n}
	}
	return out
}

// find gives some node of a receiver, nil for none.
func (t *tree) find(receiver string) *node {
	var walk func(nodes []*node) *node
	walk = func(nodes []*node) *node {
		for _, n := range nodes {
			if n.receiver == receiver {
				return n
			}
			if below := walk(n.routes); below != nil {
				return below
			}
		}
		return nil
	}
	if t.root != nil {
		if n := walk([]*node{t.root}); n != nil {
			return n
		}
	}
	return walk(t.direct)
}

// tells says whether the receiver wants incidents of a severity.
func (n *node) tells(s schemas.Severity) bool { return rank(s) >= rank(n.least) }

func rank(s schemas.Severity) int { return slices.Index(severities, s) }

// Explanation of where incidents with some labels go.
type Explanation struct {
	Labels Labels      `json:"labels"`
	Steps  []RouteStep `json:"steps"`  // every route that was tried, in order
	Routes []RouteEnd  `json:"routes"` // where they end up
}

// RouteStep is one route that was tried.
type RouteStep struct {
	Route    string `json:"route"`
	Matchers string `json:"matchers"`
	Matched  bool   `json:"matched"`
	Why      string `json:"why"`
}

// RouteEnd is a receiver that is told.
type RouteEnd struct {
	Route          string  `json:"route"`
	Receiver       string  `json:"receiver"`
	Group          Labels  `json:"group"` // what it is told together with has the same values
	GroupWait      float64 `json:"group_wait_s"`
	GroupInterval  float64 `json:"group_interval_s"`
	RepeatInterval float64 `json:"repeat_interval_s"`
	Told           bool    `json:"told"`
	Why            string  `json:"why"` // it is not told now; empty when it is
}

// Explain tells which routes an incident with some labels takes at a time, and
// why. Unknown labels are an error. The configuration must be valid.
func Explain(cfg Config, l Labels, at time.Time) (*Explanation, error) {
	for _, name := range slices.Sorted(maps.Keys(l)) {
		if !slices.Contains(labelNames, name) {
			return nil, fmt.Errorf("unknown label %q; known: %s", name, listed(labelNames))
		}
	}
	if s := l[labelSeverity]; s != "" && rank(schemas.Severity(s)) < 0 {
		return nil, fmt.Errorf("unsupported severity %q; supported: info, warning, error, critical", s)
	}
	t, in := newTree(&cfg), newIntervals(cfg.TimeIntervals)
	l = maps.Clone(l)
	if _, given := l[labelOwner]; !given {
		l[labelOwner] = t.own(l).Owner
	}
	e := &Explanation{Labels: l, Routes: []RouteEnd{}}
	if t.root != nil {
		t.root.explain(l, &e.Steps)
	}
	for _, n := range t.direct {
		e.Steps = append(e.Steps, RouteStep{n.path, "everything", true, "no route names the receiver, so it is told of everything from its min_severity on"})
	}
	for _, n := range t.match(l) {
		end := RouteEnd{n.path, n.receiver, l.pick(n.groupBy), n.wait.Seconds(), n.interval.Seconds(), n.repeat.Seconds(), true, ""}
		switch {
		case l[labelSeverity] != "" && !n.tells(schemas.Severity(l[labelSeverity])):
			end.Why = fmt.Sprintf("severity %s is below the receiver's min_severity, %s", l[labelSeverity], n.least)
		default:
			end.Why = n.mutedBy(in, at)
		}
		end.Told = end.Why == ""
		e.Routes = append(e.Routes, end)
	}
	return e, nil
}

func (n *node) explain(l Labels, steps *[]RouteStep) (matched bool) {
	step := RouteStep{Route: n.path, Matchers: n.matchers.String(), Matched: true}
	for _, m := range n.matchers {
		if !m.Matches(l[m.Name]) {
			step.Matched, step.Why = false, fmt.Sprintf("%s is %q", m.Name, l[m.Name])
			break
		}
	}
	at := len(*steps)
	*steps = append(*steps, step)
	if !step.Matched {
		return false
	}
	below := 0
	for _, r := range n.routes {
		if !r.explain(l, steps) {
			continue
		}
		below++
		if !r.goOn {
			break
		}
	}
	why := &(*steps)[at].Why
	switch {
	case below > 0:
		*why = fmt.Sprintf("%d below it matched", below)
	case len(n.routes) > 0:
		*why = "none below it matched: tells " + n.receiver
	default:
		*why = "tells " + n.receiver
	}
	if n.goOn {
		*why += ", and goes on with the next"
	}
	return true
}

// mutedBy names the time interval that keeps a route quiet; empty for none.
func (n *node) mutedBy(in intervals, at time.Time) string {
	if name := in.in(n.mute, at); name != "" {
		return "muted by time interval " + name
	}
	if len(n.active) > 0 && in.in(n.active, at) == "" {
		return "outside of the active time intervals " + strings.Join(n.active, ", ")
	}
	return ""
}
