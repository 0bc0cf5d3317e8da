// Package querytest fills a store with a small fleet that went wrong, for tests
// and benchmarks of what is read from it. It is made in the store itself, so
// that large fleets take seconds.
package querytest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/driftline/driftline/detectors"
	store "github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/schemas"
	"github.com/driftline/driftline/schemas/ddl"
)

// Fleet to be made: Models m0, m1, …, each with Features f0, f1, … judged every
// Window from From to To. m0 drifts in f0 in the last quarter, for a GPU that
// throttles.
type Fleet struct {
	Models, Features int
	From, To         time.Time
	Window           time.Duration
}

// Small is the fleet of tests: three models, six hours that end now.
func Small() Fleet {
	to := time.Now().UTC().Truncate(5 * time.Minute)
	return Fleet{Models: 3, Features: 6, From: to.Add(-6 * time.Hour), To: to, Window: 5 * time.Minute}
}

// Broken is when m0's trouble began.
func (f Fleet) Broken() time.Time {
	return f.To.Add(-f.To.Sub(f.From) / 4).Truncate(f.Window)
}

// Incident of the trouble.
const Incident = "inc-0123456789abcdef"

// Seed a store that has been migrated.
func (f Fleet) Seed(ctx context.Context, db *store.DB) error {
	from, to, broken := f.From.Unix(), f.To.Unix(), f.Broken().Unix()
	windows := int64(f.To.Sub(f.From) / f.Window)
	width := int64(f.Window.Seconds())
	var statements []string
	add := func(format string, args ...any) { statements = append(statements, fmt.Sprintf(format, args...)) }
	// Signals: a window, a model, a feature, a detector a row.
	add(`INSERT INTO signals (tenant, model, version, segment, feature, detector, window_start, window_end, score, unit, threshold, p_value, n_reference, n_window, reference, importance, state, reason, evaluated_at)
SELECT 'default', concat('m', toString(intDiv(k, %[1]d * 2) %% %[2]d)) AS m, '1', '', concat('f', toString(intDiv(k, 2) %% %[1]d)) AS f, if(k %% 2 = 0, 'psi', 'wasserstein') AS d,
  toDateTime64(%[3]d + w * %[4]d, 3, 'UTC') AS start, start + INTERVAL %[4]d SECOND AS end,
  if(m = 'm0' AND f = 'f0' AND toUnixTimestamp(end) > %[5]d, 0.6, 0.05) + 0.1 * (cityHash64(k, w) %% 1000) / 1000 AS s, if(d = 'psi', 'nats', 'sd'), 0.2, if(s > 0.2, 0.0001, 0.4), 5000, 300, 'training@0123456789ab', if(f = 'f1', 2., 0.),
  if(s > 0.2, 'alarm', 'ok'), concat(f, ' scores ', toString(round(s, 3))), end + INTERVAL 35 SECOND
FROM (SELECT number %% %[6]d AS w, intDiv(number, %[6]d) AS k FROM numbers(%[7]d))`,
		f.Features, f.Models, from, width, broken, windows, windows*int64(f.Models*f.Features*2))
	add(`INSERT INTO signals (tenant, model, version, segment, feature, detector, window_start, window_end, score, unit, threshold, p_value, n_reference, n_window, reference, state, reason, evaluated_at)
SELECT 'default', concat('m', toString(number %% %[1]d)), '', '', '', arrayJoin(['silent_label_feed', 'performance_roc_auc', 'silent_monitor_blind']) AS d, toDateTime64(%[2]d + intDiv(number, %[1]d) * %[3]d, 3, 'UTC') AS start, start + INTERVAL %[3]d SECOND AS end,
  0, 's', 600, 1, 0, 50, '', if(d = 'silent_label_feed' AND number %% %[1]d = 1 AND toUnixTimestamp(end) > %[4]d, 'no_data', 'ok'), 'labels come', end + INTERVAL 40 SECOND FROM numbers(%[5]d)`,
		f.Models, from, width, broken, windows*int64(f.Models))
	// Performance of each window.
	add(`INSERT INTO outcome_stats (tenant, model, version, segment, metric, window_start, window_end, predictions, labelled, one_of, realised, realised_se, estimated, estimated_se, deficit, final, evaluated_at)
SELECT 'default', concat('m', toString(number %% %[1]d)) AS m, '1', '', 'roc_auc', toDateTime64(%[2]d + intDiv(number, %[1]d) * %[3]d, 3, 'UTC') AS start, start + INTERVAL %[3]d SECOND AS end, 300, if(final, 280, 90), 1,
  if(m = 'm0' AND toUnixTimestamp(end) > %[4]d, 0.71, 0.88) AS r, 0.02, 0.87, 0.01, 0.87 - r, toUnixTimestamp(end) < %[5]d AS final, end + INTERVAL 60 SECOND FROM numbers(%[6]d)`,
		f.Models, from, width, broken, to-3600, windows*int64(f.Models))
	// Rows and their states: two numeric features and a category.
	add(`INSERT INTO inference_events (tenant, model, version, segment, timestamp, request_id, deployment, pod, node, gpu, num, cat, _topic, _partition, _offset)
SELECT 'default', concat('m', toString(number %% %[1]d)) AS m, '1', if(number %% 4 = 0, 'north', 'south'), toDateTime64(%[2]d + (%[3]d * intDiv(number, %[1]d)) / %[4]d, 3, 'UTC') AS ts, toString(number), concat(m, '-d'), concat(m, '-p0'), 'n1', '0',
  [toFloat32(0.5), 20 + cityHash64(number) %% 10, toFloat32(randCanonical(number) + if(m = 'm0' AND toUnixTimestamp(ts) > %[5]d, 0.5, 0.)), toFloat32(randCanonical(number + 1) * 100)],
  [if(number %% 3 = 0, 'yes', 'no'), if(m = 'm0' AND toUnixTimestamp(ts) > %[5]d AND number %% 2 = 0, 'moon', arrayElement(['sun', 'rain', 'snow'], number %% 3 + 1))], 'inference', 0, number FROM numbers(%[6]d)`,
		f.Models, from, to-from, eventsOf(f), broken, eventsOf(f)*f.Models)
	for m := range f.Models { // one at a time, for the memory of the embedded engine
		add(`INSERT INTO feature_sketches_1m SELECT tenant, model, version, segment, toStartOfMinute(timestamp) AS minute, count(),
  sumForEachState(arrayMap(x -> toUInt8(isFinite(x)), num)), sumForEachState(arrayMap(x -> toUInt8(isFinite(x) AND x = round(x)), num)), sumForEachState(arrayMap(x -> toFloat64(x), num)), sumForEachState(arrayMap(x -> toFloat64(x) * x, num)),
  minForEachState(num), maxForEachState(num), quantilesTDigestForEachState(%s)(num), sumMapForEachState(arrayMap(c -> map(toString(c), toUInt64(1)), cat))
FROM inference_events WHERE model = 'm%d' GROUP BY tenant, model, version, segment, minute`, ddl.LevelList(), m)
	}
	add(`INSERT INTO labels (tenant, model, request_id, timestamp, label, value, _topic, _partition, _offset) SELECT tenant, model, request_id, timestamp + INTERVAL 5 SECOND, prediction, NULL, 'labels', 0, _offset FROM inference_events WHERE _offset %% 3 = 0`)
	// Telemetry of a GPU for each model, one of which throttles.
	add(`INSERT INTO telemetry (tenant, timestamp, source, metric, value, unit, model, deployment, pod, node, gpu, labels, _topic, _partition, _offset)
SELECT 'default', toDateTime64(%[2]d + 30 * intDiv(number, %[1]d), 3, 'UTC') AS ts, 'dcgm', arrayJoin(['gpu_temperature_celsius', 'gpu_sm_clock_mhz', 'requests_total']) AS metric,
  multiIf(metric = 'requests_total', 10. * intDiv(number, %[1]d), metric = 'gpu_temperature_celsius', 65 + cityHash64(number) %% 5 + if(number %% %[1]d = 0 AND toUnixTimestamp(ts) > %[3]d, 25, 0), 1900 - if(number %% %[1]d = 0 AND toUnixTimestamp(ts) > %[3]d, 900, 0)),
  multiIf(metric = 'requests_total', '', metric = 'gpu_temperature_celsius', 'celsius', 'MHz'), '', '', '', concat('n', toString(number %% %[1]d)), '0', map(), 'telemetry', 0, number FROM numbers(%[4]d)`,
		f.Models, from, broken, (to-from)/30*int64(f.Models))
	add("INSERT INTO changes (tenant, id, timestamp, kind, entity, model, `from`, `to`, author, description, _topic, _partition, _offset) VALUES ('default', 'chg-1', toDateTime64(%d, 3, 'UTC'), 'deploy', 'deployment/m0-d', 'm0', '0', '1', 'ana', 'a new version', 'changes', 0, 1), ('default', 'chg-2', toDateTime64(%d, 3, 'UTC'), 'driver', 'node/n0', '', '550', '560', 'ops', 'driver update', 'changes', 0, 2)", from+600, broken-900)
	add("INSERT INTO job_events (tenant, job, run_id, timestamp, state, attempt, model, node, gpu, items_in, items_out, bytes_out, duration_ms, error, _topic, _partition, _offset) VALUES ('default', 'embed', 'run-1', toDateTime64(%d, 3, 'UTC'), 'failed', 1, 'm0', 'n0', '0', 10, 0, 0, 12, 'out of memory', 'jobs', 0, 1)", broken)
	add("INSERT INTO retraining_log (timestamp, tenant, model, incident_id, kind, state, reason, detail, actor, key, run_id, version) VALUES (toDateTime64(%d, 3, 'UTC'), 'default', 'm0', '%s', 'decision', 'withheld', 'infrastructure', 'withheld: the cause is infrastructure', '', '', '', '')", broken+700, Incident)
	add("INSERT INTO notifications (tenant, timestamp, incident_id, revision, receiver, kind, action, key, attempt, status, http_status, duration_ms, error) VALUES ('default', toDateTime64(%d, 3, 'UTC'), '%s', 1, 'pager', 'pagerduty', 'trigger', 'k', 1, 'delivered', 202, 12, '')", broken+650, Incident)
	add("INSERT INTO incident_actions (tenant, model, incident_id, id, timestamp, kind, author, comment, until) VALUES ('default', 'm0', '%s', 'act-1', toDateTime64(%d, 3, 'UTC'), 'acknowledge', 'ana', 'looking', NULL)", Incident, broken+800)
	for _, s := range statements {
		if err := db.Conn().Exec(ctx, s); err != nil {
			return fmt.Errorf("seed: %w in %s", err, strings.SplitN(s, "\n", 2)[0])
		}
	}
	return f.findings(ctx, db)
}

