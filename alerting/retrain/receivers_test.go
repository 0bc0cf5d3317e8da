package retrain

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/driftline/driftline/internal/config"
)

// orchestrator is a real HTTP server that enforces the published schema of one
// target: what the target would refuse, it refuses.
type orchestrator struct {
	*httptest.Server
	start func(r *http.Request, body []byte) (key string, status int, answer any)
	state func(o *orchestrator, r *http.Request) (status int, answer any)

	mu      sync.Mutex
	runs    []string // keys, in the order in which runs began
	refused []string // why
	script  []http.HandlerFunc
	stand   string // of all runs, in the target's words
	lost    int    // so many answers are lost after the run began
}

func orchestrate(t *testing.T, o *orchestrator) *orchestrator {
	t.Helper()
	o.Server = httptest.NewServer(o)
	t.Cleanup(o.Close)
	return o
}

func (o *orchestrator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.script) > 0 {
		next := o.script[0]
		o.script = o.script[1:]
		next(w, r)
		return
	}
	if r.Method == http.MethodGet || strings.HasSuffix(r.Header.Get("X-Amz-Target"), "DescribePipelineExecution") {
		r.Body = io.NopCloser(bytes.NewReader(body))
		status, answer := o.state(o, r)
		reply(w, status, answer)
		return
	}
	key, status, answer := o.start(r, body)
	if status >= 300 {
		o.refused = append(o.refused, fmt.Sprint(status, " ", answer))
		reply(w, status, answer)
		return
	}
	if key != "" && slices.Contains(o.runs, key) {
		o.again(w, answer)
		return
	}
	if key != "" {
		o.runs = append(o.runs, key)
	}
	if o.lost > 0 {
		o.lost--
		panic(http.ErrAbortHandler) // the connection breaks before the answer
	}
	reply(w, status, answer)
}

// again answers a key that has a run: unique names conflict, tokens give the
// same, and what knows no key begins another run.
func (o *orchestrator) again(w http.ResponseWriter, answer any) {
	if _, same := answer.(idempotent); same {
		reply(w, http.StatusOK, answer)
		return
	}
	if _, unaware := answer.(keyless); unaware {
		o.runs = append(o.runs, o.runs[len(o.runs)-1])
		reply(w, http.StatusOK, answer)
		return
	}
	reply(w, http.StatusConflict, map[string]string{"detail": "already exists"})
}

// idempotent answers are the same for the same key; keyless ones stand for
// another run each time.
type (
	idempotent map[string]string
	keyless    map[string]any
)

func reply(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if status != http.StatusNoContent {
		_ = json.NewEncoder(w).Encode(answer)
	}
}

func (o *orchestrator) begun() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.runs)
}

func (o *orchestrator) faults() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.refused)
}

func (o *orchestrator) stands(state string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.stand = state
}

// strict reads a body that may have no other keys than v's, and must have the
// required ones, null included where that is a value.
func strict(body []byte, v any, required ...string) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(body, &keys); err != nil {
		return err
	}
	for _, k := range required {
		if _, there := keys[k]; !there {
			return fmt.Errorf("%s: field required", k)
		}
	}
	return nil
}

func bad(status int, err error) (string, int, any) {
	return "", status, map[string]string{"detail": err.Error()}
}

const secretToken = "a-token-of-the-tests-0123456789"

