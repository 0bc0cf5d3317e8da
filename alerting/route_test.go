package alerting

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/internal/config"
	"github.com/driftline/driftline/schemas"
)

// parse reads the alerting section as a user writes it.
func parse(t *testing.T, text string) (Config, error) {
	t.Helper()
	cfg := DefaultConfig()
	err := config.Parse(filepath.Join(t.TempDir(), "driftline.yaml"), []byte(text), &cfg)
	return cfg, err
}

func mustParse(t *testing.T, text string) Config {
	t.Helper()
	cfg, err := parse(t, text)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// three receivers whose names the routes of tests use.
const three = `
receivers:
  - {name: duty, allow_private: true, min_severity: info, pagerduty: {routing_key: "0123456789abcdef0123456789abcdef", base_url: "http://127.0.0.1:1"}}
  - {name: team, allow_private: true, min_severity: info, slack: {url: "http://127.0.0.1:1/services/T0"}}
  - {name: mail, allow_private: true, min_severity: info, email: {server: "127.0.0.1:1", from: a@example.com, to: [b@example.com]}}
`

// The grammar of matchers is Alertmanager's own, since its package reads them.
// These are the examples of its documentation, and what must not pass.
func TestMatcherGrammar(t *testing.T) {
	l := Labels{"severity": "critical", "model": "credit", "entity": `a "b", c`}
	for text, want := range map[string]bool{
		`severity="critical"`: true, `severity = critical`: true, `severity!="critical"`: false, `severity=~"crit.*|error"`: true,
		`severity=~"crit"`: false, `severity!~"crit"`: true, `owner=""`: true, `owner!=""`: false, `owner=~".+"`: false, `owner=~".*"`: true,
		`{severity="critical", model="credit"}`: true, `severity="critical",model="fraud"`: false, `entity="a \"b\", c"`: true, `{ model = "credit" , }`: true,
	} {
		ms, err := parseMatchers([]string{text})
		if err != nil || ms.match(l) != want {
			t.Errorf("%s: matches %v, %v; want %v", text, ms.match(l), err, want)
		}
	}
	for _, text := range []string{"", "{}", "severity", `="x"`, `severity="crit`, `severity=~"("`, `severity==="x"extra"`, "sev erity=x"} {
		if ms, err := parseMatchers([]string{text}); err == nil {
			t.Errorf("%s is read as %v", text, ms)
		}
	}
}

func TestRoutesOfATree(t *testing.T) {
	tr := newTree(new(mustParse(t, three+`
owners: [{matchers: ['model="credit"'], owner: risk}]
route:
  receiver: mail
  group_by: [tenant]
  routes:
    - matchers: ['severity="critical"']
      receiver: duty
      continue: true
    - matchers: ['model=~"credit|fraud"']
      receiver: team
      group_wait: 1s
      routes:
        - {matchers: ['severity="info"'], receiver: mail, group_by: ["..."]}
        - {matchers: ['owner="risk"', 'kind="silent"'], repeat_interval: 0s}
`)))
	for name, c := range map[string]struct {
		labels Labels
		want   string
	}{
		"nothing below matches":         {Labels{"severity": "error"}, "route mail"},
		"continue goes on":              {Labels{"severity": "critical", "model": "credit"}, "route.routes[0] duty, route.routes[1] team"},
		"continue and then nothing":     {Labels{"severity": "critical"}, "route.routes[0] duty"},
		"the deepest one tells":         {Labels{"severity": "info", "model": "fraud"}, "route.routes[1].routes[0] mail"},
		"a receiver is inherited":       {Labels{"model": "credit", "owner": "risk", "kind": "silent"}, "route.routes[1].routes[1] team"},
		"none below: the branch itself": {Labels{"severity": "warning", "model": "fraud"}, "route.routes[1] team"},
	} {
		var got []string
		for _, n := range tr.match(c.labels) {
			got = append(got, n.path+" "+n.receiver)
		}
		equal(t, name, strings.Join(got, ", "), c.want)
	}
	deep := tr.root.routes[1].routes[1]
	equal(t, "inherited wait", deep.wait, time.Second)
	equal(t, "inherited interval", deep.interval, 5*time.Minute)
	equal(t, "own repeat", deep.repeat, 0)
	equal(t, "inherited group_by", strings.Join(deep.groupBy, ","), "tenant")
	inc := incident()
	l, _ := tr.label(&inc)
	equal(t, "labels", l.String(), `{detector="ks", kind="drift", model="credit", owner="risk", severity="error", tenant="default", version="7"}`)
	equal(t, "no receiver is told besides its routes", len(tr.direct), 0)
}

// A receiver that no route names works as without routes.
func TestReceiverWithoutRoutes(t *testing.T) {
	for text, want := range map[string]string{
		"": "receivers.duty, receivers.team, receivers.mail",
		"route: {receiver: team, routes: [{matchers: ['severity=\"critical\"'], receiver: mail}]}": "route, receivers.duty",
	} {
		var got []string
		for _, n := range newTree(new(mustParse(t, three+text))).match(Labels{"severity": "error"}) {
			got = append(got, n.path)
		}
		equal(t, text, strings.Join(got, ", "), want)
	}
}

func TestExplain(t *testing.T) {
	cfg := mustParse(t, three+`
time_intervals: [{name: nights, time_intervals: [{times: [{start_time: "22:00", end_time: "24:00"}], location: Europe/Berlin}]}]
route:
  receiver: team
  routes:
    - {matchers: ['severity=~"error|critical"'], receiver: duty, continue: true}
    - {matchers: ['model="credit"'], receiver: mail, mute_time_intervals: [nights], group_by: []}
`)
	cfg.Receivers[0].MinSeverity = schemas.SeverityCritical
	e, err := Explain(cfg, Labels{"severity": "error", "model": "credit"}, time.Date(2026, 7, 1, 20, 30, 0, 0, time.UTC)) // 22:30 in Berlin
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "explain.json", text)
	for _, l := range []Labels{{"severety": "error"}, {"severity": "bad"}} {
		if _, err := Explain(cfg, l, time.Now()); err == nil {
			t.Errorf("%s is explained", l)
		}
	}
}

