package retrain

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/driftline/driftline/alerting"
	"github.com/driftline/driftline/schemas"
)

// Journal keeps how retrainings stand. What it took is durable.
type Journal interface {
	Retrainings(ctx context.Context) ([]schemas.Retraining, error) // the newest revision of each
	PutRetraining(ctx context.Context, r schemas.Retraining) error

	// RetrainingInputs are what people and pipelines said: approvals, denials
	// and callbacks, oldest first.
	RetrainingInputs(ctx context.Context) ([]schemas.RetrainingEntry, error)
}

// Auditor is told every decision, the negative ones too, every step, approval
// and callback, before it takes effect; after a crash maybe twice.
type Auditor interface {
	Audit(ctx context.Context, e schemas.RetrainingEntry) error
}

// Evidence is what the store knows of incidents and models.
type Evidence interface {
	Incidents(ctx context.Context, state schemas.IncidentState) ([]schemas.Incident, error)

	// Incident of a model by its id, nil when there is none.
	Incident(ctx context.Context, key schemas.ModelKey, id string) (*schemas.Incident, error)

	// LastAlarm is the end of the newest window since a time in which one of
	// the features alarmed; zero for none.
	LastAlarm(ctx context.Context, key schemas.ModelKey, features []string, since time.Time) (time.Time, error)

	// CountLabelled counts what [Feedback.EachLabelled] would give.
	CountLabelled(ctx context.Context, key schemas.ModelKey, span schemas.Span) (uint64, error)

	VersionsSince(ctx context.Context, key schemas.ModelKey, since time.Time) ([]schemas.VersionTraffic, error)
	VersionHealth(ctx context.Context, key schemas.ModelKey, version string, since time.Time) (schemas.VersionHealth, error)
}

// Store is all of it.
type Store interface {
	Journal
	Auditor
	Evidence
	Feedback
}

// Options of a Runner; the zero value is useful.
type Options struct {
	Log     *slog.Logger // default: nothing is logged
	Metrics *metrics.Set // default: a set of its own
	Version string       // of Driftline, for the user agent. Default dev

	// Tell people: an incident of its own whose revisions 1 to 4 are an
	// approval wanted, that being settled, an escalation and its end. It
	// returns when they were told. Default: nobody is told.
	Tell func(ctx context.Context, inc schemas.Incident) error

	now   func() time.Time // for tests
	pause time.Duration    // before the second try
}

// Pauses between tries double from the first to the longest.
const (
	firstPause   = 10 * time.Second
	longestPause = 5 * time.Minute
)

// Runner decides about retrainings and sees them through. One goroutine calls
// Round; all state is in the store. Two Runners at once, as for a moment when
// work moves between instances, send the same keys.
type Runner struct {
	cfg     Config
	models  map[schemas.ModelKey]*Model
	targets map[string]target
	close   []func()
	depot   depot
	store   Store
	o       Options
	metrics runnerMetrics

	busy struct {
		sync.Mutex
		by    map[string]bool               // keys whose next step is being taken
		known map[string]schemas.Retraining // revisions that were put and not read back yet, by key
	}
	retry struct {
		sync.Mutex
		at map[string]time.Time // not before, by key
	}
	wg sync.WaitGroup
}

