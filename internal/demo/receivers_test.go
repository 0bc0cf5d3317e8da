package demo

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

func post(t *testing.T, url, body string, header http.Header) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k := range header {
		req.Header.Set(k, header.Get(k))
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

func TestPagerDutyChecksItsBody(t *testing.T) {
	r, err := listen()
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	body := func(key, rest string) string {
		return fmt.Sprintf(`{"routing_key":%q,"dedup_key":"inc-1",%s}`, key, rest)
	}
	const payload = `"payload":{"summary":"s","source":"default/credit","severity":"error"}`
	for name, c := range map[string]struct {
		body string
		want int
	}{
		"trigger":          {body(r.routingKey, `"event_action":"trigger",`+payload), 202},
		"resolve":          {body(r.routingKey, `"event_action":"resolve"`), 202},
		"another key":      {body("x", `"event_action":"trigger",`+payload), 400},
		"no payload":       {body(r.routingKey, `"event_action":"trigger"`), 400},
		"unknown action":   {body(r.routingKey, `"event_action":"shout",`+payload), 400},
		"unknown severity": {body(r.routingKey, `"event_action":"trigger",`+strings.Replace(payload, "error", "bad", 1)), 400},
		"no JSON":          {"hello", 400},
	} {
		if got := post(t, r.url()+pagerDutyPath, c.body, nil); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	if !r.accepted(receipt{receiverPagerDuty, "inc-1", "trigger"}) || len(r.refused()) != 5 {
		t.Errorf("refused %v", r.refused())
	}
}

func TestWebhookVerifiesItsSignature(t *testing.T) {
	r, err := listen()
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	const body = `{"type":"incident.resolved","data":{"id":"inc-1"}}`
	now := time.Now()
	signature, err := r.verifier.Sign("inc-1-2", now, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{}
	header.Set("webhook-id", "inc-1-2")
	header.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
	header.Set("webhook-signature", signature)
	if got := post(t, r.url()+webhookPath, strings.Replace(body, "inc-1", "inc-2", 1), header); got != 400 {
		t.Errorf("a changed body gives %d", got)
	}
	if got := post(t, r.url()+webhookPath, body, header); got != 202 || !r.accepted(receipt{receiverWebhook, "inc-1", "resolve"}) {
		t.Errorf("a signed body gives %d, refused %v", got, r.refused())
	}
}
