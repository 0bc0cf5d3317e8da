package retrain

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/driftline/driftline/schemas"
)

// Trigger is what a target is told.
type Trigger struct {
	Key         string // idempotency key, the same however often it is sent
	Requested   time.Time
	Tenant      string
	Model       string
	Versions    []string // that drift
	IncidentID  string
	Title       string // of the incident
	Cause       schemas.CauseKind
	Onset       time.Time
	Reference   string
	Window      schemas.Span
	Rows        uint64
	DatasetURI  string
	ManifestURI string
	SHA256      string
	CallbackURL string
	Parameters  map[string]string // of the model's configuration
}

var plainID = regexp.MustCompile(`^[a-z0-9-]{12,40}$`)

// Key of the one retraining of an incident: 39 characters for Driftline's own
// incidents, 35 to 63 in general, of a-z, 0-9 and "-": fit for a dag_run_id, a name of
// Kubernetes and a ClientRequestToken (32 to 128).
func Key(k schemas.ModelKey, incidentID string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q", k.Tenant, k.Model, incidentID))
	if plainID.MatchString(incidentID) {
		return fmt.Sprintf("driftline-%s-%x", incidentID, sum[:6])
	}
	return fmt.Sprintf("driftline-%x", sum[:16])
}

// fieldNames are the names of what a trigger tells, in their order.
var fieldNames = []string{
	"key", "tenant", "model", "versions", "incident", "title", "cause", "onset", "reference", "window_start", "window_end",
	"dataset_uri", "dataset_manifest", "dataset_sha256", "dataset_rows", "callback_url",
}

func (t *Trigger) fields() map[string]string {
	at := func(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
	versions, _ := json.Marshal(append([]string{}, t.Versions...)) // strings always marshal
	return map[string]string{
		"key": t.Key, "tenant": t.Tenant, "model": t.Model, "versions": string(versions), "incident": t.IncidentID, "title": t.Title,
		"cause": string(t.Cause), "onset": at(t.Onset), "reference": t.Reference, "window_start": at(t.Window.Start), "window_end": at(t.Window.End),
		"dataset_uri": t.DatasetURI, "dataset_manifest": t.ManifestURI, "dataset_sha256": t.SHA256, "dataset_rows": strconv.FormatUint(t.Rows, 10),
		"callback_url": t.CallbackURL,
	}
}

var placeholder = regexp.MustCompile(`\{([a-z0-9_]+)\}`)

// parameters by the pipeline's own names: those that the model's configuration
// gives, or all fields.
func (t *Trigger) parameters() map[string]string {
	fields := t.fields()
	if len(t.Parameters) == 0 {
		return fields
	}
	out := map[string]string{}
	for name, value := range t.Parameters {
		out[name] = placeholder.ReplaceAllStringFunc(value, func(p string) string { return fields[p[1:len(p)-1]] })
	}
	return out
}

// pairs are parameters as name and value, in the order of their names.
func (t *Trigger) pairs() (out [][2]string) {
	all := t.parameters()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		out = append(out, [2]string{name, all[name]})
	}
	return out
}

// note for people, in targets that have a place for one.
func (t *Trigger) note() string {
	return fmt.Sprintf("Driftline: %s (incident %s)", t.Title, t.IncidentID)
}