// The hours of a place follow its clock, over the change to summer time too.
func TestTimeIntervals(t *testing.T) {
	cfg := mustParse(t, `
time_intervals:
  - name: office
    time_intervals: [{times: [{start_time: "09:00", end_time: "17:00"}], weekdays: ["monday:friday"], location: Europe/Berlin}]
  - name: last
    time_intervals: [{days_of_month: ["-1"], months: ["february"], years: ["2026"]}]
`)
	in := newIntervals(cfg.TimeIntervals)
	for at, want := range map[string]string{
		"2026-03-02T07:59:59Z": "", "2026-03-02T08:00:00Z": "office", "2026-03-02T15:59:00Z": "office", "2026-03-02T16:00:00Z": "",
		"2026-07-06T07:00:00Z": "office", "2026-07-06T15:00:00Z": "", "2026-03-01T10:00:00Z": "", "2026-02-28T12:00:00Z": "last", "2026-03-31T06:30:00Z": "",
	} {
		when, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, at, in.in([]string{"office", "last"}, when), want)
	}
}

func TestValidateReportsEveryMistakeOfRoutes(t *testing.T) {
	_, err := parse(t, three+`
  - {name: two, slack: {url: "https://host/x"}, webhook: {url: "https://host/", secrets: [x]}}
  - {name: am, alertmanager: {url: "http://host/", token: a, username: b, resend: 1ms}}
  - {name: post, email: {server: host, from: nobody, to: [x], tls: none, password: p}}
owners: [{matchers: ['owner="x"'], runbook: wiki}]
inhibition: {min_confidence: 2}
give_up_after: -1s
time_intervals:
  - {name: a, time_intervals: [{times: [{start_time: "25:00", end_time: "26:00"}]}]}
  - {name: a, time_intervals: []}
burn_rates:
  - {name: "a b", objective: 1, windows: [{long: 5m, short: 1h, factor: 200, severity: bad}], min_count: 0, matchers: ['version="1"']}
route:
  matchers: ['severity="error"']
  continue: true
  mute_time_intervals: [b]
  routes:
    - {receiver: nobody, matchers: ['sevrity="error"'], group_by: [model, "..."], repeat_interval: 1s, group_wait: -1s}
    - {matchers: ['severity=~"("'], group_by: [feature], active_time_intervals: [c]}
`)
	for _, fault := range []string{
		"receivers[3]: give exactly one", "receivers[4].alertmanager.url: is not encrypted", "receivers[4].alertmanager.token", "receivers[4].alertmanager.resend",
		"receivers[5].email.server", "receivers[5].email.from", "receivers[5].email.to[0]", "receivers[5].email.tls: none sends",
		`owners[0].matchers: unknown label "owner"`, "owners[0].runbook", "inhibition.min_confidence", "give_up_after",
		"time_intervals[0].time_intervals[0]", `time_intervals[1].name: "a" is taken`, "time_intervals[1].time_intervals: is empty",
		"burn_rates[0].name", "burn_rates[0].objective", "burn_rates[0].windows[0]: short is", "burn_rates[0].windows[0].severity", "burn_rates[0].min_count", "burn_rates[0].matchers: unknown label",
		"route.receiver: is missing", "route.matchers", "route.continue", "route: the root cannot have time intervals", `route.mute_time_intervals[0]: "b"`,
		`route.routes[0].receiver: "nobody"`, "route.routes[0].matchers: unknown label", "route.routes[0].group_by[1]", "route.routes[0].repeat_interval", "route.routes[0].group_wait",
		"route.routes[1].matchers: matcher 1", `route.routes[1].group_by[0]: unknown label "feature"`, "route.routes[1].active_time_intervals[0]",
	} {
		if !strings.Contains(strings.ReplaceAll(fmt.Sprint(err), "\n", " "), fault) {
			t.Errorf("%q is not reported in\n%v", fault, err)
		}
	}
}