// airflowRules are those of Airflow's TriggerDAGRunPostBody: version 3 forbids
// extra keys and requires logical_date, version 2 refuses it as null.
func airflowRules(version int, user bool) *orchestrator {
	token := secretToken
	o := &orchestrator{stand: "running"}
	api := map[int]string{2: "/api/v1", 3: "/api/v2"}[version]
	authorized := func(r *http.Request) bool {
		if version == 2 && user {
			name, password, ok := r.BasicAuth()
			return ok && name == "driftline" && password == "airflow-password"
		}
		return r.Header.Get("Authorization") == "Bearer "+token
	}
	o.start = func(r *http.Request, body []byte) (string, int, any) {
		if r.URL.Path == "/auth/token" && user && version == 3 {
			var who struct{ Username, Password string }
			if err := strict(body, &who, "username", "password"); err != nil || who.Password != "airflow-password" {
				return bad(401, errors.New("invalid credentials"))
			}
			token = "given-token-0123456789"
			return "", 201, map[string]string{"access_token": token}
		}
		if !authorized(r) {
			return bad(401, errors.New("not authenticated"))
		}
		if r.URL.Path != api+"/dags/retrain_credit/dagRuns" || r.Header.Get("Content-Type") != "application/json" {
			return bad(404, fmt.Errorf("no DAG at %s", r.URL.Path))
		}
		var v struct {
			DagRunID    *string        `json:"dag_run_id"`
			LogicalDate *string        `json:"logical_date"`
			RunAfter    *string        `json:"run_after"`
			From        *string        `json:"data_interval_start"`
			To          *string        `json:"data_interval_end"`
			Conf        map[string]any `json:"conf"`
			Note        *string        `json:"note"`
		}
		required := []string{"logical_date"}
		if version == 2 {
			required = nil
		}
		if err := strict(body, &v, required...); err != nil {
			return bad(422, err)
		}
		switch {
		case version == 2 && bytes.Contains(body, []byte("logical_date")):
			return bad(400, errors.New("logical_date: null is not allowed"))
		case v.DagRunID == nil || !regexp.MustCompile(`^[A-Za-z0-9_.~:+-]{1,250}$`).MatchString(*v.DagRunID):
			return bad(422, errors.New("dag_run_id"))
		case v.Note != nil && len([]rune(*v.Note)) > 1000:
			return bad(422, errors.New("note is too long"))
		case v.Conf["dataset_uri"] == "":
			return bad(422, errors.New("the DAG wants dataset_uri"))
		}
		return *v.DagRunID, 200, map[string]string{"dag_run_id": *v.DagRunID, "state": "queued"}
	}
	o.state = func(o *orchestrator, r *http.Request) (int, any) {
		id, found := strings.CutPrefix(r.URL.Path, api+"/dags/retrain_credit/dagRuns/")
		if !authorized(r) || !found || !slices.Contains(o.runs, id) {
			return 404, map[string]string{"detail": "not found"}
		}
		return 200, map[string]string{"dag_run_id": id, "state": o.stand}
	}
	return o
}

// argoRules are those of WorkflowSubmitRequest.
func argoRules() *orchestrator {
	o := &orchestrator{stand: "Running"}
	o.start = func(r *http.Request, body []byte) (string, int, any) {
		var v struct {
			Namespace     string `json:"namespace"`
			ResourceKind  string `json:"resourceKind"`
			ResourceName  string `json:"resourceName"`
			SubmitOptions struct {
				Name         string   `json:"name"`
				GenerateName string   `json:"generateName"`
				Labels       string   `json:"labels"`
				Parameters   []string `json:"parameters"`
			} `json:"submitOptions"`
		}
		switch err := strict(body, &v, "namespace", "resourceKind", "resourceName"); {
		case r.Header.Get("Authorization") != "Bearer "+secretToken:
			return bad(401, errors.New("token not valid"))
		case err != nil:
			return bad(400, err)
		case r.URL.Path != "/api/v1/workflows/ml/submit" || v.Namespace != "ml" || v.ResourceKind != "WorkflowTemplate" || v.ResourceName != "retrain":
			return bad(404, errors.New("no such template"))
		case !kubernetesForm.MatchString(v.SubmitOptions.Name) || len(v.SubmitOptions.Name) > 63:
			return bad(400, errors.New("name is not of RFC 1123"))
		}
		for _, p := range v.SubmitOptions.Parameters {
			if name, _, ok := strings.Cut(p, "="); !ok || name == "" {
				return bad(400, fmt.Errorf("expected parameter of the form name=value, got %s", p))
			}
		}
		for l := range strings.SplitSeq(v.SubmitOptions.Labels, ",") {
			name, value, ok := strings.Cut(l, "=")
			if !ok || !regexp.MustCompile(`^[a-z0-9./-]{1,253}$`).MatchString(name) || !regexp.MustCompile(`^[A-Za-z0-9._-]{1,63}$`).MatchString(value) {
				return bad(400, fmt.Errorf("label %s", l))
			}
		}
		return v.SubmitOptions.Name, 200, map[string]any{"metadata": map[string]string{"name": v.SubmitOptions.Name}}
	}
	o.state = func(o *orchestrator, r *http.Request) (int, any) {
		id, found := strings.CutPrefix(r.URL.Path, "/api/v1/workflows/ml/")
		if r.Header.Get("Authorization") != "Bearer "+secretToken || !found || !slices.Contains(o.runs, id) {
			return 404, map[string]string{"message": "not found"}
		}
		return 200, map[string]any{"status": map[string]string{"phase": o.stand}}
	}
	return o
}

