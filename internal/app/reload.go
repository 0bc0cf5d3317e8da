package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/driftline/driftline/internal/audit"
	"github.com/driftline/driftline/internal/config"
)

// Reload is how a running process takes a new configuration: at each value of
// Asked, Load reads it. The API asks by the same channel.
type Reload struct {
	Asked chan os.Signal
	Load  func() (Config, error)
}

// Run starts the roles and returns when ctx ends or one of them fails. It owns
// the process: the garbage collector runs as cfg says.
//
// A reload that is valid and differs stops the roles as a shutdown does, with
// every batch finished and committed, and starts them anew with the new
// configuration; if that fails they start again with the old one. Whatever is
// wrong with the new configuration, the process goes on with the old.
func Run(ctx context.Context, cfg Config, roles []Role, log *slog.Logger, reload Reload) error {
	var books reloads
	start := func(cfg Config) (*App, error) {
		a, err := start(ctx, cfg, roles, log, reload.ask)
		if err == nil {
			a.collectGarbage()
			books.register(a.set)
			a.tellSupervisor(daemon.SdNotifyReady)
		}
		return a, err
	}
	a, err := start(cfg)
	if err != nil {
		return err
	}
	defer func() {
		if a != nil {
			a.tellSupervisor(daemon.SdNotifyStopping)
			a.Stop()
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-a.failed:
			return err
		case <-reload.Asked:
			next, err := reload.next(cfg)
			if err == nil && reflect.DeepEqual(next, cfg) {
				log.Info("configuration reloaded, nothing changed")
				books.done(reloadUnchanged)
				continue
			}
			if err != nil {
				log.Error("configuration refused, the old one stays in force", "err", err)
				a.note(ctx, audit.Entry{Action: "config.refuse", Object: "config", Detail: map[string]string{"error": err.Error()}})
				books.done(reloadRefused)
				continue
			}
			changes := difference(next, cfg)
			log.Info("configuration changes", "difference", changes)
			a.note(ctx, audit.Entry{Action: "config.change", Object: "config", Detail: map[string]string{"difference": changes}})
			a.tellSupervisor(daemon.SdNotifyReloading)
			a.Stop()
			if a, err = start(next); err == nil {
				cfg = next
				books.done(reloadApplied)
				log.Info("configuration reloaded")
				continue
			}
			if ctx.Err() != nil {
				return nil
			}
			log.Error("the new configuration does not start, the old one starts again", "err", err)
			books.done(reloadFailed)
			if a, err = start(cfg); err != nil {
				return fmt.Errorf("start again with the old configuration: %w", err)
			}
		}
	}
}

// ask for a reload.
func (r Reload) ask() error {
	select {
	case r.Asked <- syscall.SIGHUP:
		return nil
	default:
		return errors.New("a reload is asked for already")
	}
}

// next reads the new configuration, and refuses what cannot change while the
// process runs.
func (r Reload) next(cfg Config) (Config, error) {
	next, err := r.Load()
	if err != nil {
		return next, err
	}
	for _, fixed := range []struct {
		key     string
		changed bool
	}{
		{"embedded", !reflect.DeepEqual(next.Embedded, cfg.Embedded)},
		{"log", next.Log != cfg.Log},
	} {
		if fixed.changed {
			err = errors.Join(err, fmt.Errorf("%s changes with a restart only", fixed.key))
		}
	}
	if e := cfg.Embedded.Kafka; e.Enabled && e.DataDir == "" {
		err = errors.Join(err, errors.New("embedded.kafka keeps its topics in memory, and a reload would lose them: give it a data_dir, or restart"))
	}
	return next, err
}

// difference is what the new configuration says otherwise, without secrets.
func difference(next, old Config) string {
	var b strings.Builder
	if err := config.Diff(&b, next, old, ConfigSources()...); err != nil {
		return err.Error()
	}
	var lines []string
	for line := range strings.SplitSeq(b.String(), "\n") {
		if line, _, _ = strings.Cut(line, " #"); strings.TrimSpace(line) != "" && !strings.HasPrefix(strings.TrimSpace(line), "#") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// Outcomes of a reload.
const (
	reloadApplied = iota
	reloadUnchanged
	reloadRefused
	reloadFailed
	reloadOutcomes
)

// reloads are counted across the metrics of one start and the next.
type reloads struct {
	set    *metrics.Set
	counts [reloadOutcomes]uint64
	good   float64 // whether the last one went well
	at     float64 // when it did, unix seconds
}

// register makes the metrics of a new start go on where the last ones ended.
func (r *reloads) register(set *metrics.Set) {
	if r.at == 0 {
		r.good, r.at = 1, float64(time.Now().Unix())
	}
	r.set = set
	for outcome, n := range r.counts {
		r.counter(outcome).Add(int(n))
	}
	set.GetOrCreateGauge("driftline_config_last_reload_successful", nil).Set(r.good)
	set.GetOrCreateGauge("driftline_config_last_reload_success_timestamp_seconds", nil).Set(r.at)
}

func (r *reloads) counter(outcome int) *metrics.Counter {
	name := [...]string{"applied", "unchanged", "refused", "failed"}[outcome]
	return r.set.GetOrCreateCounter(fmt.Sprintf("driftline_config_reloads_total{outcome=%q}", name))
}

func (r *reloads) done(outcome int) {
	r.counts[outcome]++
	r.good = 0
	if outcome == reloadApplied || outcome == reloadUnchanged {
		r.good, r.at = 1, float64(time.Now().Unix())
	}
	if outcome == reloadFailed { // told by the start that follows
		return
	}
	r.counter(outcome).Inc()
	r.set.GetOrCreateGauge("driftline_config_last_reload_successful", nil).Set(r.good)
	r.set.GetOrCreateGauge("driftline_config_last_reload_success_timestamp_seconds", nil).Set(r.at)
}

func (a *App) collectGarbage() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(a.cfg.GCPercent)
	}
}

// tellSupervisor tells systemd where the process stands, if it asked to be told
// (Type=notify).
func (a *App) tellSupervisor(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		a.log.Warn("cannot tell systemd", "state", state, "err", err)
	}
}
