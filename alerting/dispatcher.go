package alerting

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/driftline/driftline/schemas"
)

// Journal remembers every attempt. Append returns when the row is durable.
// Both may be called from several goroutines at once.
type Journal interface {
	Append(ctx context.Context, n schemas.Notification) error

	// Delivered is the highest revision of an incident that is settled with a
	// receiver, 0 for none.
	Delivered(ctx context.Context, incidentID, receiver string) (revision uint64, err error)
}

// Options of a Dispatcher; the zero value is useful.
type Options struct {
	Log     *slog.Logger // default: nothing is logged
	Metrics *metrics.Set // default: a set of its own
	Version string       // of Driftline, for the user agent. Default dev

	// For tests: fake networks and short pauses.
	dial    func(ctx context.Context, network, addr string) (net.Conn, error)
	backoff time.Duration
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Metrics == nil {
		o.Metrics = metrics.NewSet()
	}
	if o.Version == "" {
		o.Version = "dev"
	}
	if o.backoff == 0 {
		o.backoff = time.Second
	}
	return o
}

// Dispatcher tells every receiver about every incident. It may be used by
// several goroutines at once: notifications of one incident to one receiver
// keep their order, all else runs in parallel.
type Dispatcher struct {
	receivers []*receiver
}

// New makes a Dispatcher; the error names every mistake in the configuration.
func New(cfg Config, journal Journal, opts ...Options) (*Dispatcher, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configure alerting: %w", err)
	}
	var o Options
	if len(opts) > 0 {
		o = opts[0]
	}
	o = o.withDefaults()
	d := &Dispatcher{}
	for i := range cfg.Receivers {
		d.receivers = append(d.receivers, newReceiver(cfg.Receivers[i], cfg.ExternalURL, journal, o))
	}
	return d, nil
}

// Notify tells every receiver about a revision of an incident and returns when
// each has taken it or it was dropped for a reason that the journal tells. An
// error means that some receiver is still to be told, because ctx ended or the
// journal is away for good: call again with the same revision. Receivers that
// have it already are not told again.
func (d *Dispatcher) Notify(ctx context.Context, inc schemas.Incident) error {
	errs := make([]error, len(d.receivers))
	var wg sync.WaitGroup
	for i, r := range d.receivers {
		wg.Go(func() {
			if err := r.notify(ctx, &inc); err != nil {
				errs[i] = fmt.Errorf("notify %s of incident %s revision %d: %w", r.name, inc.ID, inc.Revision, err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Close closes idle connections. Notify must have returned.
func (d *Dispatcher) Close() {
	for _, r := range d.receivers {
		r.client.CloseIdleConnections()
	}
}
