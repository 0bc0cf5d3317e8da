package retrain

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/cenkalti/backoff/v5"

	"github.com/driftline/driftline/alerting"
	"github.com/driftline/driftline/schemas"
)

// target is what differs between the pipelines that train.
type target interface {
	// start the one run of a trigger. Where the pipeline has an idempotency
	// key, a run that is there already is success; where it has none, a run of
	// that name is looked for first. The id is empty where the pipeline names
	// no run. An error that is permanent says that another try cannot help.
	start(ctx context.Context, t *Trigger) (runID string, err error)

	// state of a run; errNotTold where only a callback can tell.
	state(ctx context.Context, t *Trigger, runID string) (schemas.RunState, string, error)
}

// errNotTold says that a pipeline cannot be asked about its runs.
var errNotTold = errors.New("the target cannot be asked; a callback tells")

// client of one target.
type client struct {
	*alerting.Outward
	sign func(req *http.Request, body []byte) error // adds what proves who asks
}

// newTarget makes the protocol of a valid configuration.
func newTarget(cfg Target, version string) (target, *alerting.Outward) {
	outward := alerting.NewOutward(cfg.Timeout, cfg.AllowPrivate, version, cfg.secrets()...)
	c := client{Outward: outward}
	switch {
	case cfg.Airflow != nil:
		return newAirflow(*cfg.Airflow, c), outward
	case cfg.ArgoWorkflows != nil:
		c.sign = bearer(cfg.ArgoWorkflows.Token)
		return &argoWorkflows{*cfg.ArgoWorkflows, c}, outward
	case cfg.ArgoEvents != nil:
		c.sign = bearer(cfg.ArgoEvents.Token)
		return &argoEvents{*cfg.ArgoEvents, c}, outward
	case cfg.Kubeflow != nil:
		c.sign = bearer(cfg.Kubeflow.Token)
		return &kubeflow{*cfg.Kubeflow, c}, outward
	case cfg.GitHub != nil:
		return newGitHub(*cfg.GitHub, c), outward
	case cfg.SageMaker != nil:
		return newSageMaker(*cfg.SageMaker, c), outward
	default:
		return newWebhook(*cfg.Webhook, c), outward
	}
}

// secrets are what no log, error or table may show.
func (t *Target) secrets() []string {
	switch {
	case t.Airflow != nil:
		return append(alerting.AddressSecrets(t.Airflow.URL), t.Airflow.Token.Value(), t.Airflow.Password.Value())
	case t.ArgoWorkflows != nil:
		return append(alerting.AddressSecrets(t.ArgoWorkflows.URL), t.ArgoWorkflows.Token.Value())
	case t.ArgoEvents != nil:
		return append(alerting.AddressSecrets(t.ArgoEvents.URL.Value()), t.ArgoEvents.Token.Value())
	case t.Kubeflow != nil:
		return append(alerting.AddressSecrets(t.Kubeflow.URL), t.Kubeflow.Token.Value())
	case t.GitHub != nil:
		return append(alerting.AddressSecrets(t.GitHub.URL), t.GitHub.Token.Value())
	case t.SageMaker != nil:
		return append(alerting.AddressSecrets(t.SageMaker.URL), t.SageMaker.SecretKey.Value(), t.SageMaker.SessionToken.Value())
	}
	out := alerting.AddressSecrets(t.Webhook.URL.Value())
	for _, s := range t.Webhook.Secrets {
		out = append(out, s.Value())
	}
	return out
}

// bearer proves by a token, if there is one.
func bearer[S interface{ Value() string }](token S) func(*http.Request, []byte) error {
	return func(req *http.Request, _ []byte) error {
		if token.Value() != "" {
			req.Header.Set("Authorization", "Bearer "+token.Value())
		}
		return nil
	}
}

// exchange sends body as JSON, nothing when it is nil, and reads a 2xx answer
// into out, which may be nil.
func (c *client) exchange(ctx context.Context, method, url string, body, out any) (status int, err error) {
	var payload []byte
	if body != nil {
		if payload, err = json.Marshal(body); err != nil {
			return 0, backoff.Permanent(fmt.Errorf("encode request: %w", err))
		}
	}
	return c.send(ctx, method, url, "application/json", payload, out)
}

func (c *client) send(ctx context.Context, method, url, contentType string, payload []byte, out any, headers ...string) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(payload))
	if err != nil {
		return 0, backoff.Permanent(errors.New("the target's address cannot be used"))
	}
	req.Header.Set("Accept", "application/json")
	if payload != nil {
		req.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	if c.sign != nil {
		if err := c.sign(req, payload); err != nil {
			return 0, err
		}
	}
	status, answer, err := c.Do(ctx, req)
	if err != nil || out == nil {
		return status, err
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return status, fmt.Errorf("read the target's answer: %w", err)
	}
	return status, nil
}
