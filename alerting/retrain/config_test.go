package retrain

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/driftline/driftline/internal/config"
)

// A configuration as a user writes it: secrets from files, the rest by default.
func TestLoadFromYAML(t *testing.T) {
	dir := t.TempDir()
	check(t, os.WriteFile(filepath.Join(dir, "token"), []byte("a-token\n"), 0o600))
	cfg := DefaultConfig()
	check(t, config.Parse(filepath.Join(dir, "driftline.yaml"), []byte(`
dataset:
  s3: {bucket: feedback, access_key: AKID, secret_key: secret}
targets:
  - name: airflow
    airflow: {url: https://airflow.example.com, dag: retrain_credit, token_file: token}
  - name: actions
    github: {repository: acme/models, event: retrain, token_file: token}
models:
  - name: credit
    target: airflow
    persist: 12h
    approval: true
    parameters: {data: "{dataset_uri}"}
`), &cfg))
	m, a := cfg.Models[0], cfg.Targets[0]
	equal(t, "token", a.Airflow.Token.Value(), "a-token")
	equal(t, "version by default", a.Airflow.Version, 3)
	equal(t, "persist", m.Persist, 12*time.Hour)
	equal(t, "min_labelled_rows by default", m.MinLabelledRows, 1000)
	equal(t, "endpoint by default", cfg.Dataset.S3.Endpoint, "https://s3.amazonaws.com")
	equal(t, "API of GitHub by default", cfg.Targets[1].GitHub.URL, "https://api.github.com")
}

func TestDefaultIsValid(t *testing.T) { check(t, DefaultConfig().Validate()) }

func TestValidateReportsEveryMistake(t *testing.T) {
	var target Target
	target.SetDefaults()
	target.Name = "a b"
	both := target
	both.Airflow, both.GitHub = &Airflow{URL: "http://10.0.0.1", Version: 4, DAG: "a/b"}, &GitHub{URL: "https://api.github.com", Repository: "models", Event: strings.Repeat("e", 101), Workflow: "../x"}
	cfg := Config{
		Targets: []Target{
			target, both,
			{Name: "argo", ArgoWorkflows: &ArgoWorkflows{URL: "https://argo", Namespace: "Ml", Template: ""}},
			{Name: "kf", Kubeflow: &Kubeflow{URL: "ftp://x"}},
			{Name: "sm", SageMaker: &SageMaker{Region: "EU"}},
			{Name: "hook", Webhook: &Webhook{URL: "https://x"}},
			{Name: "events", ArgoEvents: &ArgoEvents{}},
		},
		Models:   []Model{{Name: "credit", Target: "nobody", MinConfidence: 2, Parameters: map[string]string{"x": "{dataset}"}}, {Name: "credit", Target: "kf"}},
		Dataset:  Dataset{},
		Callback: Callback{Listen: "9465", Secrets: nil},
	}
	err := cfg.Validate()
	for _, fault := range []string{
		"every: is 0s", `targets[0].name: is "a b"`, "targets[0]: give exactly one of", "targets[1]: give exactly one of", `targets[1].name: "a b" is given twice`,
		"targets[1].airflow.url: is not encrypted", "targets[1].airflow.version: is 4", "targets[1].airflow.dag", "targets[1].airflow: give token, or username and password",
		"targets[1].github.repository", "targets[1].github: give exactly one of event and workflow", "targets[1].github.event: has 101", "targets[1].github.workflow", "targets[1].github.token",
		"targets[2].argo_workflows.namespace", "targets[2].argo_workflows.template", "targets[2].timeout", "targets[3].kubeflow.url", "targets[3].kubeflow.pipeline",
		"targets[4].sagemaker.region", "targets[4].sagemaker.pipeline", "targets[4].sagemaker: access_key", "targets[5].webhook.secrets: is empty", "targets[6].argo_events.url",
		`models[0].target: unknown target "nobody"`, "models[0].min_confidence", "models[0].parameters.x: unknown name {dataset}; known: key, tenant", "models[0].max_window", "models[0].budget",
		"models[0].min_labelled_rows", "models[1].name: model default/credit is given twice", "dataset: is missing", "callback.listen", "callback.secrets: is empty",
	} {
		if !strings.Contains(fmt.Sprint(err), fault) {
			t.Errorf("%q is not reported in\n%v", fault, err)
		}
	}
	if _, e := New(cfg, newMemory(), Options{}); e == nil {
		t.Error("New takes an invalid configuration")
	}
}