// argoEventsRules: any JSON object with the authSecret; the sensor names the
// workflow by body.key, so that the same key begins one.
func argoEventsRules() *orchestrator {
	o := &orchestrator{}
	o.start = func(r *http.Request, body []byte) (string, int, any) {
		var v map[string]string
		if r.Header.Get("Authorization") != "Bearer "+secretToken {
			return bad(401, errors.New("invalid auth secret"))
		}
		if err := json.Unmarshal(body, &v); err != nil || !kubernetesForm.MatchString(v["key"]) || r.URL.Path != "/retrain" || r.Header.Get("Content-Type") != "application/json" {
			return bad(400, errors.Join(errors.New("body"), err))
		}
		return v["key"], 200, idempotent{}
	}
	return o
}

// kubeflowRules are those of v2beta1Run; the runs have no idempotency key.
func kubeflowRules() *orchestrator {
	o := &orchestrator{stand: "RUNNING"}
	o.start = func(r *http.Request, body []byte) (string, int, any) {
		var v struct {
			DisplayName  string `json:"display_name"`
			Description  string `json:"description"`
			ExperimentID string `json:"experiment_id"`
			Reference    struct {
				Pipeline string `json:"pipeline_id"`
				Version  string `json:"pipeline_version_id"`
			} `json:"pipeline_version_reference"`
			RuntimeConfig struct {
				Parameters   map[string]any `json:"parameters"`
				PipelineRoot string         `json:"pipeline_root"`
			} `json:"runtime_config"`
			ServiceAccount string `json:"service_account"`
		}
		declared := []string{"data", "rows"}
		switch err := strict(body, &v, "display_name", "pipeline_version_reference"); {
		case r.Header.Get("Authorization") != "Bearer "+secretToken:
			return bad(401, errors.New("unauthenticated"))
		case err != nil:
			return bad(400, err)
		case r.URL.Path != "/pipeline/apis/v2beta1/runs" || v.Reference.Pipeline != "p-1" || v.Reference.Version != "v-1" || v.ExperimentID != "e-1":
			return bad(404, errors.New("no such pipeline"))
		case len(v.RuntimeConfig.Parameters) != len(declared):
			return bad(400, fmt.Errorf("parameters %v, want %v", v.RuntimeConfig.Parameters, declared))
		}
		for name := range v.RuntimeConfig.Parameters {
			if !slices.Contains(declared, name) {
				return bad(400, fmt.Errorf("unknown input parameter %s", name))
			}
		}
		return v.DisplayName, 200, keyless{"run_id": "id-of-" + v.DisplayName, "display_name": v.DisplayName}
	}
	o.state = func(o *orchestrator, r *http.Request) (int, any) {
		if r.Header.Get("Authorization") != "Bearer "+secretToken {
			return 401, nil
		}
		if id, one := strings.CutPrefix(r.URL.Path, "/pipeline/apis/v2beta1/runs/"); one {
			if !slices.Contains(o.runs, strings.TrimPrefix(id, "id-of-")) {
				return 404, nil
			}
			return 200, map[string]string{"run_id": id, "state": o.stand}
		}
		var filter struct {
			Predicates []struct {
				Key       string `json:"key"`
				Operation string `json:"operation"`
				Value     string `json:"string_value"`
			} `json:"predicates"`
		}
		if err := strict([]byte(r.URL.Query().Get("filter")), &filter, "predicates"); err != nil || filter.Predicates[0].Key != "display_name" || filter.Predicates[0].Operation != "EQUALS" {
			return 400, map[string]string{"error": fmt.Sprint(err)}
		}
		var runs []map[string]string
		if name := filter.Predicates[0].Value; slices.Contains(o.runs, name) {
			runs = append(runs, map[string]string{"run_id": "id-of-" + name, "display_name": name})
		}
		return 200, map[string]any{"runs": runs}
	}
	return o
}

