package datasource

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"

	"github.com/driftline/driftline/internal/query"
)

// resources are lists for variables, filters and the query builder, and the
// API for actions.
func (d *Datasource) resources() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /kinds", func(w http.ResponseWriter, _ *http.Request) { reply(w, query.Kinds(), nil) })
	mux.HandleFunc("GET /tags/keys", func(w http.ResponseWriter, _ *http.Request) {
		keys := make([]text, len(query.FilterKeys))
		for i, k := range query.FilterKeys {
			keys[i] = text{k.Key}
		}
		reply(w, keys, nil)
	})
	mux.HandleFunc("GET /tags/values", func(w http.ResponseWriter, r *http.Request) {
		key := r.URL.Query().Get("key")
		i := slices.IndexFunc(query.FilterKeys, func(k struct{ Key, Options string }) bool { return k.Key == key })
		if i < 0 {
			http.Error(w, fmt.Sprintf("%q is no dimension; see tags/keys", key), http.StatusBadRequest)
			return
		}
		found, err := d.options(r, query.FilterKeys[i].Options)
		values := make([]text, len(found))
		for i, v := range found {
			values[i] = text{v}
		}
		reply(w, values, err)
	})
	mux.HandleFunc("/api/", d.proxy)
	mux.HandleFunc("GET /{list}", func(w http.ResponseWriter, r *http.Request) {
		found, err := d.options(r, r.PathValue("list"))
		reply(w, found, err)
	})
	return mux
}

type text struct {
	Text string `json:"text"`
}

// options of a list in the time of a request, a day where it names none.
func (d *Datasource) options(r *http.Request, name string) ([]string, error) {
	ctx, cancel := context.WithTimeout(r.Context(), d.settings.timeout())
	defer cancel()
	values := r.URL.Query()
	of := query.Range{To: time.Now().Add(time.Hour)}
	if ms, err := strconv.ParseInt(values.Get("to"), 10, 64); err == nil {
		of.To = time.UnixMilli(ms)
	}
	of.From = of.To.Add(-25 * time.Hour)
	if ms, err := strconv.ParseInt(values.Get("from"), 10, 64); err == nil {
		of.From = time.UnixMilli(ms)
	}
	return d.asker.Options(ctx, name, of, values)
}

func reply(w http.ResponseWriter, v any, err error) {
	if err != nil {
		http.Error(w, err.Error(), query.Status(err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

// largest body that the API is sent, or that is taken of it.
const largest = 8 << 20

// client of the API. It follows nothing: the API never redirects.
var client = &http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// proxy hands a request to the API under the data source's token. Who may only
// look in Grafana may only read.
func (d *Datasource) proxy(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/api/")
	user := backend.UserFromContext(r.Context())
	switch {
	case d.settings.APIURL == "":
		http.Error(w, "the data source has no apiUrl, so nothing can be done about incidents from here", http.StatusNotImplemented)
		return
	case r.Method != http.MethodGet && (user == nil || user.Role != "Editor" && user.Role != "Admin"):
		http.Error(w, "this needs the role Editor in Grafana", http.StatusForbidden)
		return
	case !allowed(r.Method, path):
		http.Error(w, r.Method+" "+path+" is not handed on", http.StatusForbidden)
		return
	}
	to, err := url.JoinPath(d.settings.APIURL, "api/v1", path)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if r.URL.RawQuery != "" {
		to += "?" + r.URL.RawQuery
	}
	var body io.Reader = http.NoBody
	if r.Method == http.MethodPost && r.Body != nil {
		body = http.MaxBytesReader(w, r.Body, 64<<10)
	}
	req, err := http.NewRequestWithContext(r.Context(), r.Method, to, body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	req.Header.Set("Content-Type", "application/json")
	if d.settings.token != "" {
		req.Header.Set("Authorization", "Bearer "+d.settings.token)
	}
	resp, err := client.Do(req)
	if err != nil {
		http.Error(w, "the API does not answer: "+withoutURL(err).Error(), http.StatusBadGateway)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	w.Header().Set("Content-Type", resp.Header.Get("Content-Type"))
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, io.LimitReader(resp.Body, largest))
}

// allowed is what dashboards do with the API; the configuration, the audit and
// the stream are not among it.
func allowed(method, path string) bool {
	part, _, _ := strings.Cut(path, "/")
	if strings.Contains(path, "..") {
		return false
	}
	switch part {
	case "incidents", "silences":
		return method == http.MethodGet || method == http.MethodPost || method == http.MethodDelete && part == "silences"
	case "models", "retrainings", "references", "graph", "changes", "pipeline":
		return method == http.MethodGet
	}
	return false
}

// withoutURL is an error without the address that it names.
func withoutURL(err error) error {
	if u, is := errors.AsType[*url.Error](err); is {
		return u.Err
	}
	return err
}

// checkAPI says how the API is.
func (d *Datasource) checkAPI(ctx context.Context) string {
	if d.settings.APIURL == "" {
		return "not configured"
	}
	to, err := url.JoinPath(d.settings.APIURL, "api/v1/incidents")
	if err != nil {
		return err.Error()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, to+"?limit=1", http.NoBody)
	if err != nil {
		return err.Error()
	}
	if d.settings.token != "" {
		req.Header.Set("Authorization", "Bearer "+d.settings.token)
	}
	resp, err := client.Do(req)
	if err != nil {
		return withoutURL(err).Error()
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "answers " + resp.Status
	}
	return "ok"
}
