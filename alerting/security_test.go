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