// gitHubRules are those of repository_dispatch and workflow_dispatch. The
// workflow's run-name is the key.
func gitHubRules() *orchestrator {
	o := &orchestrator{stand: "in_progress"}
	headers := func(r *http.Request) error {
		switch {
		case r.Header.Get("Authorization") != "Bearer "+secretToken:
			return errors.New("bad credentials")
		case r.Header.Get("Accept") != "application/vnd.github+json" || r.Header.Get("X-GitHub-Api-Version") != "2022-11-28" || r.Header.Get("User-Agent") == "":
			return errors.New("headers")
		}
		return nil
	}
	o.start = func(r *http.Request, body []byte) (string, int, any) {
		if err := headers(r); err != nil {
			return bad(401, err)
		}
		switch r.URL.Path {
		case "/repos/acme/models/dispatches":
			var v struct {
				EventType string         `json:"event_type"`
				Payload   map[string]any `json:"client_payload"`
			}
			if err := strict(body, &v, "event_type"); err != nil || v.EventType == "" || len(v.EventType) > 100 || len(v.Payload) > 10 || len(body) > 65535 {
				return bad(422, errors.Join(errors.New("event_type or client_payload"), err))
			}
			key, _ := v.Payload["key"].(string)
			return key, 204, keyless{}
		case "/repos/acme/models/actions/workflows/retrain.yml/dispatches":
			var v struct {
				Ref    string         `json:"ref"`
				Inputs map[string]any `json:"inputs"`
			}
			if err := strict(body, &v, "ref"); err != nil || v.Ref == "" || len(v.Inputs) > 25 {
				return bad(422, errors.Join(errors.New("ref or inputs"), err))
			}
			for name := range v.Inputs {
				if !slices.Contains([]string{"key", "data"}, name) {
					return bad(422, fmt.Errorf("unexpected inputs provided: %s", name))
				}
			}
			key, _ := v.Inputs["key"].(string)
			return key, 204, keyless{}
		}
		return bad(404, errors.New("not found"))
	}
	o.state = func(o *orchestrator, r *http.Request) (int, any) {
		if headers(r) != nil || r.URL.Path != "/repos/acme/models/actions/runs" || !strings.HasPrefix(r.URL.Query().Get("created"), ">=") {
			return 404, nil
		}
		runs := []map[string]any{{"id": 1, "display_title": "something else", "status": "completed", "conclusion": "failure"}}
		for i, key := range o.runs {
			run := map[string]any{"id": 100 + i, "display_title": "retrain " + key, "status": o.stand, "conclusion": nil}
			if status, conclusion, ended := strings.Cut(o.stand, " "); ended {
				run["status"], run["conclusion"] = status, conclusion
			}
			runs = append(runs, run)
		}
		return 200, map[string]any{"total_count": len(runs), "workflow_runs": runs}
	}
	return o
}

