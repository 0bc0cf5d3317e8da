package alerting

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/driftline/driftline/internal/config"
	"github.com/driftline/driftline/schemas"
)

// diagnosed is the incident of the tests with all that a diagnosis can say.
func diagnosed() schemas.Incident {
	inc := incident()
	at := inc.Onset.Add(-2 * time.Minute)
	inc.Diagnosis = &schemas.Diagnosis{
		At: inc.UpdatedAt, Advice: "Drain node-7 and replace the GPU; do not retrain.", Unobserved: []string{"node/node-9"},
		Causes: []schemas.Cause{
			{
				Entity: "gpu/node-7:3", Kind: schemas.CauseInfrastructure, Mechanism: "thermal_throttle", Title: "GPU 3 of node-7 is throttled by heat", Metric: "temperature", Score: 4.2, Confidence: 0.87,
				Onset: at, Path: []string{"gpu/node-7:3", "pod/credit-5", "model/credit"},
				Evidence: []schemas.Evidence{
					{Entity: "gpu/node-7:3", Metric: "temperature", Before: 61, After: 93.5, Z: 14.2, N: 18, Onset: at, LeadS: 120},
					{Entity: "gpu/node-7:3", Metric: "sm_clock", Before: 1410, After: 780, Z: -11, N: 18, Onset: at, LeadS: 100, Text: "SM clock fell from 1410 to 780 MHz <100 s before>."},
				},
			},
			{Kind: schemas.CauseTraffic, Mechanism: "surge", Title: "More requests than usual", Score: 0.4, Confidence: 0.06, Onset: at},
		},
		RuledOut: []schemas.RuledOut{{Entity: "node/node-7", Metric: "cpu", Reason: "its siblings moved as much"}},
	}
	return inc
}

// deployed is an incident that a deploy caused.
func deployed() schemas.Incident {
	inc := diagnosed()
	inc.Diagnosis.Causes = inc.Diagnosis.Causes[:1]
	c := &inc.Diagnosis.Causes[0]
	c.Kind, c.Entity, c.Mechanism, c.Title = schemas.CauseChange, "deployment/credit", "deploy", "Version 8 was deployed"
	return inc
}