// eventsOf a model: 5 a second in small fleets, less in large ones.
func eventsOf(f Fleet) int {
	return min(int(f.To.Sub(f.From).Seconds())*5, 40_000, 1_000_000/f.Models)
}

// findings that have types of their own.
func (f Fleet) findings(ctx context.Context, db *store.DB) error {
	var entries []schemas.SchemaEntry
	for m := range f.Models {
		key := schemas.SchemaKey{Tenant: schemas.DefaultTenant, Model: fmt.Sprintf("m%d", m), Version: "1"}
		entries = append(entries,
			schemas.SchemaEntry{SchemaKey: key, Kind: schemas.Numeric, Position: 2, Name: "f0"}, schemas.SchemaEntry{SchemaKey: key, Kind: schemas.Numeric, Position: 3, Name: "f1"},
			schemas.SchemaEntry{SchemaKey: key, Kind: schemas.Categorical, Position: 1, Name: "f2"})
	}
	if err := db.PutFeatureSchema(ctx, entries); err != nil {
		return err
	}
	key := schemas.ModelKey{Tenant: schemas.DefaultTenant, Model: "m0"}
	before, err := db.Summaries(ctx, key, schemas.Span{Start: f.From.Truncate(time.Minute), End: f.From.Add(f.To.Sub(f.From) / 4).Truncate(time.Minute)})
	if err != nil || len(before) != 1 {
		return fmt.Errorf("seed: reference of %d versions: %w", len(before), err)
	}
	ref := detectors.MakeReference(key, "training", "seed", before[0].Features)
	ref.Version, ref.CreatedAt = "0123456789ab", f.From
	if err := db.PutReference(ctx, &ref); err != nil {
		return err
	}
	broken := f.Broken()
	onset := broken.Add(-2 * time.Minute)
	signal := schemas.Signal{
		Tenant: key.Tenant, Model: key.Model, Version: "1", Feature: "f0", Detector: "psi", WindowStart: broken, WindowEnd: broken.Add(f.Window), Score: 0.65, Unit: "nats", Threshold: 0.2, PValue: 1e-4,
		NReference: 5000, NWindow: 300, Reference: ref.ID(), State: schemas.StateAlarm, Reason: "f0 moved", EvaluatedAt: broken.Add(f.Window + 35*time.Second),
	}
	evidence := schemas.Evidence{Entity: "gpu/n0:0", Metric: "gpu_temperature_celsius", Before: 67, After: 92, Z: 9.5, N: 60, Onset: onset, LeadS: 120, Text: "temperature rose from 67 to 92 °C"}
	return db.PutIncident(ctx, schemas.Incident{
		ID: Incident, Revision: 1, Tenant: key.Tenant, Model: key.Model, State: schemas.IncidentOpen, Severity: schemas.SeverityError, Title: "m0: drift in f0", Summary: "f0 moved by 0.65 nats since then.",
		Onset: broken, OpenedAt: broken.Add(f.Window), UpdatedAt: f.To, Versions: []string{"1"}, Features: []string{"f0"}, Signals: []schemas.Signal{signal},
		Diagnosis: &schemas.Diagnosis{
			At: f.To, Advice: "Do not retrain: GPU n0:0 is throttling.", Unobserved: []string{"provider/x"},
			Causes: []schemas.Cause{
				{Entity: "gpu/n0:0", Kind: schemas.CauseInfrastructure, Mechanism: "thermal_throttle", Title: "GPU n0:0 is throttling for heat", Metric: evidence.Metric, Score: 4.2, Confidence: 0.91, Onset: onset, Path: []string{"gpu/n0:0", "pod/m0-p0", "model/m0"}, Evidence: []schemas.Evidence{evidence}},
				{Kind: schemas.CauseUnobserved, Title: "something that is not measured", Score: 0.4, Confidence: 0.06, Onset: broken},
			},
			RuledOut: []schemas.RuledOut{{Entity: "change/chg-2", Metric: "driver", Reason: "it came after the onset of others of its node"}},
		},
	})
}
