package retrain

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/driftline/driftline/schemas"
)

// kubeflow speaks the v2beta1 API of Kubeflow Pipelines. It has no idempotency
// key: a run of the key's name is looked for first.
type kubeflow struct {
	cfg Kubeflow
	client
}

type kubeflowRun struct {
	DisplayName    string          `json:"display_name"`
	Description    string          `json:"description"`
	ExperimentID   string          `json:"experiment_id,omitempty"`
	Pipeline       kubeflowVersion `json:"pipeline_version_reference"`
	RuntimeConfig  kubeflowRuntime `json:"runtime_config"`
	ServiceAccount string          `json:"service_account,omitempty"`
}

type kubeflowVersion struct {
	PipelineID string `json:"pipeline_id"`
	VersionID  string `json:"pipeline_version_id,omitempty"`
}

type kubeflowRuntime struct {
	Parameters map[string]string `json:"parameters"`
}

// kubeflowFilter is the filter message of the API, as JSON in the query.
type kubeflowFilter struct {
	Predicates []kubeflowPredicate `json:"predicates"`
}

type kubeflowPredicate struct {
	Key         string `json:"key"`
	Operation   string `json:"operation"`
	StringValue string `json:"string_value"`
}

func (k *kubeflow) runs() string { return strings.TrimSuffix(k.cfg.URL, "/") + "/apis/v2beta1/runs" }

func (k *kubeflow) start(ctx context.Context, t *Trigger) (string, error) {
	id, err := k.find(ctx, t.Key)
	if err != nil || id != "" {
		return id, err
	}
	body := kubeflowRun{
		DisplayName: t.Key, Description: t.note(), ExperimentID: k.cfg.Experiment, ServiceAccount: k.cfg.ServiceAccount,
		Pipeline: kubeflowVersion{k.cfg.Pipeline, k.cfg.Version}, RuntimeConfig: kubeflowRuntime{t.parameters()},
	}
	var run struct {
		ID string `json:"run_id"`
	}
	_, err = k.exchange(ctx, http.MethodPost, k.runs(), body, &run)
	return run.ID, err
}

// find the run of a name; empty when there is none.
func (k *kubeflow) find(ctx context.Context, name string) (string, error) {
	filter, err := json.Marshal(kubeflowFilter{[]kubeflowPredicate{{"display_name", "EQUALS", name}}})
	if err != nil {
		return "", err
	}
	query := url.Values{"filter": {string(filter)}, "page_size": {"1"}}
	if k.cfg.Experiment != "" {
		query.Set("experiment_id", k.cfg.Experiment)
	}
	var found struct {
		Runs []struct {
			ID   string `json:"run_id"`
			Name string `json:"display_name"`
		} `json:"runs"`
	}
	if _, err := k.exchange(ctx, http.MethodGet, k.runs()+"?"+query.Encode(), nil, &found); err != nil {
		return "", wrapped("look for the run", err)
	}
	for _, r := range found.Runs {
		if r.Name == name {
			return r.ID, nil
		}
	}
	return "", nil
}

func (k *kubeflow) state(ctx context.Context, _ *Trigger, runID string) (schemas.RunState, string, error) {
	var run struct {
		State string `json:"state"`
	}
	if _, err := k.exchange(ctx, http.MethodGet, k.runs()+"/"+url.PathEscape(runID), nil, &run); err != nil {
		return "", "", err
	}
	switch run.State {
	case "SUCCEEDED", "SKIPPED":
		return schemas.RunSucceeded, run.State, nil
	case "FAILED", "CANCELED":
		return schemas.RunFailed, run.State, nil
	}
	return schemas.RunRunning, run.State, nil
}
