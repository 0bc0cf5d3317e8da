package selfmetrics

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"sync"
)

// Readiness is a set of named checks; the process is ready when all pass. The
// zero value has none and is ready.
type Readiness struct {
	checks struct {
		sync.Mutex // held to read or change the map, never while a check runs
		byName     map[string]func() error
	}
}

// NotReady is one failed check, a JSON line of /readyz.
type NotReady struct {
	Check  string `json:"check"`
	Reason string `json:"reason"`
}

// Register adds a check or replaces the one of the same name. A check must be
// quick and safe to call concurrently.
func (r *Readiness) Register(name string, check func() error) {
	r.checks.Lock()
	defer r.checks.Unlock()
	if r.checks.byName == nil {
		r.checks.byName = map[string]func() error{}
	}
	r.checks.byName[name] = check
}

// Failures runs all checks at once and returns those that fail, by name.
func (r *Readiness) Failures() []NotReady {
	r.checks.Lock()
	checks := maps.Clone(r.checks.byName)
	r.checks.Unlock()

	names := slices.Sorted(maps.Keys(checks))
	errs := make([]error, len(names))
	var wg sync.WaitGroup
	for i, name := range names {
		wg.Go(func() { errs[i] = checks[name]() })
	}
	wg.Wait()

	var failed []NotReady
	for i, name := range names {
		if errs[i] != nil {
			failed = append(failed, NotReady{name, errs[i].Error()})
		}
	}
	return failed
}

// ServeHTTP answers 200, or 503 and one JSON line per reason.
func (r *Readiness) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	failed := r.Failures()
	if len(failed) == 0 {
		_, _ = w.Write([]byte("ok\n"))
		return
	}
	w.Header().Set("Content-Type", "application/jsonl")
	w.WriteHeader(http.StatusServiceUnavailable)
	enc := json.NewEncoder(w)
	for _, f := range failed {
		_ = enc.Encode(f)
	}
}
