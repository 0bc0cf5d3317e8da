package retrain

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/driftline/driftline/alerting"
	"github.com/driftline/driftline/internal/config"
)

// faults collects the mistakes of one section.
type faults struct {
	key  string
	errs []error
}

func (f *faults) check(ok bool, sub, format string, args ...any) {
	if !ok {
		f.errs = append(f.errs, config.Faultf(f.key+sub, format, args...))
	}
}

func (f *faults) url(sub, raw string, plain bool) {
	f.errs = append(f.errs, alerting.CheckURL(f.key+sub, raw, plain))
}

func (f *faults) positive(sub string, d time.Duration) {
	f.check(d > 0, sub, "is %s; give a time above 0, such as 1h", d)
}

func (f *faults) secrets(sub string, secrets []config.Secret) {
	for i, s := range secrets {
		err := alerting.CheckSigningSecret(s)
		f.check(err == nil, fmt.Sprintf("%s[%d]", sub, i), "%v", err)
	}
}

// Validate reports every mistake.
func (c Config) Validate() error {
	f := &faults{}
	f.positive("every", c.Every)
	names := map[string]bool{}
	for i := range c.Targets {
		key := fmt.Sprintf("targets[%d]", i)
		f.check(!names[c.Targets[i].Name], key+".name", "%q is given twice", c.Targets[i].Name)
		names[c.Targets[i].Name] = true
		f.errs = append(f.errs, c.Targets[i].validate(key))
	}
	models := map[string]bool{}
	for i := range c.Models {
		m := &c.Models[i]
		key, name := fmt.Sprintf("models[%d]", i), m.Key().Tenant+"/"+m.Name
		f.check(!models[name], key+".name", "model %s is given twice", name)
		models[name] = true
		f.check(names[m.Target], key+".target", "unknown target %q; give the name of one of retraining.targets", m.Target)
		f.errs = append(f.errs, m.validate(key))
	}
	f.check(len(c.Models) == 0 || c.Dataset.Path != "" || c.Dataset.S3 != nil, "dataset", "is missing; give path or s3: each trigger carries its data")
	f.errs = append(f.errs, c.Dataset.validate(), c.Callback.validate())
	return errors.Join(f.errs...)
}

func (m *Model) validate(key string) error {
	f := &faults{key: key}
	f.check(m.Name != "", ".name", "is missing: the model's name as its events give it")
	for _, d := range []struct {
		key string
		d   time.Duration
	}{
		{".approval_within", m.ApprovalWithin},
		{".budget_period", m.BudgetPeriod},
		{".trigger_within", m.TriggerWithin},
		{".run_within", m.RunWithin},
		{".serve_within", m.ServeWithin},
		{".recover_within", m.RecoverWithin},
	} {
		f.positive(d.key, d.d)
	}
	f.check(m.DiagnosisWithin >= 0 && m.Persist >= 0 && m.CoolDown >= 0 && m.VerifyFor >= 0, "", "diagnosis_within, persist, cool_down and verify_for must not be negative")
	f.check(m.MinConfidence >= 0 && m.MinConfidence <= 1, ".min_confidence", "%g is not within 0 to 1", m.MinConfidence)
	f.check(m.MinLabelledRows > 0, ".min_labelled_rows", "is 0; give at least 1: there is nothing to learn from no rows")
	f.check(m.MaxRows >= m.MinLabelledRows, ".max_rows", "is %d; give at least min_labelled_rows, %d", m.MaxRows, m.MinLabelledRows)
	f.check(m.MaxWindow >= time.Hour && m.MaxWindow <= 366*day, ".max_window", "is %s; give 1h to 366d", m.MaxWindow)
	f.check(m.Budget > 0, ".budget", "is %d; give at least 1, or leave the model out", m.Budget)
	for name, value := range m.Parameters {
		for _, v := range placeholder.FindAllStringSubmatch(value, -1) {
			f.check(slices.Contains(fieldNames, v[1]), ".parameters."+name, "unknown name {%s}; known: %s", v[1], strings.Join(fieldNames, ", "))
		}
	}
	return errors.Join(f.errs...)
}

func (d Dataset) validate() error {
	f := &faults{key: "dataset"}
	f.check(d.Path == "" || d.S3 == nil, "", "give either path or s3")
	if s := d.S3; s != nil {
		f.url(".s3.endpoint", s.Endpoint, s.AllowPrivate)
		f.check(s.Bucket != "", ".s3.bucket", "is missing")
		f.check(s.AccessKey != "" && s.SecretKey != "", ".s3", "access_key and secret_key are missing")
		f.positive(".s3.timeout", s.Timeout)
	}
	return errors.Join(f.errs...)
}

