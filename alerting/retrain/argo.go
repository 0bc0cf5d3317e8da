package retrain

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/driftline/driftline/schemas"
)

// wrapped says what was being done; a permanent error stays one.
func wrapped(what string, err error) error { return fmt.Errorf("%s: %w", what, err) }

// argoWorkflows submits from a template, under the key as the workflow's name:
// names are unique within a namespace.
type argoWorkflows struct {
	cfg ArgoWorkflows
	client
}

type argoSubmit struct {
	Namespace     string      `json:"namespace"`
	ResourceKind  string      `json:"resourceKind"`
	ResourceName  string      `json:"resourceName"`
	SubmitOptions argoOptions `json:"submitOptions"`
}

type argoOptions struct {
	Name       string   `json:"name"`
	Labels     string   `json:"labels"`
	Parameters []string `json:"parameters"`
}

func (a *argoWorkflows) workflows() string {
	return strings.TrimSuffix(a.cfg.URL, "/") + "/api/v1/workflows/" + url.PathEscape(a.cfg.Namespace)
}

func (a *argoWorkflows) start(ctx context.Context, t *Trigger) (string, error) {
	kind := "WorkflowTemplate"
	if a.cfg.Cluster {
		kind = "ClusterWorkflowTemplate"
	}
	body := argoSubmit{a.cfg.Namespace, kind, a.cfg.Template, argoOptions{Name: t.Key, Labels: "app.kubernetes.io/managed-by=driftline"}}
	for _, p := range t.pairs() {
		body.SubmitOptions.Parameters = append(body.SubmitOptions.Parameters, p[0]+"="+p[1])
	}
	status, err := a.exchange(ctx, http.MethodPost, a.workflows()+"/submit", body, nil)
	if err != nil && status != http.StatusConflict {
		return "", err
	}
	return t.Key, nil
}

func (a *argoWorkflows) state(ctx context.Context, _ *Trigger, runID string) (schemas.RunState, string, error) {
	var workflow struct {
		Status struct {
			Phase   string `json:"phase"`
			Message string `json:"message"`
		} `json:"status"`
	}
	if _, err := a.exchange(ctx, http.MethodGet, a.workflows()+"/"+url.PathEscape(runID)+"?fields=status.phase,status.message", nil, &workflow); err != nil {
		return "", "", err
	}
	said := strings.TrimSpace(workflow.Status.Phase + " " + workflow.Status.Message)
	switch workflow.Status.Phase {
	case "Succeeded":
		return schemas.RunSucceeded, said, nil
	case "Failed", "Error":
		return schemas.RunFailed, said, nil
	}
	return schemas.RunRunning, said, nil
}

// argoEvents posts to a webhook event source. It has no idempotency key: the
// sensor names the workflow by body.key, so that a second event makes no
// second run (docs/retraining.md).
type argoEvents struct {
	cfg ArgoEvents
	client
}

func (a *argoEvents) start(ctx context.Context, t *Trigger) (string, error) {
	parameters := t.parameters()
	parameters["key"] = t.Key
	_, err := a.exchange(ctx, http.MethodPost, a.cfg.URL.Value(), parameters, nil)
	return "", err
}

func (a *argoEvents) state(context.Context, *Trigger, string) (schemas.RunState, string, error) {
	return "", "", errNotTold
}
