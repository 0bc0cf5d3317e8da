package retrain

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/driftline/driftline/internal/config"
	"github.com/driftline/driftline/schemas"
)

// GitHub's limits: of event_type, of the top-level keys of a client_payload
// and of the inputs of a workflow_dispatch.
const (
	maxGitHubEvent  = 100
	maxGitHubInputs = 25
)

// gitHub dispatches a workflow. It has no idempotency key: the workflow's
// run-name must hold the key (docs/retraining.md), and a run of that name is
// looked for first and asked about later.
type gitHub struct {
	cfg GitHub
	client
}

// gitHubEvent puts everything under one key of its payload, which may have no
// more than ten.
type gitHubEvent struct {
	EventType     string        `json:"event_type"`
	ClientPayload gitHubPayload `json:"client_payload"`
}

type gitHubPayload struct {
	Key       string            `json:"key"`
	Driftline map[string]string `json:"driftline"`
}

type gitHubDispatch struct {
	Ref    string            `json:"ref"`
	Inputs map[string]string `json:"inputs"`
}

func newGitHub(cfg GitHub, c client) *gitHub {
	c.sign = func(req *http.Request, _ []byte) error {
		req.Header.Set("Accept", "application/vnd.github+json")
		req.Header.Set("X-GitHub-Api-Version", "2022-11-28")
		return bearer[config.Secret](cfg.Token)(req, nil)
	}
	return &gitHub{cfg, c}
}

func (g *gitHub) repository() string {
	return strings.TrimSuffix(g.cfg.URL, "/") + "/repos/" + g.cfg.Repository
}

func (g *gitHub) start(ctx context.Context, t *Trigger) (string, error) {
	run, err := g.find(ctx, t)
	if err != nil || run != nil {
		return run.id(), err
	}
	if g.cfg.Event != "" {
		body := gitHubEvent{g.cfg.Event, gitHubPayload{t.Key, t.parameters()}}
		_, err = g.exchange(ctx, http.MethodPost, g.repository()+"/dispatches", body, nil)
		return "", err
	}
	inputs := t.parameters()
	if inputs["key"] = t.Key; len(inputs) > maxGitHubInputs {
		return "", backoff.Permanent(fmt.Errorf("%d inputs; GitHub takes %d: give fewer in retraining.models[].parameters", len(inputs), maxGitHubInputs))
	}
	_, err = g.exchange(ctx, http.MethodPost, g.repository()+"/actions/workflows/"+url.PathEscape(g.cfg.Workflow)+"/dispatches", gitHubDispatch{g.cfg.Ref, inputs}, nil)
	return "", err
}

type gitHubRun struct {
	ID         int64  `json:"id"`
	Title      string `json:"display_title"`
	Status     string `json:"status"`
	Conclusion string `json:"conclusion"`
}

func (r *gitHubRun) id() string {
	if r == nil {
		return ""
	}
	return strconv.FormatInt(r.ID, 10)
}

// find the run whose name holds the key, among those begun since it was
// requested; nil when there is none.
func (g *gitHub) find(ctx context.Context, t *Trigger) (*gitHubRun, error) {
	event := "repository_dispatch"
	if g.cfg.Workflow != "" {
		event = "workflow_dispatch"
	}
	query := url.Values{"event": {event}, "per_page": {"100"}, "created": {">=" + t.Requested.Add(-time.Minute).UTC().Format(time.RFC3339)}}
	var found struct {
		Runs []gitHubRun `json:"workflow_runs"`
	}
	if _, err := g.exchange(ctx, http.MethodGet, g.repository()+"/actions/runs?"+query.Encode(), nil, &found); err != nil {
		return nil, wrapped("look for the run", err)
	}
	for i := range found.Runs {
		if strings.Contains(found.Runs[i].Title, t.Key) {
			return &found.Runs[i], nil
		}
	}
	return nil, nil
}

func (g *gitHub) state(ctx context.Context, t *Trigger, _ string) (schemas.RunState, string, error) {
	run, err := g.find(ctx, t)
	switch {
	case err != nil:
		return "", "", err
	case run == nil:
		return schemas.RunRunning, "no run has the key in its name yet", nil
	case run.Status != "completed":
		return schemas.RunRunning, run.Status, nil
	case run.Conclusion == "success":
		return schemas.RunSucceeded, run.Conclusion, nil
	}
	return schemas.RunFailed, run.Conclusion, nil
}
