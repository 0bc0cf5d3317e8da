package retrain

import (
	_ "embed"
	"time"

	"github.com/driftline/driftline/internal/config"
	"github.com/driftline/driftline/schemas"
)

// ConfigSource is the Go source of Config, from which its manual is made.
//
//go:embed config.go
var ConfigSource string

// Config of retraining: nothing is triggered for models that are not listed.
type Config struct {
	Every    time.Duration `yaml:"every"`    // how often open incidents and runs under way are looked at. Default 30s
	Models   []Model       `yaml:"models"`   // models that may be trained again
	Targets  []Target      `yaml:"targets"`  // pipelines that train
	Dataset  Dataset       `yaml:"dataset"`  // where feedback data sets go. Required when models are listed
	Callback Callback      `yaml:"callback"` // where pipelines tell how their runs go
}

// Model is a model that may be trained again, and the rules for it. Times are
// by the wall clock except persist, max_window and verify_for, which are event
// time.
type Model struct {
	Tenant          string            `yaml:"tenant"`            // owner of the model. Default "default"
	Name            string            `yaml:"name"`              // of the model, as in its events. Required
	Target          string            `yaml:"target"`            // name of the target that trains it. Required
	Parameters      map[string]string `yaml:"parameters"`        // what the pipeline is given, by its own names; {dataset_uri} and the other names of docs/retraining.md in braces are filled in. Default empty, which gives all of them under their own names
	DryRun          bool              `yaml:"dry_run"`           // decide and write it down, but trigger nothing. Default false
	Approval        bool              `yaml:"approval"`          // wait until a person approves (driftline retrain approve). Default false
	ApprovalWithin  time.Duration     `yaml:"approval_within"`   // how long an approval is waited for. Default 72h
	DiagnosisWithin time.Duration     `yaml:"diagnosis_within"`  // how long a diagnosis is waited for; without one nothing is triggered. Default 1h
	MinConfidence   float64           `yaml:"min_confidence"`    // of the diagnosis in its first cause, 0 to 1. Default 0.5
	Persist         time.Duration     `yaml:"persist"`           // how long the drift must have lasted: from the onset to the end of the last window that alarmed. Default 6h
	MinLabelledRows uint64            `yaml:"min_labelled_rows"` // labelled rows that there must be since the onset. Default 1000
	MaxRows         uint64            `yaml:"max_rows"`          // of a data set; the oldest are kept. Default 1000000
	MaxWindow       time.Duration     `yaml:"max_window"`        // of a data set, back from the last window that alarmed, 1h to 366d. Default 7d
	CoolDown        time.Duration     `yaml:"cool_down"`         // between two retrainings of the model. Default 24h
	Budget          int               `yaml:"budget"`            // retrainings of the model in budget_period. Default 4
	BudgetPeriod    time.Duration     `yaml:"budget_period"`     // see budget. Default 30d
	TriggerWithin   time.Duration     `yaml:"trigger_within"`    // how long writing the data set and telling the target are tried before it is escalated. Default 1h
	RunWithin       time.Duration     `yaml:"run_within"`        // how long a run may take before it is escalated. Default 24h
	ServeWithin     time.Duration     `yaml:"serve_within"`      // how long after the run the new version may take to answer requests before it is escalated. Default 7d
	VerifyFor       time.Duration     `yaml:"verify_for"`        // how long the new version must be without alarms. Default 24h
	RecoverWithin   time.Duration     `yaml:"recover_within"`    // how long after the new version's first requests the incident may stay open before it is escalated. Default 3d
}

const day = 24 * time.Hour

// SetDefaults fills what the user leaves out.
func (m *Model) SetDefaults() {
	m.ApprovalWithin, m.DiagnosisWithin, m.MinConfidence = 72*time.Hour, time.Hour, 0.5
	m.Persist, m.MinLabelledRows, m.MaxRows, m.MaxWindow = 6*time.Hour, 1000, 1_000_000, 7*day
	m.CoolDown, m.Budget, m.BudgetPeriod = day, 4, 30*day
	m.TriggerWithin, m.RunWithin, m.ServeWithin = time.Hour, day, 7*day
	m.VerifyFor, m.RecoverWithin = day, 3*day
}