func (c Callback) validate() error {
	f := &faults{key: "callback"}
	if c.Listen != "" {
		_, _, err := net.SplitHostPort(c.Listen)
		f.check(err == nil, ".listen", "is %q; give host:port, such as 127.0.0.1:9465", c.Listen)
		f.check(len(c.Secrets) > 0, ".secrets", "is empty; give at least one secret: anybody could say that a run went well")
	}
	f.secrets(".secrets", c.Secrets)
	if c.URL != "" {
		f.url(".url", c.URL, true)
	}
	return errors.Join(f.errs...)
}

var (
	nameForm       = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	dagForm        = regexp.MustCompile(`^[\p{L}\p{N}_.-]{1,250}$`)               // Airflow's validate_key
	kubernetesForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$`) // RFC 1123 subdomain
	repositoryForm = regexp.MustCompile(`^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$`)
	workflowForm   = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,255}$`)
	regionForm     = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)
)

func (t *Target) validate(key string) error {
	f := &faults{key: key}
	f.check(nameForm.MatchString(t.Name), ".name", "is %q; give 1 to 64 letters, digits, - or _", t.Name)
	f.positive(".timeout", t.Timeout)
	given := 0
	for _, set := range []bool{t.Airflow != nil, t.ArgoWorkflows != nil, t.ArgoEvents != nil, t.Kubeflow != nil, t.GitHub != nil, t.SageMaker != nil, t.Webhook != nil} {
		if set {
			given++
		}
	}
	f.check(given == 1, "", "give exactly one of airflow, argo_workflows, argo_events, kubeflow, github, sagemaker and webhook")
	if a := t.Airflow; a != nil {
		f.url(".airflow.url", a.URL, t.AllowPrivate)
		f.check(a.Version == 2 || a.Version == 3, ".airflow.version", "is %d; supported: 2, 3", a.Version)
		f.check(dagForm.MatchString(a.DAG), ".airflow.dag", "%q is no DAG id", a.DAG)
		f.check((a.Token != "") != (a.Username != "" && a.Password != ""), ".airflow", "give token, or username and password")
	}
	if a := t.ArgoWorkflows; a != nil {
		f.url(".argo_workflows.url", a.URL, t.AllowPrivate)
		f.check(kubernetesForm.MatchString(a.Namespace), ".argo_workflows.namespace", "%q is no name of Kubernetes", a.Namespace)
		f.check(kubernetesForm.MatchString(a.Template), ".argo_workflows.template", "%q is no name of Kubernetes", a.Template)
	}
	if a := t.ArgoEvents; a != nil {
		f.url(".argo_events.url", a.URL.Value(), t.AllowPrivate)
	}
	if k := t.Kubeflow; k != nil {
		f.url(".kubeflow.url", k.URL, t.AllowPrivate)
		f.check(k.Pipeline != "", ".kubeflow.pipeline", "is missing")
	}
	f.github(t)
	if s := t.SageMaker; s != nil {
		f.check(regionForm.MatchString(s.Region), ".sagemaker.region", "%q is no region", s.Region)
		f.check(s.Pipeline != "" && len(s.Pipeline) <= 2048, ".sagemaker.pipeline", "has %d characters; give a name or an ARN", len(s.Pipeline))
		f.check(s.AccessKey != "" && s.SecretKey != "", ".sagemaker", "access_key and secret_key are missing")
		if s.URL != "" {
			f.url(".sagemaker.url", s.URL, t.AllowPrivate)
		}
	}
	if w := t.Webhook; w != nil {
		f.url(".webhook.url", w.URL.Value(), t.AllowPrivate)
		f.check(len(w.Secrets) > 0, ".webhook.secrets", "is empty; give at least one secret: receivers cannot trust an unsigned webhook")
		f.secrets(".webhook.secrets", w.Secrets)
	}
	return errors.Join(f.errs...)
}

func (f *faults) github(t *Target) {
	g := t.GitHub
	if g == nil {
		return
	}
	f.url(".github.url", g.URL, t.AllowPrivate)
	f.check(repositoryForm.MatchString(g.Repository), ".github.repository", "%q is not owner/name", g.Repository)
	f.check((g.Event == "") != (g.Workflow == ""), ".github", "give exactly one of event and workflow")
	f.check(len(g.Event) <= maxGitHubEvent, ".github.event", "has %d characters; GitHub takes at most %d", len(g.Event), maxGitHubEvent)
	f.check(g.Workflow == "" || workflowForm.MatchString(g.Workflow), ".github.workflow", "%q is no file name", g.Workflow)
	f.check(g.Workflow == "" || g.Ref != "", ".github.ref", "is missing")
	f.check(g.Token != "", ".github.token", "is missing")
}