// New makes a Runner; the error names every mistake in the configuration.
func New(cfg Config, store Store, o Options) (*Runner, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configure retraining: %w", err)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Metrics == nil {
		o.Metrics = metrics.NewSet()
	}
	if o.Version == "" {
		o.Version = "dev"
	}
	if o.Tell == nil {
		o.Tell = func(context.Context, schemas.Incident) error { return nil }
	}
	if o.now == nil {
		o.now = time.Now
	}
	if o.pause == 0 {
		o.pause = firstPause
	}
	r := &Runner{cfg: cfg, models: map[schemas.ModelKey]*Model{}, targets: map[string]target{}, store: store, o: o, metrics: runnerMetrics{o.Metrics}}
	r.busy.by, r.busy.known, r.retry.at = map[string]bool{}, map[string]schemas.Retraining{}, map[string]time.Time{}
	for i := range cfg.Models {
		r.models[cfg.Models[i].Key()] = &cfg.Models[i]
	}
	for _, t := range cfg.Targets {
		var out *alerting.Outward
		r.targets[t.Name], out = newTarget(t, o.Version)
		r.close = append(r.close, out.Close)
	}
	var err error
	r.depot = folder{cfg.Dataset.Path}
	if cfg.Dataset.S3 != nil {
		r.depot, err = newBucket(*cfg.Dataset.S3, o.Version)
	}
	return r, err
}

// Wait until every step that was begun has ended.
func (r *Runner) Wait() { r.wg.Wait() }

// Close waits and closes idle connections.
func (r *Runner) Close() {
	r.wg.Wait()
	for _, c := range r.close {
		c()
	}
}

func (r *Runner) now() time.Time { return r.o.now().UTC().Truncate(time.Millisecond) }

// Run makes rounds until ctx ends; nudge asks for one at once.
func (r *Runner) Run(ctx context.Context, nudge <-chan struct{}) {
	every := time.NewTicker(r.cfg.Every)
	defer every.Stop()
	defer r.wg.Wait()
	for {
		if err := r.Round(ctx); err != nil && ctx.Err() == nil {
			r.o.Log.Warn("look at retrainings", "err", err, "next_try_in", r.cfg.Every)
		}
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		case <-nudge:
		}
	}
}

// Round judges every open incident of the configured models and begins the
// next step of every retraining that is due one. Steps go on by themselves: a
// slow target holds back nothing else.
func (r *Runner) Round(ctx context.Context) error {
	b, err := r.board(ctx)
	if err == nil {
		err = r.judge(ctx, b)
	}
	outcome := "ok"
	if err != nil {
		outcome = "failed"
	}
	r.metrics.rounds(outcome).Inc()
	if b == nil {
		return err
	}
	flying := 0
	for _, row := range b.rows {
		if row.State.InFlight() {
			flying++
		}
		r.advance(ctx, *row, b.inputs[row.Key])
	}
	r.metrics.inFlight().Set(float64(flying))
	return err
}

// board is what one round starts from.
type board struct {
	rows      map[place]*schemas.Retraining
	incidents map[place]*schemas.Incident // open ones of configured models
	inputs    map[string][]schemas.RetrainingEntry
}

// place is one incident of one model.
type place struct {
	schemas.ModelKey
	incident string
}

func (r *Runner) board(ctx context.Context) (*board, error) {
	b := &board{rows: map[place]*schemas.Retraining{}, incidents: map[place]*schemas.Incident{}, inputs: map[string][]schemas.RetrainingEntry{}}
	rows, err := r.store.Retrainings(ctx)
	if err != nil {
		return nil, err
	}
	for _, row := range r.newest(rows) {
		b.rows[place{row.ModelKey(), row.IncidentID}] = &row
	}
	inputs, err := r.store.RetrainingInputs(ctx)
	if err != nil {
		return nil, err
	}
	for _, e := range inputs {
		b.inputs[e.Key] = append(b.inputs[e.Key], e)
	}
	open, err := r.store.Incidents(ctx, schemas.IncidentOpen)
	if err != nil {
		return nil, err
	}
	for i := range open {
		if r.models[open[i].ModelKey()] != nil {
			b.incidents[place{open[i].ModelKey(), open[i].ID}] = &open[i]
		}
	}
	return b, r.addClosed(ctx, b)
}