// Key names the model.
func (m *Model) Key() schemas.ModelKey {
	tenant := m.Tenant
	if tenant == "" {
		tenant = schemas.DefaultTenant
	}
	return schemas.ModelKey{Tenant: tenant, Model: m.Name}
}

// Dataset says where feedback data sets are written: give path or s3.
type Dataset struct {
	Path string `yaml:"path"` // folder; in several instances a shared one
	S3   *S3    `yaml:"s3"`   // a store with Amazon's S3 API
}

// S3 is a bucket of an S3-compatible store.
type S3 struct {
	Endpoint     string        `yaml:"endpoint"`      // of the store. Default https://s3.amazonaws.com
	Region       string        `yaml:"region"`        // of the bucket. Default us-east-1
	Bucket       string        `yaml:"bucket"`        // must exist. Required
	Prefix       string        `yaml:"prefix"`        // of the objects' names, such as driftline/feedback. Default empty
	AccessKey    string        `yaml:"access_key"`    // id of the access key; it needs PutObject and GetObject. Required
	SecretKey    config.Secret `yaml:"secret_key"`    // of the access key. Required
	SessionToken config.Secret `yaml:"session_token"` // of temporary credentials. Default empty
	AllowPrivate bool          `yaml:"allow_private"` // allow addresses inside one's own network and plain http. Default false
	Timeout      time.Duration `yaml:"timeout"`       // of one upload. Default 5m
}

// SetDefaults fills what the user leaves out.
func (s *S3) SetDefaults() {
	s.Endpoint, s.Region, s.Timeout = "https://s3.amazonaws.com", "us-east-1", 5*time.Minute
}

// Callback is the listener for pipelines. Requests are signed by Standard
// Webhooks.
type Callback struct {
	Listen  string          `yaml:"listen"`  // host:port of POST /v1/retrainings/callback; empty turns it off. Default empty
	URL     string          `yaml:"url"`     // of the same as pipelines reach it, given to them as {callback_url}. Default empty
	Secrets []config.Secret `yaml:"secrets"` // of which requests must be signed with one, "whsec_" and 24 to 64 bytes in base64. Required with listen
}

// Target is a pipeline that trains: give exactly one kind.
type Target struct {
	Name          string         `yaml:"name"`           // in models, logs and metrics; letters, digits, - and _
	Airflow       *Airflow       `yaml:"airflow"`        // a DAG of Apache Airflow 2 or 3
	ArgoWorkflows *ArgoWorkflows `yaml:"argo_workflows"` // a WorkflowTemplate of Argo Workflows
	ArgoEvents    *ArgoEvents    `yaml:"argo_events"`    // a webhook event source of Argo Events
	Kubeflow      *Kubeflow      `yaml:"kubeflow"`       // a pipeline of Kubeflow Pipelines 2
	GitHub        *GitHub        `yaml:"github"`         // a workflow of GitHub Actions
	SageMaker     *SageMaker     `yaml:"sagemaker"`      // a pipeline of Amazon SageMaker
	Webhook       *Webhook       `yaml:"webhook"`        // any HTTP receiver
	AllowPrivate  bool           `yaml:"allow_private"`  // allow addresses inside one's own network (private, link-local, loopback) and plain http. Default false
	Timeout       time.Duration  `yaml:"timeout"`        // of one request, connection included. Default 30s
}

// SetDefaults fills what the user leaves out.
func (t *Target) SetDefaults() { t.Timeout = 30 * time.Second }

