package alerting

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/driftline/driftline/internal/config"
	"github.com/driftline/driftline/schemas"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestBodies(t *testing.T) {
	for name, inc := range map[string]schemas.Incident{"opened": revision(1), "updated": revision(2), "resolved": resolved(3)} {
		pager, hook := &server{judge: pagerDutyRules}, &server{judge: webhookRules(webhookSecret)}
		r := newRig(t, nil, pagerDutyTo(listen(t, pager)), webhookTo(listen(t, hook)))
		r.notify(t, inc)
		golden(t, "pagerduty_"+name+".json", pager.requests()[0].body)
		golden(t, "webhook_"+name+".json", hook.requests()[0].body)
	}
}

func golden(t *testing.T, name string, body []byte) {
	t.Helper()
	var got bytes.Buffer
	if err := json.Indent(&got, body, "", "  "); err != nil {
		t.Fatal(err)
	}
	got.WriteByte('\n')
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%s: got\n%s\nwant\n%s\n(go test -update writes it anew)", name, got.Bytes(), want)
	}
}

// An incident that is first seen when it is over is told as over, not opened.
func TestFirstSeenResolved(t *testing.T) {
	pager := &server{judge: pagerDutyRules}
	r := newRig(t, nil, pagerDutyTo(listen(t, pager)))
	r.notify(t, resolved(4))
	equal(t, "requests", len(pager.requests()), 1)
	equal(t, "body", string(pager.requests()[0].body), `{"routing_key":"`+routingKey.Value()+`","event_action":"resolve","dedup_key":"inc-0123456789abcdef"}`)
}

// huge is an incident of many features with long texts.
func huge(signals int) schemas.Incident {
	inc := incident()
	inc.Title, inc.Summary = strings.Repeat("ü", 3000), strings.Repeat("long ", 4000)
	one := inc.Signals[0]
	inc.Signals, inc.Features = nil, nil
	for i := range signals {
		one.Feature, one.Reason = fmt.Sprintf("feature_%05d", i), strings.Repeat("reason ", 10)
		inc.Signals, inc.Features = append(inc.Signals, one), append(inc.Features, one.Feature)
	}
	return inc
}

func TestOversizedIncidentIsTrimmed(t *testing.T) {
	for _, n := range []int{1, 100, 20_000} {
		pager, hook := &server{judge: pagerDutyRules}, &server{judge: webhookRules(webhookSecret)}
		r := newRig(t, nil, pagerDutyTo(listen(t, pager)), webhookTo(listen(t, hook)))
		r.notify(t, huge(n))
		equal(t, "journal of PagerDuty", r.journal.of("pager-a"), "pending delivered")
		equal(t, "journal of the webhook", r.journal.of("webhook-a"), "pending delivered")
		var got struct{ Data trimmed }
		if err := json.Unmarshal(hook.requests()[0].body, &got); err != nil {
			t.Fatal(err)
		}
		equal(t, "signals sent and left out", len(got.Data.Signals)+got.Data.SignalsOmitted, n)
		equal(t, "features sent and left out", len(got.Data.Features)+got.Data.FeaturesOmitted, n)
		if len(got.Data.Signals) == 0 || got.Data.Signals[0].Feature != "feature_00000" {
			t.Errorf("the strongest of %d signals is left out", n)
		}
	}
}

func TestIncidentThatCannotBeToldIsDropped(t *testing.T) {
	inc := incident()
	inc.Signals[0].Reason = strings.Repeat("r", 1<<20)
	inc.Features, inc.Versions = []string{strings.Repeat("f", 1<<20)}, []string{"7"}
	hook := &server{}
	r := newRig(t, nil, webhookTo(listen(t, hook)))
	r.notify(t, inc)
	equal(t, "requests", len(hook.requests()), 0)
	equal(t, "journal", r.journal.of("webhook-a"), "pending dropped")
}

func TestCutKeepsCharactersWhole(t *testing.T) {
	for n := 3; n < 40; n++ {
		got := cut("aüß漢🙂aüß漢🙂aüß漢🙂", n)
		if len(got) > n || !utf8.ValidString(got) {
			t.Errorf("cut to %d bytes: %q", n, got)
		}
	}
	equal(t, "short text", cut("short", 5), "short")
}

// During a rotation receivers with the old and with the new secret both verify.
func TestRotationSignsWithEverySecret(t *testing.T) {
	for _, held := range []config.Secret{webhookSecret, oldSecret} {
		hook := &server{judge: webhookRules(held)}
		to := webhookTo(listen(t, hook))
		to.Webhook.Secrets = []config.Secret{webhookSecret, oldSecret}
		r := newRig(t, nil, to)
		r.notify(t, incident())
		equal(t, "status", hook.requests()[0].status, 202)
	}
}

func TestUnsignedByTheRightSecretIsRefused(t *testing.T) {
	hook := &server{judge: webhookRules(oldSecret)}
	r := newRig(t, nil, webhookTo(listen(t, hook)))
	r.notify(t, incident())
	equal(t, "journal", r.journal.of("webhook-a"), "pending dropped")
}

func TestDefaultIsValid(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
	if err := (Config{Receivers: []Receiver{pagerDutyTo("https://events.pagerduty.com")}}).Validate(); err != nil {
		t.Error(err)
	}
}

func TestValidateReportsEveryMistake(t *testing.T) {
	both := pagerDutyTo("http://10.0.0.1")
	both.Webhook, both.AllowPrivate = &Webhook{URL: "https://host/"}, false
	twice := webhookTo("https://host/")
	twice.Name, twice.Timeout, twice.MinSeverity = both.Name, -time.Second, "urgent"
	err := Config{ExternalURL: "grafana", Receivers: []Receiver{both, twice, {}}}.Validate()
	if _, e := New(Config{Receivers: []Receiver{{}}}, nil); e == nil {
		t.Error("New takes an invalid configuration")
	}
	for _, fault := range []string{
		"external_url: is not an address", "receivers[0]: give exactly one", "receivers[0].pagerduty.base_url: is not encrypted",
		"receivers[0].webhook.secrets: is empty", `receivers[1].name: "pager-a" is taken by receivers[0]`, "receivers[1].timeout", "receivers[1].min_severity: unsupported",
		"receivers[2].name", "receivers[2]: give exactly one",
	} {
		if !strings.Contains(fmt.Sprint(err), fault) {
			t.Errorf("%q is not reported in\n%v", fault, err)
		}
	}
}