// addClosed adds the incidents that are over and whose retraining still waits.
func (r *Runner) addClosed(ctx context.Context, b *board) error {
	for at, row := range b.rows {
		waits := row.State == schemas.RetrainingWaiting || row.State == schemas.RetrainingAsked
		if !waits || b.incidents[at] != nil || r.models[at.ModelKey] == nil {
			continue
		}
		inc, err := r.store.Incident(ctx, at.ModelKey, at.incident)
		if err != nil {
			return err
		}
		if inc == nil { // expired
			inc = &schemas.Incident{ID: at.incident, Tenant: at.Tenant, Model: at.Model, State: schemas.IncidentResolved}
		}
		b.incidents[at] = inc
	}
	return nil
}

// judge decides, oldest incident first.
func (r *Runner) judge(ctx context.Context, b *board) error {
	var order []place
	for at := range b.incidents {
		order = append(order, at)
	}
	slices.SortFunc(order, func(x, y place) int {
		return b.incidents[x].Onset.Compare(b.incidents[y].Onset)*2 + strings.Compare(x.incident, y.incident)
	})
	var errs []error
	for _, at := range order {
		if err := r.decide(ctx, b, at); err != nil {
			errs = append(errs, fmt.Errorf("decide about incident %s of %s: %w", at.incident, at.Model, err))
		}
	}
	return errors.Join(errs...)
}

// decided tells the states that a decision may still change.
func decided(s schemas.RetrainingState) bool {
	switch s {
	case "", schemas.RetrainingWaiting, schemas.RetrainingWithheld, schemas.RetrainingDryRun, schemas.RetrainingAsked:
		return true
	default:
		return false
	}
}

func (r *Runner) decide(ctx context.Context, b *board, at place) error {
	row, inc, m := b.rows[at], b.incidents[at], r.models[at.ModelKey]
	if row == nil {
		now := r.now()
		row = &schemas.Retraining{Tenant: at.Tenant, Model: at.Model, IncidentID: at.incident, Key: Key(at.ModelKey, at.incident), SeenAt: now}
	}
	if !decided(row.State) {
		return nil
	}
	next := *row
	d, err := r.assess(ctx, b, m, inc, &next)
	if err != nil || d.State == row.State && string(d.Reason) == row.Reason {
		return err
	}
	next.Target, next.Versions, next.Cause = m.Target, inc.Versions, ""
	if inc.Diagnosis != nil && len(inc.Diagnosis.Causes) > 0 {
		next.Cause = inc.Diagnosis.Causes[0].Kind
	}
	next.Reference = references(inc)
	if d.State == schemas.RetrainingExporting {
		now := r.now()
		next.DecidedAt = &now
	}
	r.metrics.decisions(d).Inc()
	r.o.Log.Info("retraining", "incident", at.incident, "tenant", at.Tenant, "model", at.Model, "decision", d.State, "reason", d.Reason, "detail", d.Detail)
	if err := r.move(ctx, &next, schemas.RetrainingDecision, d.State, string(d.Reason), d.Detail); err != nil {
		return err
	}
	if row.State == schemas.RetrainingAsked {
		r.settleApproval(ctx, inc, &next)
	}
	b.rows[at] = &next
	return nil
}

// assess gathers the facts and decides. What costs a question to the store is
// asked only when all else speaks for it.
func (r *Runner) assess(ctx context.Context, b *board, m *Model, inc *schemas.Incident, row *schemas.Retraining) (Decision, error) {
	f := Facts{Now: r.now(), Incident: *inc, SeenAt: row.SeenAt, Approval: approvalOf(b.inputs[row.Key])}
	switch {
	case row.State == schemas.RetrainingAsked:
		f.AskedAt = row.StateAt
	case row.Reason == string(ReasonApprovalLate): // nobody is asked again
		f.AskedAt = row.StateAt.Add(-m.ApprovalWithin)
	}
	b.others(m, row, &f)
	if stop(m, &f) == nil && diagnosed(m, &f) == nil {
		var err error
		if f.LastAlarm, err = r.store.LastAlarm(ctx, m.Key(), inc.Features, inc.Onset); err != nil {
			return Decision{}, err
		}
		row.WindowStart, row.WindowEnd = inc.Onset, f.LastAlarm
		if from := f.LastAlarm.Add(-m.MaxWindow); from.After(inc.Onset) {
			row.WindowStart = from
		}
		if persisted(&f) >= m.Persist && row.WindowEnd.After(row.WindowStart) {
			if f.LabelledRows, err = r.store.CountLabelled(ctx, m.Key(), schemas.Span{Start: row.WindowStart, End: row.WindowEnd}); err != nil {
				return Decision{}, err
			}
		}
		row.Rows = f.LabelledRows
	}
	return Decide(m, f), nil
}

