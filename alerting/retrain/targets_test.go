package retrain

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/driftline/driftline/internal/config"
	"github.com/driftline/driftline/schemas"
)

// pipeline is a target with the server that stands for it.
type pipeline struct {
	name       string
	server     *orchestrator
	target     func(url string) Target
	parameters map[string]string
	good, poor string // words for a run that went well, and one that did not; empty where it cannot be asked
}

func pipelines() []pipeline {
	some := map[string]string{"data": "{dataset_uri}", "rows": "n={dataset_rows}"}
	return []pipeline{
		{"airflow 2", airflowRules(2, true), func(url string) Target {
			return Target{Airflow: &Airflow{URL: url, Version: 2, DAG: "retrain_credit", Username: "driftline", Password: "airflow-password"}}
		}, nil, "success", "failed"},
		{"airflow 2 with a token", airflowRules(2, false), func(url string) Target {
			return Target{Airflow: &Airflow{URL: url, Version: 2, DAG: "retrain_credit", Token: secretToken}}
		}, nil, "success", "failed"},
		{"airflow 3", airflowRules(3, false), func(url string) Target {
			return Target{Airflow: &Airflow{URL: url + "/", Version: 3, DAG: "retrain_credit", Token: secretToken}}
		}, nil, "success", "failed"},
		{"airflow 3 with a password", airflowRules(3, true), func(url string) Target {
			return Target{Airflow: &Airflow{URL: url, Version: 3, DAG: "retrain_credit", Username: "driftline", Password: "airflow-password"}}
		}, nil, "success", "failed"},
		{"argo workflows", argoRules(), func(url string) Target {
			return Target{ArgoWorkflows: &ArgoWorkflows{URL: url, Namespace: "ml", Template: "retrain", Token: secretToken}}
		}, nil, "Succeeded", "Error"},
		{"argo events", argoEventsRules(), func(url string) Target {
			return Target{ArgoEvents: &ArgoEvents{URL: config.Secret(url + "/retrain"), Token: secretToken}}
		}, nil, "", ""},
		{"kubeflow", kubeflowRules(), func(url string) Target {
			return Target{Kubeflow: &Kubeflow{URL: url + "/pipeline", Pipeline: "p-1", Version: "v-1", Experiment: "e-1", Token: secretToken}}
		}, some, "SUCCEEDED", "FAILED"},
		{"github repository_dispatch", gitHubRules(), func(url string) Target {
			return Target{GitHub: &GitHub{URL: url, Repository: "acme/models", Event: "retrain", Ref: "main", Token: secretToken}}
		}, nil, "completed success", "completed cancelled"},
		{"github workflow_dispatch", gitHubRules(), func(url string) Target {
			return Target{GitHub: &GitHub{URL: url, Repository: "acme/models", Workflow: "retrain.yml", Ref: "main", Token: secretToken}}
		}, map[string]string{"data": "{dataset_uri}"}, "completed success", "completed failure"},
		{"sagemaker", sageMakerRules(), func(url string) Target {
			return Target{SageMaker: &SageMaker{URL: url, Region: "eu-central-1", Pipeline: "retrain", AccessKey: "AKID", SecretKey: "secret-of-the-tests"}}
		}, nil, "Succeeded", "Stopped"},
		{"webhook", webhookRules(false), func(url string) Target {
			return Target{Webhook: &Webhook{URL: config.Secret(url), Secrets: []config.Secret{webhookSecret}}}
		}, nil, "", ""},
		{"cloudevents", webhookRules(true), func(url string) Target {
			return Target{Webhook: &Webhook{URL: config.Secret(url), Secrets: []config.Secret{webhookSecret}, CloudEvents: true}}
		}, nil, "", ""},
	}
}

// listening gives the target's configuration once its server listens.
func (p *pipeline) listening(t *testing.T) Target {
	orchestrate(t, p.server)
	out := p.target(p.server.URL)
	out.Name, out.AllowPrivate, out.Timeout = "pipeline", true, 10*time.Second
	return out
}

func (p *pipeline) rig(t *testing.T) *rig {
	r := newRig(t, p.listening(t), func(c *Config) { c.Models[0].Parameters = p.parameters })
	r.store.ready(incident(incidentID, schemas.CauseData))
	return r
}