// The example of docs/alerting.md is valid.
func TestDocumentedExampleIsValid(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "alerting.md"))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PAGERDUTY_KEY", routingKey.Value())
	t.Setenv("SLACK_URL", "https://hooks.example.com/services/T0/B0/secret")
	t.Setenv("WEBHOOK_SECRET", webhookSecret.Value())
	t.Setenv("SMTP_PASSWORD", "p")
	blocks := strings.Split(string(page), "```yaml\n")[1:]
	if len(blocks) == 0 {
		t.Fatal("no example")
	}
	for _, b := range blocks {
		text, _, _ := strings.Cut(b, "```")
		var cfg struct {
			Alerting Config `yaml:"alerting"`
		}
		cfg.Alerting = DefaultConfig()
		if err := config.Parse(filepath.Join(t.TempDir(), "alerting.md"), []byte(text), &cfg); err != nil {
			t.Errorf("%v in\n%s", err, text)
		}
	}
}

func TestSilenceIsChecked(t *testing.T) {
	at := incident().OpenedAt
	good := schemas.Silence{Matchers: []string{`model="credit"`}, EndsAt: at.Add(time.Hour), Author: "a", Comment: "c"}
	s, err := NewSilence(good, at)
	if err != nil || s.ID == "" || !s.StartsAt.Equal(at) || !s.Active(at) || s.Active(at.Add(time.Hour)) {
		t.Errorf("%+v, %v", s, err)
	}
	if e := Expire(s, at.Add(time.Minute)); e.Active(at.Add(time.Minute)) || e.ID != s.ID {
		t.Errorf("expired: %+v", e)
	}
	for want, spoil := range map[string]func(*schemas.Silence){
		"no matcher is given":         func(s *schemas.Silence) { s.Matchers = nil },
		"match incidents without any": func(s *schemas.Silence) { s.Matchers = []string{`model=~".*"`, `owner=""`} },
		"unknown label":               func(s *schemas.Silence) { s.Matchers = []string{`modl="x"`} },
		"matcher 1":                   func(s *schemas.Silence) { s.Matchers = []string{`model`} },
		"not after its start":         func(s *schemas.Silence) { s.EndsAt = at },
		"author is missing":           func(s *schemas.Silence) { s.Author = "" },
		"comment is missing":          func(s *schemas.Silence) { s.Comment = "" },
	} {
		bad := good
		bad.Matchers = slices.Clone(good.Matchers)
		spoil(&bad)
		if _, err := NewSilence(bad, at); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not reported: %v", want, err)
		}
	}
}