// others adds what the model's other retrainings say.
func (b *board) others(m *Model, row *schemas.Retraining, f *Facts) {
	for at, o := range b.rows {
		if at.ModelKey != m.Key() || at.incident == row.IncidentID {
			continue
		}
		if o.State.InFlight() {
			f.InFlight = o.IncidentID
		}
		if o.DecidedAt == nil {
			continue
		}
		if o.DecidedAt.After(f.LastFired) {
			f.LastFired = *o.DecidedAt
		}
		if f.Now.Sub(*o.DecidedAt) < m.BudgetPeriod {
			f.Fired++
		}
	}
}

// approvalOf is the last word of people.
func approvalOf(entries []schemas.RetrainingEntry) (a Approval) {
	for _, e := range entries {
		switch e.Kind {
		case schemas.RetrainingApproval:
			a = Approval{Given: true, By: e.Actor, Comment: e.Detail}
		case schemas.RetrainingDenial:
			a = Approval{Denied: true, By: e.Actor, Comment: e.Detail}
		}
	}
	return a
}

// references that an incident's signals were measured against.
func references(inc *schemas.Incident) string {
	var out []string
	for i := range inc.Signals {
		if ref := inc.Signals[i].Reference; ref != "" && !slices.Contains(out, ref) {
			out = append(out, ref)
		}
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// move a retraining into a state: first it is audited, then it is so.
func (r *Runner) move(ctx context.Context, row *schemas.Retraining, kind string, state schemas.RetrainingState, reason, detail string) error {
	now := r.now()
	if row.State != state {
		row.StateAt, row.Attempts, row.Error = now, 0, ""
	}
	row.State, row.Reason, row.Detail, row.UpdatedAt = state, reason, detail, now
	row.Revision++
	err := r.store.Audit(ctx, schemas.RetrainingEntry{
		Time: now, Tenant: row.Tenant, Model: row.Model, IncidentID: row.IncidentID, Kind: kind, State: string(state), Reason: reason, Detail: detail,
		Actor: "driftline", Key: row.Key, RunID: row.RunID, Version: row.NewVersion,
	})
	if err != nil {
		return err
	}
	if kind == schemas.RetrainingStep {
		r.metrics.steps(state).Inc()
	}
	return r.put(ctx, row)
}

// put a revision, and remember it until it is read back.
func (r *Runner) put(ctx context.Context, row *schemas.Retraining) error {
	if err := r.store.PutRetraining(ctx, *row); err != nil {
		return err
	}
	r.busy.Lock()
	defer r.busy.Unlock()
	r.busy.known[row.Key] = *row
	return nil
}

// newest revisions: what was read, or what was put since, which a replica may
// not show yet.
func (r *Runner) newest(read []schemas.Retraining) (out []schemas.Retraining) {
	r.busy.Lock()
	defer r.busy.Unlock()
	ahead := maps.Clone(r.busy.known)
	for _, row := range read {
		known, put := ahead[row.Key]
		delete(ahead, row.Key)
		switch {
		case put && known.Revision > row.Revision:
			row = known
		case put:
			delete(r.busy.known, row.Key)
		}
		out = append(out, row)
	}
	for _, row := range ahead {
		out = append(out, row)
	}
	return out
}
