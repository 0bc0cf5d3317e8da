package retrain

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/driftline/driftline/internal/config"
	"github.com/driftline/driftline/schemas"
)

const otherSecret config.Secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"

// told posts a signed callback and gives the status.
func told(t *testing.T, url string, secret config.Secret, at time.Time, body string, edits ...func(*http.Request)) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+CallbackPath, strings.NewReader(body))
	check(t, err)
	signer, err := standardwebhooks.NewWebhook(secret.Value())
	check(t, err)
	signature, err := signer.Sign("msg-1", at, []byte(body))
	check(t, err)
	req.Header.Set("webhook-id", "msg-1")
	req.Header.Set("webhook-timestamp", strconv.FormatInt(at.Unix(), 10))
	req.Header.Set("webhook-signature", signature)
	for _, edit := range edits {
		edit(req)
	}
	resp, err := http.DefaultClient.Do(req)
	check(t, err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	check(t, err)
	if strings.Contains(string(text), secret.Value()) {
		t.Errorf("the secret shows in %s", text)
	}
	return resp.StatusCode
}

func TestCallbacks(t *testing.T) {
	store := newMemory()
	row := retraining()
	row.Revision, row.State, row.Target = 1, schemas.RetrainingRunning, "hook"
	check(t, store.PutRetraining(t.Context(), *row))
	undecided := *row
	undecided.IncidentID, undecided.Key, undecided.DecidedAt = "inc-undecided000", "driftline-undecided", nil
	check(t, store.PutRetraining(t.Context(), undecided))
	s, err := ListenForCallbacks(Callback{Listen: "127.0.0.1:0", Secrets: []config.Secret{webhookSecret, otherSecret}}, store, slog.New(slog.DiscardHandler), metrics.NewSet())
	check(t, err)
	t.Cleanup(s.Close)
	url, now := "http://"+s.Addr(), time.Now()
	good := `{"key":"` + row.Key + `","state":"succeeded","version":"v3","run_id":"7","message":"done"}`

	for _, c := range []struct {
		name   string
		status int
		secret config.Secret
		at     time.Time
		body   string
		edit   func(*http.Request)
	}{
		{"taken", 202, webhookSecret, now, good, nil},
		{"the secret before a rotation", 202, otherSecret, now, good, nil},
		{"forged", 401, "whsec_" + config.Secret(strings.Repeat("QUJD", 8)), now, good, nil},
		{"replayed later", 401, webhookSecret, now.Add(-6 * time.Minute), good, nil},
		{"from the future", 401, webhookSecret, now.Add(6 * time.Minute), good, nil},
		{"another body", 401, webhookSecret, now, good, func(r *http.Request) {
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(good+" ")), int64(len(good)+1)
		}},
		{"another id", 401, webhookSecret, now, good, func(r *http.Request) { r.Header.Set("webhook-id", "msg-2") }},
		{"unsigned", 401, webhookSecret, now, good, func(r *http.Request) { r.Header.Del("webhook-signature") }},
		{"unknown key", 404, webhookSecret, now, `{"key":"driftline-nobody","state":"failed"}`, nil},
		{"not decided", 404, webhookSecret, now, `{"key":"driftline-undecided","state":"failed"}`, nil},
		{"no JSON", 400, webhookSecret, now, `key=x`, nil},
		{"misspelt", 400, webhookSecret, now, `{"key":"` + row.Key + `","status":"failed"}`, nil},
		{"unknown state", 400, webhookSecret, now, `{"key":"` + row.Key + `","state":"recovered"}`, nil},
		{"two values", 400, webhookSecret, now, good + good, nil},
		{"long message", 400, webhookSecret, now, `{"key":"` + row.Key + `","state":"failed","message":"` + strings.Repeat("x", 2001) + `"}`, nil},
		{"oversized", 413, webhookSecret, now, `{"key":"` + strings.Repeat("x", maxCallback) + `"}`, nil},
		{"elsewhere", 404, webhookSecret, now, good, func(r *http.Request) { r.URL.Path = "/" }},
		{"not posted", 405, webhookSecret, now, good, func(r *http.Request) { r.Method = http.MethodPut }},
	} {
		before := len(store.log)
		edit := c.edit
		if edit == nil {
			edit = func(*http.Request) {}
		}
		equal(t, c.name, told(t, url, c.secret, c.at, c.body, edit), c.status)
		equal(t, c.name+": entries", len(store.log)-before, map[bool]int{true: 1}[c.status == 202])
	}
	e := store.log[0]
	if e.Kind != schemas.RetrainingCallback || e.State != "succeeded" || e.Version != "v3" || e.Actor != "hook" || e.Tenant != "default" || e.IncidentID != incidentID {
		t.Errorf("entry %+v", e)
	}
	store.fail = func(int, string) error { return errAway }
	equal(t, "status without a store", told(t, url, webhookSecret, now, good), 503)
}

func FuzzParseTold(f *testing.F) {
	f.Add([]byte(`{"key":"driftline-x","state":"succeeded","version":"v3","run_id":"7","message":"done"}`))
	f.Add([]byte(`{"key":"k","state":"failed"} {}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		told, err := ParseTold(body)
		if err != nil {
			return
		}
		if told.Key == "" || len(told.Key) > maxToldName || len(told.Message) > maxToldMessage {
			t.Errorf("%+v is taken", told)
		}
		again, err := json.Marshal(told)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := ParseTold(again); err != nil || back != told {
			t.Errorf("%+v becomes %+v: %v", told, back, err)
		}
	})
}

// No header or body that is not signed with the secret is taken, and none
// brings the server down.
func FuzzCallback(f *testing.F) {
	f.Add("msg-1", "1700000000", "v1,abc", []byte(`{"key":"k","state":"failed"}`))
	f.Add("", "x", "v1,", []byte(nil))
	s := newCallbackServer(Callback{Secrets: []config.Secret{webhookSecret}}, newMemory(), slog.New(slog.DiscardHandler), metrics.NewSet())
	f.Fuzz(func(t *testing.T, id, at, signature string, body []byte) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://x"+CallbackPath, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header["Webhook-Id"], req.Header["Webhook-Timestamp"], req.Header["Webhook-Signature"] = []string{id}, []string{at}, []string{signature}
		if status, err := s.take(discard{}, req); err == nil || status < 400 {
			t.Errorf("status %d", status)
		}
	})
}

type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}
