package demo

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// Names of the receivers in the configuration, and their paths.
const (
	receiverPagerDuty = "pagerduty"
	receiverWebhook   = "webhook"
	pagerDutyPath     = "/v2/enqueue"
	webhookPath       = "/driftline"
)

var receiverNames = []string{receiverPagerDuty, receiverWebhook}

const maxBody = 1 << 20

// receivers are the two ends of alerting: a PagerDuty of our own and a signed
// webhook, real servers on loopback that check what they get.
type receivers struct {
	routingKey, secret string
	verifier           *standardwebhooks.Webhook
	listener           net.Listener
	server             *http.Server
	done               chan struct{}

	got struct {
		sync.Mutex
		accepted map[receipt]bool
		refused  []string       // why
		runs     map[string]int // of the training pipeline, by incident
	}
}

// receipt is a revision of an incident that a receiver accepted. PagerDuty is
// not told the revision of a resolve.
type receipt struct {
	receiver, incident, action string
}

func listen() (*receivers, error) {
	key := make([]byte, 16)
	_, _ = rand.Read(key) // never fails
	r := &receivers{routingKey: hex.EncodeToString(key), secret: secret(32), done: make(chan struct{})}
	r.got.accepted, r.got.runs = map[receipt]bool{}, map[string]int{}
	var err error
	if r.verifier, err = standardwebhooks.NewWebhook(r.secret); err != nil {
		return nil, fmt.Errorf("make webhook verifier: %w", err)
	}
	if r.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("open receivers: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+pagerDutyPath, r.handle(receiverPagerDuty, r.pagerDuty))
	mux.HandleFunc("POST "+webhookPath, r.handle(receiverWebhook, r.webhook))
	mux.HandleFunc("POST "+retrainPath, r.handle(receiverRetrain, r.retraining))
	r.server = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		defer close(r.done)
		_ = r.server.Serve(r.listener) // ends with close
	}()
	return r, nil
}

func (r *receivers) close() {
	_ = r.server.Close()
	<-r.done
}

func (r *receivers) url() string { return "http://" + r.listener.Addr().String() }

func (r *receivers) addresses() map[string]string {
	return map[string]string{receiverPagerDuty: r.url() + pagerDutyPath, receiverWebhook: r.url() + webhookPath}
}

// accepted tells whether a receiver took a revision and found it correct.
func (r *receivers) accepted(want receipt) bool {
	r.got.Lock()
	defer r.got.Unlock()
	return r.got.accepted[want]
}

// refused is why bodies were refused, in their order.
func (r *receivers) refused() []string {
	r.got.Lock()
	defer r.got.Unlock()
	return append([]string{}, r.got.refused...)
}

// handle answers 202 to what check accepts and 400 to all else.
func (r *receivers) handle(name string, check func(http.Header, []byte) (receipt, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody))
		var got receipt
		if err == nil {
			got, err = check(req.Header, body)
		}
		got.receiver = name
		r.got.Lock()
		defer r.got.Unlock()
		if err != nil {
			r.got.refused = append(r.got.refused, name+": "+err.Error())
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.got.accepted[got] = true
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{"status":"success","message":"Event processed"}`)
	}
}

// pagerDuty checks what the Events API v2 requires.
func (r *receivers) pagerDuty(_ http.Header, body []byte) (receipt, error) {
	var e struct {
		RoutingKey string `json:"routing_key"`
		Action     string `json:"event_action"`
		DedupKey   string `json:"dedup_key"`
		Payload    *struct{ Summary, Source, Severity string }
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return receipt{}, fmt.Errorf("read body: %w", err)
	}
	got := receipt{incident: e.DedupKey, action: e.Action}
	switch {
	case e.RoutingKey != r.routingKey:
		return got, errors.New("another routing_key")
	case e.DedupKey == "":
		return got, errors.New("no dedup_key")
	case e.Action == "resolve", e.Action == "acknowledge":
		return got, nil
	case e.Action != "trigger":
		return got, fmt.Errorf("event_action is %q", e.Action)
	case e.Payload == nil || e.Payload.Summary == "" || e.Payload.Source == "":
		return got, errors.New("payload lacks summary or source")
	case !strings.Contains(" info warning error critical ", " "+e.Payload.Severity+" "):
		return got, fmt.Errorf("payload.severity is %q", e.Payload.Severity)
	}
	return got, nil
}

// webhook checks the signature and that the body says what it is about.
func (r *receivers) webhook(header http.Header, body []byte) (receipt, error) {
	if err := r.verifier.Verify(body, header); err != nil {
		return receipt{}, fmt.Errorf("verify signature: %w", err)
	}
	var e struct {
		Type string
		Data struct{ ID string }
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return receipt{}, fmt.Errorf("read body: %w", err)
	}
	if e.Data.ID == "" {
		return receipt{}, errors.New("data.id is missing")
	}
	action := "trigger"
	if e.Type == "incident.resolved" {
		action = "resolve"
	}
	return receipt{incident: e.Data.ID, action: action}, nil
}