func goldenText(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

func slackTo(url string) Receiver {
	var r Receiver
	r.SetDefaults()
	r.Name, r.AllowPrivate, r.Slack = "slack-a", true, &Slack{URL: config.Secret(url + "/services/T0/B0/" + slackToken)}
	return r
}

func alertmanagerTo(url string) Receiver {
	var r Receiver
	r.SetDefaults()
	r.Name, r.AllowPrivate = "am-a", true
	r.Alertmanager = &Alertmanager{}
	r.Alertmanager.SetDefaults()
	r.Alertmanager.URL, r.Alertmanager.Token = config.Secret(url), amToken
	return r
}

func cloudEventsTo(url string) Receiver {
	r := webhookTo(url)
	r.Name, r.Webhook.Format = "events-a", FormatCloudEvents
	return r
}

const (
	slackToken = "slack-tok-1a2b3c4d5e6f"
	amToken    = config.Secret("am-tok-1a2b3c4d5e6f")
)

// slackRules judges a message by the published limits of incoming webhooks and
// Block Kit.
func slackRules(r *http.Request, body []byte) error {
	type text struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	var m struct {
		Text   string `json:"text"`
		Blocks []struct {
			Type     string            `json:"type"`
			Text     *text             `json:"text"`
			Fields   []text            `json:"fields"`
			Elements []json.RawMessage `json:"elements"`
		} `json:"blocks"`
	}
	if err := strictly(body, &m); err != nil {
		return err
	}
	within := func(t text, kinds string, n int) error {
		if !strings.Contains(kinds, t.Type) || t.Type == "" || t.Text == "" || utf8.RuneCountInString(t.Text) > n {
			return fmt.Errorf("%s of %d characters, want %s of 1 to %d", t.Type, utf8.RuneCountInString(t.Text), kinds, n)
		}
		if strings.ContainsAny(strings.NewReplacer("&amp;", "", "&lt;", "", "&gt;", "", "<http", "", "|Incident in Driftline>", "").Replace(t.Text), "<>&") && t.Type == "mrkdwn" {
			return fmt.Errorf("not escaped: %s", t.Text)
		}
		return nil
	}
	switch {
	case r.Method != http.MethodPost || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") || !strings.HasSuffix(r.URL.Path, "/"+slackToken):
		return errors.New("invalid_token")
	case m.Text == "" || len(m.Blocks) == 0 || len(m.Blocks) > 50 || len(m.Text) > 40_000:
		return fmt.Errorf("no_text, or %d blocks", len(m.Blocks))
	}
	for i, b := range m.Blocks {
		var errs []error
		switch {
		case b.Type == "header" && b.Text != nil && b.Fields == nil && b.Elements == nil:
			errs = append(errs, within(*b.Text, "plain_text", 150))
		case b.Type == "section" && (b.Text != nil || len(b.Fields) > 0) && len(b.Fields) <= 10 && b.Elements == nil:
			if b.Text != nil {
				errs = append(errs, within(*b.Text, "mrkdwn plain_text", 3000))
			}
			for _, f := range b.Fields {
				errs = append(errs, within(f, "mrkdwn plain_text", 2000))
			}
		case b.Type == "context" && len(b.Elements) > 0 && len(b.Elements) <= 10:
			for _, e := range b.Elements {
				var f text
				errs = append(errs, strictly(e, &f), within(f, "mrkdwn plain_text", 3000))
			}
		case b.Type == "actions" && len(b.Elements) > 0 && len(b.Elements) <= 25:
			for _, e := range b.Elements {
				var f struct {
					Type string `json:"type"`
					Text text   `json:"text"`
					URL  string `json:"url"`
				}
				errs = append(errs, strictly(e, &f), within(f.Text, "plain_text", 75))
				if u, err := url.Parse(f.URL); f.Type != "button" || err != nil || u.Host == "" || len(f.URL) > 3000 {
					errs = append(errs, fmt.Errorf("button %+v", f))
				}
			}
		default:
			return fmt.Errorf("invalid_blocks: %d is %+v", i, b)
		}
		if err := errors.Join(errs...); err != nil {
			return fmt.Errorf("invalid_blocks: %d: %w", i, err)
		}
	}
	return nil
}

// alertmanagerRules judges a request by the OpenAPI document of API version 2.
func alertmanagerRules(r *http.Request, body []byte) error {
	var alerts []struct {
		Labels       map[string]string `json:"labels"`
		Annotations  map[string]string `json:"annotations"`
		StartsAt     time.Time         `json:"startsAt"`
		EndsAt       time.Time         `json:"endsAt"`
		GeneratorURL string            `json:"generatorURL"`
	}
	if err := strictly(body, &alerts); err != nil {
		return err
	}
	switch {
	case r.Method != http.MethodPost || r.URL.Path != "/api/v2/alerts" || r.Header.Get("Content-Type") != "application/json":
		return fmt.Errorf("%s %s", r.Method, r.URL.Path)
	case r.Header.Get("Authorization") != "Bearer "+amToken.Value():
		return errors.New("unauthorised")
	case len(alerts) == 0:
		return errors.New("no alerts")
	}
	seen := map[string]bool{}
	for _, a := range alerts {
		if a.Labels["alertname"] == "" || a.StartsAt.IsZero() || a.EndsAt.Before(a.StartsAt) {
			return fmt.Errorf("alert %+v", a)
		}
		key := fmt.Sprint(a.Labels)
		if seen[key] {
			return errors.New("the same alert twice")
		}
		seen[key] = true
		for name, value := range a.Labels {
			if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") != "" || value == "" {
				return fmt.Errorf("label %s=%q", name, value)
			}
		}
		for name := range a.Annotations {
			if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") != "" {
				return fmt.Errorf("annotation %s", name)
			}
		}
		if u, err := url.Parse(a.GeneratorURL); err != nil || a.GeneratorURL != "" && u.Host == "" {
			return fmt.Errorf("generatorURL %s", a.GeneratorURL)
		}
	}
	return nil
}

// cloudEventsRules judges by CloudEvents 1.0, structured mode, and the signature.
func cloudEventsRules(r *http.Request, body []byte) error {
	var e struct {
		SpecVersion     string         `json:"specversion"`
		ID              string         `json:"id"`
		Source          string         `json:"source"`
		Type            string         `json:"type"`
		Subject         string         `json:"subject"`
		Time            time.Time      `json:"time"`
		DataContentType string         `json:"datacontenttype"`
		Data            map[string]any `json:"data"`
	}
	if err := strictly(body, &e); err != nil {
		return err
	}
	_, sourceErr := url.Parse(e.Source)
	switch {
	case !strings.HasPrefix(r.Header.Get("Content-Type"), "application/cloudevents+json"):
		return fmt.Errorf("content type %s", r.Header.Get("Content-Type"))
	case e.SpecVersion != "1.0" || e.ID == "" || e.Source == "" || sourceErr != nil || e.Type == "" || e.DataContentType != "application/json" || e.Data["id"] != e.Subject:
		return fmt.Errorf("event %+v", e)
	case r.Header.Get("webhook-id") != e.ID:
		return fmt.Errorf("id %s and webhook-id %s", e.ID, r.Header.Get("webhook-id"))
	}
	return signed(r, body, webhookSecret)
}