// each runs a test for every target.
func each(t *testing.T, f func(t *testing.T, p *pipeline, r *rig)) {
	for _, p := range pipelines() {
		t.Run(p.name, func(t *testing.T) { f(t, &p, p.rig(t)) })
	}
}

func TestEveryTargetTakesWhatIsSent(t *testing.T) {
	each(t, func(t *testing.T, p *pipeline, r *rig) {
		r.round(t)
		row := r.row(t, incidentID)
		equal(t, "state", row.State, schemas.RetrainingRunning)
		equal(t, "error", row.Error, "")
		if runs := p.server.begun(); len(runs) != 1 || runs[0] != row.Key {
			t.Errorf("runs %q, want one of %s; refused: %q", runs, row.Key, p.server.faults())
		}
		if p.name != "airflow 3 with a password" && len(p.server.faults()) > 0 {
			t.Errorf("refused: %q", p.server.faults())
		}
		r.round(t)
		r.round(t)
		equal(t, "runs after more rounds", len(p.server.begun()), 1)
	})
}

// The connection breaks after the run began: the same key goes again, and one
// run is there.
func TestLostAnswerMakesOneRun(t *testing.T) {
	each(t, func(t *testing.T, p *pipeline, r *rig) {
		p.server.lost = 1
		r.round(t)
		equal(t, "state", r.row(t, incidentID).State, schemas.RetrainingSending)
		if r.row(t, incidentID).Error == "" {
			t.Error("no error is noted")
		}
		r.round(t) // too early for another try
		equal(t, "attempts", r.row(t, incidentID).Attempts, 1)
		r.pass(time.Minute)
		r.round(t)
		equal(t, "state", r.row(t, incidentID).State, schemas.RetrainingRunning)
		equal(t, "runs", len(p.server.begun()), 1)
	})
}

// The process dies between the run's begin and its note, and at every other
// call of the store: whoever goes on ends with one run.
func TestCrashAtEveryStepMakesOneRun(t *testing.T) {
	for _, p := range pipelines() {
		if !slices.Contains([]string{"airflow 3", "kubeflow", "github repository_dispatch", "webhook"}, p.name) {
			continue // the steps are the same: a conflict, two that are looked for, and one that nobody can ask
		}
		t.Run(p.name, func(t *testing.T) {
			target, crashes := p.listening(t), 0
			parameters := func(c *Config) { c.Models[0].Parameters = p.parameters }
			for at := 1; ; at++ {
				store, dataset := newMemory(), t.TempDir()
				store.ready(incident(incidentID, schemas.CauseData))
				same := func(c *Config) { c.Dataset.Path = dataset }
				p.server.mu.Lock()
				p.server.runs = nil
				p.server.mu.Unlock()
				dead := false
				store.fail = func(call int, _ string) error {
					if dead = dead || call == at; dead {
						return errAway // from its death on a process does nothing
					}
					return nil
				}
				first := newRigOn(t, store, target, parameters, same)
				_ = first.Round(t.Context())
				first.Wait()
				store.Lock()
				died := dead
				store.fail = nil
				store.Unlock()
				next := newRigOn(t, store, target, parameters, same)
				next.pass(time.Minute)
				next.round(t)
				equal(t, fmt.Sprintf("state after a crash at call %d", at), next.row(t, incidentID).State, schemas.RetrainingRunning)
				equal(t, fmt.Sprintf("runs after a crash at call %d", at), len(p.server.begun()), 1)
				if !died {
					break
				}
				crashes++
			}
			if crashes < 10 {
				t.Errorf("only %d steps to crash at", crashes)
			}
		})
	}
}

func TestRunStates(t *testing.T) {
	each(t, func(t *testing.T, p *pipeline, r *rig) {
		r.round(t)
		if p.good == "" {
			return
		}
		p.server.stands(p.good)
		r.round(t)
		equal(t, "state after "+p.good, r.row(t, incidentID).State, schemas.RetrainingTrained)
	})
	each(t, func(t *testing.T, p *pipeline, r *rig) {
		r.round(t)
		if p.poor == "" {
			return
		}
		p.server.stands(p.poor)
		r.round(t)
		row := r.row(t, incidentID)
		if row.State != schemas.RetrainingEscalated || row.Reason != "run_failed" || len(r.told) != 1 || r.told[0].ID != incidentID+TellSuffix {
			t.Errorf("after %s: %s %s, told %+v", p.poor, row.State, row.Reason, r.told)
		}
	})
}