// Airflow is a DAG. Give token, or username and password.
type Airflow struct {
	URL      string        `yaml:"url"`      // of the web server, without /api
	Version  int           `yaml:"version"`  // 2 or 3. Default 3
	DAG      string        `yaml:"dag"`      // its id. Required
	Token    config.Secret `yaml:"token"`    // bearer token
	Username string        `yaml:"username"` // of a user; Airflow 2 is given name and password with each request, Airflow 3 gives a token for them
	Password config.Secret `yaml:"password"` // of the user
}

// SetDefaults fills what the user leaves out.
func (a *Airflow) SetDefaults() { a.Version = 3 }

// ArgoWorkflows is a WorkflowTemplate.
type ArgoWorkflows struct {
	URL       string        `yaml:"url"`       // of the Argo server
	Namespace string        `yaml:"namespace"` // Required
	Template  string        `yaml:"template"`  // name of the WorkflowTemplate. Required
	Cluster   bool          `yaml:"cluster"`   // it is a ClusterWorkflowTemplate. Default false
	Token     config.Secret `yaml:"token"`     // of a service account that may submit and get workflows
}

// ArgoEvents is an event source.
type ArgoEvents struct {
	URL   config.Secret `yaml:"url"`   // of the endpoint, such as http://retrain-eventsource-svc:12000/retrain
	Token config.Secret `yaml:"token"` // the event source's authSecret
}

// Kubeflow is a pipeline.
type Kubeflow struct {
	URL            string        `yaml:"url"`             // of the API server, with /pipeline where that is part of it
	Pipeline       string        `yaml:"pipeline"`        // its id. Required
	Version        string        `yaml:"version"`         // id of the pipeline's version; empty is the newest
	Experiment     string        `yaml:"experiment"`      // id; empty is the default one
	ServiceAccount string        `yaml:"service_account"` // of the run; empty is the default one
	Token          config.Secret `yaml:"token"`           // bearer token
}

// GitHub is a workflow of a repository. With event, a repository_dispatch is
// sent, with workflow a workflow_dispatch.
type GitHub struct {
	URL        string        `yaml:"url"`        // of the API. Default https://api.github.com
	Repository string        `yaml:"repository"` // owner/name. Required
	Event      string        `yaml:"event"`      // event_type of the repository_dispatch, at most 100 characters
	Workflow   string        `yaml:"workflow"`   // file name of the workflow, such as retrain.yml
	Ref        string        `yaml:"ref"`        // branch or tag of a workflow_dispatch. Default main
	Token      config.Secret `yaml:"token"`      // with write access to contents (event) or actions (workflow), and read access to actions. Required
}

// SetDefaults fills what the user leaves out.
func (g *GitHub) SetDefaults() { g.URL, g.Ref = "https://api.github.com", "main" }

// SageMaker is a pipeline of Amazon SageMaker.
type SageMaker struct {
	Region       string        `yaml:"region"`        // such as eu-central-1. Required
	Pipeline     string        `yaml:"pipeline"`      // name or ARN. Required
	AccessKey    string        `yaml:"access_key"`    // id of the access key; it needs sagemaker:StartPipelineExecution and DescribePipelineExecution. Required
	SecretKey    config.Secret `yaml:"secret_key"`    // of the access key. Required
	SessionToken config.Secret `yaml:"session_token"` // of temporary credentials. Default empty
	URL          string        `yaml:"url"`           // of the API. Default empty, which is the region's own
}

// Webhook is an HTTP receiver that starts a training. It answers 2xx, or 409
// for a webhook-id that it has taken before.
type Webhook struct {
	URL         config.Secret   `yaml:"url"`         // where to POST
	Secrets     []config.Secret `yaml:"secrets"`     // to sign with by Standard Webhooks, "whsec_" and 24 to 64 bytes in base64; the new one first. Required
	CloudEvents bool            `yaml:"cloudevents"` // send a CloudEvent in structured mode. Default false, which is the envelope of Standard Webhooks
}

// DefaultConfig is the configuration before the user's: nothing is triggered.
func DefaultConfig() Config { return Config{Every: 30 * time.Second} }