// pagerDutyBoth judges alerts and change events.
func pagerDutyBoth(r *http.Request, body []byte) error {
	if r.URL.Path != "/v2/change/enqueue" {
		return pagerDutyRules(r, body)
	}
	var e struct {
		RoutingKey string `json:"routing_key"`
		Payload    struct {
			Summary       string         `json:"summary"`
			Source        string         `json:"source"`
			Timestamp     time.Time      `json:"timestamp"`
			CustomDetails map[string]any `json:"custom_details"`
		} `json:"payload"`
		Links []struct{ Href, Text string } `json:"links"`
	}
	if err := strictly(body, &e); err != nil {
		return err
	}
	if e.RoutingKey != routingKey.Value() || e.Payload.Summary == "" || utf8.RuneCountInString(e.Payload.Summary) > 1024 || e.Payload.Timestamp.IsZero() {
		return fmt.Errorf("change event %+v", e)
	}
	return nil
}

// Every kind of receiver takes every form of an incident, judged by its own
// published rules.
func TestEveryKindTakesWhatIsSent(t *testing.T) {
	taken := diagnosed()
	taken.Revision, taken.State = 2, schemas.IncidentAcknowledged
	long := diagnosed()
	for range 300 {
		long.Diagnosis.Causes = append(long.Diagnosis.Causes, long.Diagnosis.Causes[0])
		long.Diagnosis.RuledOut = append(long.Diagnosis.RuledOut, long.Diagnosis.RuledOut[0])
		long.Diagnosis.Causes[0].Evidence = append(long.Diagnosis.Causes[0].Evidence, long.Diagnosis.Causes[0].Evidence[0])
	}
	for i := range long.Diagnosis.Causes {
		long.Diagnosis.Causes[i].Title = strings.Repeat("<&>", 900)
	}
	long.Title = strings.Repeat("ü", 3000)
	for name, inc := range map[string]schemas.Incident{
		"opened": revision(1), "diagnosed": diagnosed(), "schemas.IncidentAcknowledged": taken, "resolved": resolved(3), "huge": huge(1000), "long": long, "deployed": deployed(),
		"bare": {ID: "inc-1", Revision: 1, Severity: schemas.SeverityCritical, State: schemas.IncidentOpen, Title: "t", Tenant: "t", Model: "m", OpenedAt: incident().OpenedAt, UpdatedAt: incident().OpenedAt},
	} {
		receivers := map[string]*server{
			"pager-a": {judge: pagerDutyBoth}, "webhook-a": {judge: webhookRules(webhookSecret)}, "events-a": {judge: cloudEventsRules},
			"slack-a": {judge: slackRules}, "am-a": {judge: alertmanagerRules},
		}
		post := open(t, &postOffice{})
		r := newRig(t, nil, pagerDutyTo(listen(t, receivers["pager-a"])), webhookTo(listen(t, receivers["webhook-a"])), cloudEventsTo(listen(t, receivers["events-a"])),
			slackTo(listen(t, receivers["slack-a"])), alertmanagerTo(listen(t, receivers["am-a"])), mailTo(post))
		r.receiver("pager-a").changes = nil
		r.notify(t, inc)
		for _, to := range []string{"pager-a", "webhook-a", "events-a", "slack-a", "am-a", "mail-a"} {
			if got := r.journal.of(to); got != "pending delivered" {
				t.Errorf("%s to %s: %s: %s", name, to, got, r.journal.errors(to))
			}
		}
		if name != "diagnosed" {
			continue
		}
		golden(t, "pagerduty_diagnosed.json", receivers["pager-a"].requests()[0].body)
		golden(t, "webhook_diagnosed.json", receivers["webhook-a"].requests()[0].body)
		golden(t, "cloudevents_diagnosed.json", receivers["events-a"].requests()[0].body)
		golden(t, "slack_diagnosed.json", receivers["slack-a"].requests()[0].body)
		golden(t, "alertmanager_diagnosed.json", withoutEnds(t, receivers["am-a"].requests()[0].body))
	}
}