// sageMakerRules are those of StartPipelineExecution, Signature Version 4
// included, which is computed here from its description.
func sageMakerRules() *orchestrator {
	o := &orchestrator{stand: "Executing"}
	const arn = "arn:aws:sagemaker:eu-central-1:123456789012:pipeline/retrain/execution/"
	o.start = func(r *http.Request, body []byte) (string, int, any) {
		if err := signature4(r, body); err != nil {
			return "", 403, map[string]string{"__type": "InvalidSignatureException", "message": err.Error()}
		}
		invalid := func(what string) (string, int, any) {
			return "", 400, map[string]string{"__type": "ValidationException", "message": what}
		}
		var v struct {
			PipelineName                 string
			PipelineExecutionDisplayName string
			PipelineExecutionDescription string
			ClientRequestToken           string
			PipelineParameters           []struct{ Name, Value string }
		}
		if err := strict(body, &v, "PipelineName", "ClientRequestToken"); err != nil {
			return invalid(err.Error())
		}
		switch {
		case r.Header.Get("X-Amz-Target") != "SageMaker.StartPipelineExecution" || r.Header.Get("Content-Type") != "application/x-amz-json-1.1":
			return invalid("operation")
		case v.PipelineName != "retrain":
			return "", 400, map[string]string{"__type": "ResourceNotFound"}
		case len(v.ClientRequestToken) < 32 || len(v.ClientRequestToken) > 128:
			return invalid("ClientRequestToken")
		case !regexp.MustCompile(`^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,81}$`).MatchString(v.PipelineExecutionDisplayName):
			return invalid("PipelineExecutionDisplayName")
		case len(v.PipelineParameters) > 200:
			return invalid("PipelineParameters")
		}
		for _, p := range v.PipelineParameters {
			if !regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`).MatchString(p.Name) || len([]rune(p.Value)) > 1024 {
				return invalid("parameter " + p.Name)
			}
		}
		return v.ClientRequestToken, 200, idempotent{"PipelineExecutionArn": arn + v.ClientRequestToken}
	}
	o.state = func(o *orchestrator, r *http.Request) (int, any) {
		body, _ := io.ReadAll(r.Body)
		var v struct{ PipelineExecutionArn string }
		if signature4(r, body) != nil || strict(body, &v, "PipelineExecutionArn") != nil || !slices.Contains(o.runs, strings.TrimPrefix(v.PipelineExecutionArn, arn)) {
			return 400, map[string]string{"__type": "ResourceNotFound"}
		}
		return 200, map[string]string{"PipelineExecutionArn": v.PipelineExecutionArn, "PipelineExecutionStatus": o.stand}
	}
	return o
}

// signature4 checks Signature Version 4 of Amazon Web Services.
func signature4(r *http.Request, body []byte) error {
	m := regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=AKID/(\d{8})/eu-central-1/sagemaker/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$`).
		FindStringSubmatch(r.Header.Get("Authorization"))
	at := r.Header.Get("X-Amz-Date")
	if m == nil || !strings.HasPrefix(at, m[1]) {
		return errors.New("authorization header")
	}
	var headers strings.Builder
	for name := range strings.SplitSeq(m[2], ";") {
		value := strings.Join(r.Header.Values(name), ",")
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = fmt.Sprint(len(body))
		}
		fmt.Fprintf(&headers, "%s:%s\n", name, strings.TrimSpace(value))
	}
	if !strings.Contains(";"+m[2]+";", ";x-amz-target;") || !strings.Contains(";"+m[2]+";", ";host;") {
		return errors.New("host and x-amz-target must be signed")
	}
	sum := sha256.Sum256(body)
	canonical := "POST\n/\n\n" + headers.String() + "\n" + m[2] + "\n" + hex.EncodeToString(sum[:])
	hashed := sha256.Sum256([]byte(canonical))
	key := []byte("AWS4" + "secret-of-the-tests")
	for _, part := range []string{m[1], "eu-central-1", "sagemaker", "aws4_request"} {
		key = mac(key, part)
	}
	if got := hex.EncodeToString(mac(key, "AWS4-HMAC-SHA256\n"+at+"\n"+m[1]+"/eu-central-1/sagemaker/aws4_request\n"+hex.EncodeToString(hashed[:]))); got != m[3] {
		return errors.New("the signature does not match")
	}
	return nil
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

const webhookSecret config.Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// webhookRules are those of Standard Webhooks and of CloudEvents.
func webhookRules(cloudEvents bool) *orchestrator {
	verifier, err := standardwebhooks.NewWebhook(webhookSecret.Value())
	if err != nil {
		panic(err)
	}
	o := &orchestrator{}
	o.start = func(r *http.Request, body []byte) (string, int, any) {
		if err := verifier.Verify(body, r.Header); err != nil {
			return bad(401, err)
		}
		id := r.Header.Get("webhook-id")
		if len(body) > 20_000 {
			return bad(413, errors.New("too large"))
		}
		if cloudEvents {
			var e struct {
				SpecVersion, ID, Source, Type, Subject, DataContentType string
				Time                                                    time.Time
				Data                                                    map[string]string
			}
			err := strict(body, &e, "specversion", "id", "source", "type")
			if _, ref := url.Parse(e.Source); err != nil || ref != nil || e.SpecVersion != "1.0" || e.ID != id || e.Source == "" || e.Type == "" || e.Data["key"] != id || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/cloudevents+json") {
				return bad(400, errors.Join(fmt.Errorf("event %+v", e), err))
			}
			return id, 202, nil
		}
		var v struct {
			Type      string
			Timestamp time.Time
			Data      map[string]string
		}
		if err := strict(body, &v, "type", "timestamp", "data"); err != nil || !regexp.MustCompile(`^[a-zA-Z0-9_]+(\.[a-zA-Z0-9_]+)*$`).MatchString(v.Type) || v.Data["key"] != id || r.Header.Get("Content-Type") != "application/json" {
			return bad(400, errors.Join(fmt.Errorf("body %+v", v), err))
		}
		return id, 202, nil
	}
	return o
}
