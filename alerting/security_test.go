package alerting

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/internal/config"
)

func TestPrivateAddressesAreRefused(t *testing.T) {
	hook := &server{judge: webhookRules(webhookSecret)}
	to := webhookTo(strings.Replace(listen(t, hook), "http://", "https://", 1))
	to.AllowPrivate, to.Timeout, to.MaxElapsed = false, time.Second, time.Second
	r := newRig(t, nil, to)
	r.notify(t, incident())
	equal(t, "requests", len(hook.requests()), 0)
	equal(t, "journal", r.journal.of("webhook-a"), "pending dropped")
	if reason := r.journal.last().Error; !strings.Contains(reason, "127.0.0.1 is not public; set allow_private: true") {
		t.Errorf("reason %q", reason)
	}
}

// The guard judges the address that a name resolved to, at the moment of
// dialling: what the name answered before does not count.
func TestNamesThatLeadInsideAreRefused(t *testing.T) {
	to := webhookTo("https://localhost:1/hook")
	to.AllowPrivate, to.Timeout, to.MaxElapsed = false, time.Second, time.Second
	r := newRig(t, nil, to)
	r.notify(t, incident())
	if reason := r.journal.last().Error; !strings.Contains(reason, "is not public") {
		t.Errorf("reason %q", reason)
	}
}

func TestIsPrivate(t *testing.T) {
	for _, a := range []string{
		"127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "0.1.2.3", "224.0.0.1", "255.255.255.255", "240.0.0.1", "198.18.0.1",
		"::1", "::", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "::127.0.0.1",
	} {
		if !isPrivate(netip.MustParseAddr(a)) {
			t.Errorf("%s counts as public", a)
		}
	}
	for _, a := range []string{"1.1.1.1", "93.184.215.14", "172.32.0.1", "2606:4700::1111", "::ffff:1.1.1.1"} {
		if isPrivate(netip.MustParseAddr(a)) {
			t.Errorf("%s counts as private", a)
		}
	}
}

// echoes answers with all that it was sent.
func echoes(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(status)
		_, _ = fmt.Fprint(w, r.URL, " ", r.URL.Query(), r.Header.Get("Authorization"), " ", string(body))
	}
}

// Whatever goes wrong, no secret shows: not in the journal, not in the log, not
// in the error, even when the receiver echoes all that it was sent.
func TestSecretsDoNotShow(t *testing.T) {
	const token, password = "tok-3f9a8b7c6d5e", "pass-9f8e7d6c"
	hook := &server{script: []http.HandlerFunc{echoes(500), echoes(403)}}
	pager := &server{script: []http.HandlerFunc{echoes(500), echoes(400)}}
	gone := webhookTo("http://user:" + password + "@127.0.0.1:1/" + token + "?key=" + token)
	gone.Name, gone.Timeout, gone.MaxElapsed = "webhook-b", 100*time.Millisecond, 100*time.Millisecond
	url := strings.Replace(listen(t, hook), "http://", "http://user:"+password+"@", 1) + "/" + token + "?key=" + token
	r := newRig(t, nil, webhookTo(url), pagerDutyTo(listen(t, pager)), gone)
	r.notify(t, incident())

	shown := r.log.String()
	for _, n := range r.journal.rows {
		shown += fmt.Sprintf("%+v\n", n)
	}
	basic := base64.StdEncoding.EncodeToString([]byte("user:" + password))
	for _, s := range []string{token, password, basic, routingKey.Value()[:20], webhookSecret.Value()} {
		if strings.Contains(shown, s) {
			t.Errorf("secret %s shows in\n%s", s, shown)
		}
	}
	for _, s := range []string{"***", "receiver answered 403", "receiver answered 400", "connection refused"} {
		if !strings.Contains(shown, s) {
			t.Errorf("%q does not show in\n%s", s, shown)
		}
	}
}

func TestConfigFaultsDoNotShowSecrets(t *testing.T) {
	to := webhookTo("ftp://user:hunter-two@host/?key=hunter-two")
	to.Webhook.Secrets = []config.Secret{"hunter-two", "whsec_aHVudGVyLXR3bw=="}
	err := Config{Receivers: []Receiver{to}}.Validate()
	if err == nil || strings.Contains(err.Error(), "hunter") || strings.Contains(err.Error(), "aHVud") {
		t.Errorf("error %v", err)
	}
}

// rebinding is a name whose answer changes: public when it is checked, private
// when it is dialled. Here it answers with a private address in forms that hide
// it; the guard looks at what is dialled.
func TestGuardSeesThroughForms(t *testing.T) {
	for _, address := range []string{
		"127.0.0.1:80", "[::ffff:127.0.0.1]:80", "[::ffff:10.0.0.1]:443", "[64:ff9b::7f00:1]:80", "[2002:7f00:1::]:80", "[::1]:80", "[::7f00:1]:80",
		"169.254.169.254:80", "[fd00:ec2::254]:80", "[fe80::1%lo]:80", "0.0.0.0:80", "[::]:80", "not-an-address",
	} {
		if err := publicOnly("tcp4", address, nil); err == nil {
			t.Errorf("%s may be dialled", address)
		}
	}
	if err := publicOnly("udp", "1.1.1.1:53", nil); err == nil {
		t.Error("udp may be dialled")
	}
	if err := publicOnly("tcp6", "[2606:4700::1111]:443", nil); err != nil {
		t.Error(err)
	}
}