// withoutEnds takes the wall clock out of alerts.
func withoutEnds(t *testing.T, body []byte) []byte {
	t.Helper()
	var alerts []map[string]any
	if err := json.Unmarshal(body, &alerts); err != nil {
		t.Fatal(err)
	}
	for _, a := range alerts {
		delete(a, "endsAt")
	}
	out, err := json.Marshal(alerts)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A group is one message to those who can read several incidents at once.
func TestGroupIsOneMessage(t *testing.T) {
	slack, am, pager := &server{judge: slackRules}, &server{judge: alertmanagerRules}, &server{judge: pagerDutyRules}
	post := open(t, &postOffice{})
	r := newRig(t, nil, slackTo(listen(t, slack)), alertmanagerTo(listen(t, am)), mailTo(post), pagerDutyTo(listen(t, pager)))
	var told []Told
	for i := range 60 {
		x := diagnosed()
		x.ID, x.Title = fmt.Sprintf("inc-%02d", i), strings.Repeat("long title ", 30)
		told = append(told, Told{Incident: x, Labels: labelsOf(&x), Runbook: "https://wiki.example/x", Related: []string{"another"}})
	}
	for name, want := range map[string]int{"slack-a": 1, "am-a": 1, "mail-a": 1, "pager-a": 60} {
		out, err := r.receiver(name).notify(t.Context(), notice{told: told})
		if err != nil || len(out) != 60 || slices.ContainsFunc(out, func(o Outcome) bool { return !o.Delivered }) {
			t.Errorf("%s: %d outcomes, %v: %s", name, len(out), err, r.journal.errors(name))
		}
		got := map[string]int{"slack-a": len(slack.requests()), "am-a": len(am.requests()), "mail-a": len(post.got()), "pager-a": len(pager.requests())}[name]
		equal(t, name, got, want)
	}
}

// When the severity rises, Alertmanager knows another alert; the one before is
// told to be over.
func TestAlertmanagerFollowsTheSeverity(t *testing.T) {
	am := &server{judge: alertmanagerRules}
	r := newRig(t, nil, alertmanagerTo(listen(t, am)))
	worse := revision(2)
	worse.Severity = schemas.SeverityCritical
	r.notify(t, revision(1))
	r.notify(t, worse)
	end := resolved(3)
	end.Severity = schemas.SeverityCritical
	r.notify(t, end)
	var got []string
	for _, req := range am.requests() {
		var alerts []alertmanagerAlert
		if err := json.Unmarshal(req.body, &alerts); err != nil {
			t.Fatal(err)
		}
		line := ""
		for _, a := range alerts {
			state := "-"
			if a.EndsAt.After(req.at) {
				state = "+"
			}
			line += " " + a.Labels["severity"] + state
		}
		got = append(got, line)
	}
	equal(t, "alerts", strings.Join(got, ";"), " error+; info- warning- error- critical+; info- warning- error- critical-")
}

// The change that caused an incident is a change event, once.
func TestChangeEvents(t *testing.T) {
	pager := &server{judge: pagerDutyBoth}
	to := pagerDutyTo(listen(t, pager))
	to.PagerDuty.ChangeEvents = true
	r := newRig(t, nil, to)
	r.notify(t, deployed())
	again := deployed()
	again.Revision = 2
	r.notify(t, again)
	r.notify(t, resolved(3))
	var paths []string
	for _, req := range pager.requests() {
		equal(t, "status", req.status, 202)
		if bytes.Contains(req.body, []byte(`"event_action"`)) {
			paths = append(paths, "alert")
		} else {
			paths = append(paths, "change")
			golden(t, "pagerduty_change.json", req.body)
		}
	}
	equal(t, "requests", strings.Join(paths, " "), "alert change alert alert")
	equal(t, "journal", r.journal.of("pager-a"), strings.Repeat(" pending delivered", 4)[1:])
}

// Who answers 200 without having taken anything is not believed.
func TestLiesAreNotBelieved(t *testing.T) {
	says := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusCreated)
			_, _ = w.Write([]byte(text))
		}
	}
	pager := &server{judge: pagerDutyRules, script: []http.HandlerFunc{says("<html>log in</html>"), says(`{"status":"throttled"}`)}}
	slack := &server{judge: slackRules, script: []http.HandlerFunc{says("<html>log in</html>")}}
	r := newRig(t, nil, pagerDutyTo(listen(t, pager)), slackTo(listen(t, slack)))
	r.notify(t, incident())
	equal(t, "PagerDuty", r.journal.of("pager-a"), "pending failed pending failed pending delivered")
	equal(t, "Slack", r.journal.of("slack-a"), "pending failed pending delivered")
}

// An answer that breaks off may come from a receiver that broke off too.
func TestBrokenAnswerIsTriedAgain(t *testing.T) {
	hook := &server{judge: webhookRules(webhookSecret)}
	first := true
	url := listenFunc(t, func(w http.ResponseWriter, r *http.Request) {
		if !first {
			hook.ServeHTTP(w, r)
			return
		}
		first = false
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte("half"))
	})
	r := newRig(t, nil, webhookTo(url))
	r.notify(t, incident())
	equal(t, "journal", r.journal.of("webhook-a"), "pending failed pending delivered")
}
