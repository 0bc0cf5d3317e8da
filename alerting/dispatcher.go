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

// Journal remembers every attempt. Append returns when all
// rows are durable, or none is. Both may be called from several goroutines at once.
type Journal interface {
	Append(ctx context.Context, rows ...schemas.Notification) error

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
	cfg       Config
	options   Options
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
	d := &Dispatcher{cfg: cfg, options: o}
	for i := range cfg.Receivers {
		d.receivers = append(d.receivers, newReceiver(cfg.Receivers[i], cfg.ExternalURL, journal, o))
	}
	return d, nil
}

// Notify tells every receiver about a revision of an incident, whatever routes
// say, and returns when each has taken it or it was dropped for a reason that
// the journal tells. An error means that some receiver is still to be told,
// because ctx ended or the journal is away for good: call again with the same
// revision. Receivers that have it already are not told again.
func (d *Dispatcher) Notify(ctx context.Context, inc schemas.Incident) error {
	errs := make([]error, len(d.receivers))
	var wg sync.WaitGroup
	for i, r := range d.receivers {
		if rank(inc.Severity) < rank(r.least) {
			continue
		}
		wg.Go(func() {
			if _, err := r.notify(ctx, notice{told: []Told{{Incident: inc, Labels: labelsOf(&inc)}}}); err != nil {
				errs[i] = fmt.Errorf("notify %s of incident %s revision %d: %w", r.name, inc.ID, inc.Revision, err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// receiver by its name, nil for none.
func (d *Dispatcher) receiver(name string) *receiver {
	for _, r := range d.receivers {
		if r.name == name {
			return r
		}
	}
	return nil
}

// Close closes idle connections. Notify must have returned.
func (d *Dispatcher) Close() {
	for _, r := range d.receivers {
		r.client.CloseIdleConnections()
	}
}
