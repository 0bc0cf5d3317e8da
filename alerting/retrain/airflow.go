package retrain

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/driftline/driftline/schemas"
)

// airflow speaks the REST API of Apache Airflow 2 (stable API v1) and 3 (API
// v2, which knows no other keys than its own). A dag_run_id is unique within
// its DAG: a conflict says that the run is there.
type airflow struct {
	cfg Airflow
	client

	token struct {
		sync.Mutex // guards value
		value      string
	}
}

// airflowRun is a request for a DAG run. Airflow 3 requires logical_date, and
// takes null for a run that stands for no time.
type airflowRun struct {
	DagRunID    string            `json:"dag_run_id"`
	LogicalDate *string           `json:"logical_date"`
	Conf        map[string]string `json:"conf"`
	Note        string            `json:"note"`
}

// airflowRun2 leaves logical_date to Airflow 2, which does not take null.
type airflowRun2 struct {
	DagRunID string            `json:"dag_run_id"`
	Conf     map[string]string `json:"conf"`
	Note     string            `json:"note"`
}

// maxAirflowNote is the length of a note, in characters.
const maxAirflowNote = 1000

func newAirflow(cfg Airflow, c client) *airflow {
	a := &airflow{cfg: cfg, client: c}
	a.sign = a.prove
	return a
}

// prove by the configured token, by name and password, or by a token that
// Airflow 3 gave for them.
func (a *airflow) prove(req *http.Request, _ []byte) error {
	switch {
	case a.cfg.Token != "":
		req.Header.Set("Authorization", "Bearer "+a.cfg.Token.Value())
	case a.cfg.Version == 2:
		req.SetBasicAuth(a.cfg.Username, a.cfg.Password.Value())
	default:
		a.token.Lock()
		defer a.token.Unlock()
		req.Header.Set("Authorization", "Bearer "+a.token.value)
	}
	return nil
}

func (a *airflow) runs() string {
	api := "/api/v2/dags/"
	if a.cfg.Version == 2 {
		api = "/api/v1/dags/"
	}
	return strings.TrimSuffix(a.cfg.URL, "/") + api + url.PathEscape(a.cfg.DAG) + "/dagRuns"
}

func (a *airflow) start(ctx context.Context, t *Trigger) (string, error) {
	note := []rune(t.note())
	text := string(note[:min(len(note), maxAirflowNote)])
	var body any = airflowRun{t.Key, nil, t.parameters(), text}
	if a.cfg.Version == 2 {
		body = airflowRun2{t.Key, t.parameters(), text}
	}
	status, err := a.ask(ctx, http.MethodPost, a.runs(), body, nil)
	if err != nil && status != http.StatusConflict {
		return "", err
	}
	return t.Key, nil
}

func (a *airflow) state(ctx context.Context, _ *Trigger, runID string) (schemas.RunState, string, error) {
	var run struct {
		State string `json:"state"`
	}
	if _, err := a.ask(ctx, http.MethodGet, a.runs()+"/"+url.PathEscape(runID), nil, &run); err != nil {
		return "", "", err
	}
	switch run.State {
	case "success":
		return schemas.RunSucceeded, run.State, nil
	case "failed":
		return schemas.RunFailed, run.State, nil
	}
	return schemas.RunRunning, run.State, nil
}

// ask with a token, and with a new one when Airflow 3 no longer takes it.
func (a *airflow) ask(ctx context.Context, method, url string, body, out any) (int, error) {
	status, err := a.exchange(ctx, method, url, body, out)
	if status != http.StatusUnauthorized || a.cfg.Token != "" || a.cfg.Version == 2 {
		return status, err
	}
	if err := a.login(ctx); err != nil {
		return 0, err
	}
	return a.exchange(ctx, method, url, body, out)
}

func (a *airflow) login(ctx context.Context) error {
	plain := client{Outward: a.Outward}
	var answer struct {
		Token string `json:"access_token"`
	}
	body := map[string]string{"username": a.cfg.Username, "password": a.cfg.Password.Value()}
	if status, err := plain.exchange(ctx, http.MethodPost, strings.TrimSuffix(a.cfg.URL, "/")+"/auth/token", body, &answer); err != nil {
		return wrapped("ask Airflow for a token (status "+strconv.Itoa(status)+")", err)
	}
	a.token.Lock()
	defer a.token.Unlock()
	a.token.value = answer.Token
	a.Keep(answer.Token)
	return nil
}