// Addresses that hide where they lead end at the guard as well, for every kind
// of receiver.
func TestHiddenAddressesAreRefused(t *testing.T) {
	for _, host := range []string{"[::ffff:127.0.0.1]", "[::1]", "2130706433", "0x7f.1", "127.1", "localhost", "0"} {
		for _, to := range []Receiver{webhookTo("https://" + host + ":1/hook"), slackTo("https://" + host + ":1"), alertmanagerTo("https://" + host + ":1"), pagerDutyTo("https://" + host + ":1")} {
			to.AllowPrivate, to.Timeout, to.MaxElapsed = false, 300*time.Millisecond, 300*time.Millisecond
			r := newRig(t, nil, to)
			r.notify(t, incident())
			reason := r.journal.last().Error
			if !strings.Contains(reason, "is not public") && !strings.Contains(reason, "no such host") && !strings.Contains(reason, "lookup") {
				t.Errorf("%s %s: %q", to.Name, host, reason)
			}
		}
	}
}

// A redirect to an inner address is as little followed as any other, and its
// target does not get the body.
func TestRedirectsDoNotLeadInside(t *testing.T) {
	inner := &server{}
	target := listen(t, inner)
	for _, status := range []int{301, 302, 303, 307, 308} {
		lead := func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, target, status) }
		slack := &server{judge: slackRules, script: []http.HandlerFunc{lead}}
		am := &server{judge: alertmanagerRules, script: []http.HandlerFunc{lead}}
		r := newRig(t, nil, slackTo(listen(t, slack)), alertmanagerTo(listen(t, am)))
		r.notify(t, incident())
		equal(t, "Slack", r.journal.of("slack-a"), "pending failed pending delivered")
		equal(t, "Alertmanager", r.journal.of("am-a"), "pending failed pending delivered")
	}
	equal(t, "requests inside", len(inner.requests()), 0)
}

// Answers are read up to a limit, headers too, whatever their status.
func TestHugeAnswersAreCut(t *testing.T) {
	headers := func(w http.ResponseWriter, _ *http.Request) {
		for i := range 2000 {
			w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("x", 100))
		}
	}
	hook := &server{judge: webhookRules(webhookSecret), script: []http.HandlerFunc{headers}}
	r := newRig(t, nil, webhookTo(listen(t, hook)))
	r.notify(t, incident())
	equal(t, "headers", r.journal.of("webhook-a"), "pending failed pending delivered")

	flood := func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("y", 8<<20)) }
	r = newRig(t, nil, webhookTo(listenFunc(t, flood)))
	r.notify(t, incident())
	equal(t, "body of a success", r.journal.of("webhook-a"), "pending delivered")
}

// Tokens of every kind stay out of the journal and the log, even when receivers
// echo them in refusals.
func TestTokensOfNewKindsDoNotShow(t *testing.T) {
	slack, am := &server{script: []http.HandlerFunc{echoes(500), echoes(403)}}, &server{script: []http.HandlerFunc{echoes(500), echoes(403)}}
	echoAuth := &server{script: []http.HandlerFunc{echoes(403)}}
	basic := alertmanagerTo(listen(t, echoAuth))
	basic.Name, basic.Alertmanager.Token, basic.Alertmanager.Username, basic.Alertmanager.Password = "am-b", "", "user", "am-pass-5f6e7d"
	r := newRig(t, nil, slackTo(listen(t, slack)), alertmanagerTo(listen(t, am)), basic)
	r.notify(t, incident())
	shown := r.log.String()
	for _, n := range r.journal.rows {
		shown += fmt.Sprintf("%+v\n", n)
	}
	for _, s := range []string{slackToken, amToken.Value(), "am-pass-5f6e7d", base64.StdEncoding.EncodeToString([]byte("user:am-pass-5f6e7d"))} {
		if strings.Contains(shown, s) {
			t.Errorf("secret %s shows in\n%s", s, shown)
		}
	}
	for _, name := range []string{"slack-a", "am-a"} {
		try, err := r.Try(t.Context(), name)
		if err != nil || strings.Contains(fmt.Sprintf("%+v", try), slackToken) || strings.Contains(fmt.Sprintf("%+v", try), amToken.Value()) {
			t.Errorf("%+v, %v", try, err)
		}
	}
}

func TestTry(t *testing.T) {
	hook, pager := &server{judge: webhookRules(webhookSecret)}, &server{judge: pagerDutyRules, script: []http.HandlerFunc{answers(403)}}
	r := newRig(t, nil, webhookTo(listen(t, hook)), pagerDutyTo(listen(t, pager)))
	got, err := r.Try(t.Context(), "webhook-a")
	if err != nil || !got.OK || len(got.Messages) != 2 || got.Messages[0].Action != "trigger" || got.Messages[1].Action != "resolve" || got.Messages[1].Status != 202 {
		t.Errorf("%+v, %v", got, err)
	}
	if body := string(hook.requests()[0].body); !strings.Contains(body, "[TEST]") {
		t.Errorf("not marked: %s", body)
	}
	got, err = r.Try(t.Context(), "pager-a")
	if err != nil || got.OK || len(got.Messages) != 1 || !strings.Contains(got.Messages[0].Error, "403") {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := r.Try(t.Context(), "nobody"); err == nil || !strings.Contains(err.Error(), "configured: webhook-a, pager-a") {
		t.Errorf("error %v", err)
	}
	equal(t, "journal", len(r.journal.rows), 0)
}