// fails answers with a status.
func fails(status int, retryAfter, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func TestErrorsAreClassified(t *testing.T) {
	each(t, func(t *testing.T, p *pipeline, r *rig) {
		for _, status := range []int{429, 500, 502, 503, 408} {
			p.server.script = append(p.server.script, fails(status, "", "later"))
			r.round(t)
			equal(t, fmt.Sprint("state after ", status), r.row(t, incidentID).State, schemas.RetrainingSending)
			r.pass(6 * time.Minute)
		}
		own := strings.Join(r.cfg.Targets[0].secrets(), " ")
		p.server.script = append(p.server.script, fails(403, "", "forbidden for "+own))
		r.round(t)
		row := r.row(t, incidentID)
		if row.State != schemas.RetrainingEscalated || row.Reason != "refused" || !strings.Contains(row.Detail, "403") || len(p.server.begun()) != 0 {
			t.Errorf("after 403: %+v", row)
		}
		for _, secret := range r.cfg.Targets[0].secrets() {
			if len(secret) > 5 && strings.Contains(row.Detail+r.told[0].Title, secret) {
				t.Errorf("the secret %q shows: %s", secret, row.Detail)
			}
		}
	})
}

func TestRetryAfterIsHonoured(t *testing.T) {
	p := pipelines()[2]
	r := p.rig(t)
	p.server.script = []http.HandlerFunc{fails(429, "600", "")}
	r.round(t)
	r.pass(10*time.Minute - time.Second)
	r.round(t)
	equal(t, "runs before the time", len(p.server.begun()), 0)
	r.pass(time.Second)
	r.round(t)
	equal(t, "runs after it", len(p.server.begun()), 1)
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	elsewhere := orchestrate(t, webhookRules(false))
	each(t, func(t *testing.T, p *pipeline, r *rig) {
		p.server.script = []http.HandlerFunc{func(w http.ResponseWriter, req *http.Request) {
			http.Redirect(w, req, elsewhere.URL, http.StatusTemporaryRedirect)
		}}
		r.round(t)
		equal(t, "state", r.row(t, incidentID).State, schemas.RetrainingSending)
		equal(t, "requests elsewhere", len(elsewhere.begun())+len(elsewhere.faults()), 0)
	})
}

func TestPrivateAddressesAreRefused(t *testing.T) {
	for _, p := range pipelines() {
		cfg := p.listening(t)
		cfg.AllowPrivate = false
		target, out := newTarget(cfg, "dev")
		_, err := target.start(context.Background(), &Trigger{Key: "k", Requested: noon, Parameters: p.parameters})
		permanent := (*backoff.PermanentError)(nil)
		if err == nil || !strings.Contains(err.Error(), "not public") || !errors.As(err, &permanent) {
			t.Errorf("%s: a private address gives %v", p.name, err)
		}
		out.Close()
	}
}

// SageMaker says with status 400 that it is busy.
func TestSageMakerThrottlingPasses(t *testing.T) {
	for _, p := range pipelines() {
		if p.name != "sagemaker" {
			continue
		}
		r := p.rig(t)
		p.server.script = []http.HandlerFunc{fails(400, "", `{"__type":"ThrottlingException","message":"Rate exceeded"}`)}
		r.round(t)
		equal(t, "state", r.row(t, incidentID).State, schemas.RetrainingSending)
		r.pass(time.Minute)
		r.round(t)
		equal(t, "state", r.row(t, incidentID).State, schemas.RetrainingRunning)
	}
}

func TestParameters(t *testing.T) {
	trigger := Trigger{Key: "k", Tenant: "default", Model: "credit", Versions: []string{"v1"}, DatasetURI: "s3://b/x", Rows: 7, Window: schemas.Span{Start: noon, End: noon}}
	all := trigger.parameters()
	equal(t, "names", len(all), len(fieldNames))
	for _, name := range fieldNames {
		if _, there := all[name]; !there {
			t.Errorf("no %s", name)
		}
	}
	trigger.Parameters = map[string]string{"input": "--data={dataset_uri} --rows={dataset_rows}", "plain": "{}{x}$HOME"}
	equal(t, "filled in", trigger.parameters()["input"], "--data=s3://b/x --rows=7")
	equal(t, "else nothing is", trigger.parameters()["plain"], "{}$HOME")
}
