package embedded

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/driftline/driftline/internal/embedded/libchdb"
	"github.com/driftline/driftline/internal/embedded/native"
)

// Defaults of a [ClickHouseConfig].
const (
	DefaultClickHouseListen = "127.0.0.1:0"
	DefaultMaxConnections   = 64
	DefaultMaxMemory        = 4 << 30
	DefaultMaxQueryMemory   = 2 << 30
)

// ClickHouseConfig says where and how the embedded ClickHouse runs. The zero
// value of every field but DataDir takes its default.
type ClickHouseConfig struct {
	// Library is the engine's shared library; empty means DRIFTLINE_LIBCHDB,
	// then what `make setup` installed.
	Library string
	// DataDir keeps the tables. One process at a time may use it.
	DataDir string
	// Listen is a loopback host:port; port 0 takes any free one. Default
	// 127.0.0.1:0.
	Listen string
	// MaxConnections is how many clients may be connected; more are refused
	// with exception 203. Default 64.
	MaxConnections int
	// MaxMemory bounds the whole engine, in bytes, caches and merges
	// included: beyond it statements fail with exception 241. Default 4 GiB.
	MaxMemory int64
	// MaxQueryMemory bounds one statement, in bytes, in the same way. A
	// client may set max_memory_usage for itself. Default 2 GiB, or MaxMemory
	// if that is less.
	MaxQueryMemory int64
	// Log gets what happens to the server; nil discards it.
	Log *slog.Logger
}

func (cfg ClickHouseConfig) withDefaults() ClickHouseConfig {
	cfg.Listen = cmp.Or(cfg.Listen, DefaultClickHouseListen)
	cfg.MaxConnections = cmp.Or(cfg.MaxConnections, DefaultMaxConnections)
	cfg.MaxMemory = cmp.Or(cfg.MaxMemory, DefaultMaxMemory)
	cfg.MaxQueryMemory = cmp.Or(cfg.MaxQueryMemory, min(DefaultMaxQueryMemory, cfg.MaxMemory))
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return cfg
}

func (cfg ClickHouseConfig) validate() error {
	var errs []error
	if cfg.DataDir == "" {
		errs = append(errs, errors.New("data directory: none given"))
	}
	errs = append(errs, checkLoopback(cfg.Listen))
	if cfg.MaxConnections < 0 || cfg.MaxMemory < 0 || cfg.MaxQueryMemory < 0 {
		errs = append(errs, fmt.Errorf("limits must be positive, not %d connections, %d and %d bytes",
			cfg.MaxConnections, cfg.MaxMemory, cfg.MaxQueryMemory))
	}
	return errors.Join(errs...)
}

// ClickHouse is a running embedded ClickHouse.
type ClickHouse struct {
	server *native.Server
	ln     net.Listener
	lock   *os.File
	served chan error
	close  sync.Once
}

// process guards the one engine that a process can have.
var process struct {
	sync.Mutex
	dir string // of the running engine; empty when none
}

// OpenClickHouse starts the engine on cfg.DataDir and serves it. A second one
// in the same process is an error until the first is closed.
func OpenClickHouse(cfg ClickHouseConfig) (*ClickHouse, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("open ClickHouse: %w", err)
	}
	library, err := FindLibrary(cfg.Library)
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(cfg.DataDir)
	if err != nil {
		return nil, fmt.Errorf("open ClickHouse data in %s: %w", cfg.DataDir, err)
	}
	if err := claimProcess(dir); err != nil {
		return nil, err
	}
	c, err := openClickHouse(cfg, library, dir)
	if err != nil {
		releaseProcess()
		return nil, fmt.Errorf("open ClickHouse data in %s: %w", dir, err)
	}
	return c, nil
}

func claimProcess(dir string) error {
	process.Lock()
	defer process.Unlock()
	if process.dir != "" {
		return fmt.Errorf("open ClickHouse data in %s: this process already runs one in %s: close it first", dir, process.dir)
	}
	process.dir = dir
	return nil
}

func releaseProcess() {
	process.Lock()
	defer process.Unlock()
	process.dir = ""
}

func openClickHouse(cfg ClickHouseConfig, library, dir string) (c *ClickHouse, err error) {
	lock, err := lockDir(dir)
	if errors.Is(err, errLocked) {
		return nil, inUse("embedded.clickhouse.data_dir")
	}
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = lock.Close()
		}
	}()
	if err := libchdb.Load(library); err != nil {
		return nil, err
	}
	ln, err := new(net.ListenConfig).Listen(context.Background(), "tcp", cfg.Listen)
	if err != nil {
		return nil, err
	}
	server, err := boot(cfg, dir)
	if err != nil {
		_ = ln.Close()
		return nil, err
	}
	c = &ClickHouse{server: server, ln: ln, lock: lock, served: make(chan error, 1)}
	go func() { c.served <- server.Serve(ln) }() // Close waits for it
	cfg.Log.Info("embedded ClickHouse is up", "addr", c.Addr(), "dir", dir, "engine", libchdb.Version())
	return c, nil
}

// boot starts the engine in UTC: clients compare its zone by name, and
// timestamps must not depend on the machine.
func boot(cfg ClickHouseConfig, dir string) (server *native.Server, err error) {
	err = inUTC(func() error {
		server, err = native.New(native.Config{
			Path:           dir,
			Args:           []string{"--max_server_memory_usage=" + strconv.FormatInt(cfg.MaxMemory, 10)},
			Settings:       map[string]string{"max_memory_usage": strconv.FormatInt(cfg.MaxQueryMemory, 10)},
			MaxConnections: cfg.MaxConnections,
			Log:            cfg.Log,
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("start the engine, which may have said more on standard error: %w", err)
	}
	if zone := server.Timezone(); zone != "UTC" {
		server.Close()
		return nil, fmt.Errorf("the engine runs in time zone %s instead of UTC: set TZ=UTC", zone)
	}
	return server, nil
}

// inUTC runs start with TZ=UTC in the environment, which is the only thing
// the engine takes its zone from, once, at its start.
func inUTC(start func() error) error {
	_ = time.Local.String() // Go reads TZ at first use: let it be before we change it
	old, had := os.LookupEnv("TZ")
	if err := os.Setenv("TZ", "UTC"); err != nil {
		return err
	}
	defer func() {
		if had {
			_ = os.Setenv("TZ", old)
		} else {
			_ = os.Unsetenv("TZ")
		}
	}()
	return start()
}

// Addr is the host:port that clients connect to.
func (c *ClickHouse) Addr() string { return c.ln.Addr().String() }

// Stats are the server's counters.
func (c *ClickHouse) Stats() native.Stats { return c.server.Stats() }

// Close drops the clients, stops their statements and the engine, and
// releases the data directory. Later calls do nothing.
func (c *ClickHouse) Close() error {
	var err error
	c.close.Do(func() {
		c.server.Close()
		err = errors.Join(<-c.served, c.lock.Close())
		releaseProcess()
	})
	if err != nil {
		return fmt.Errorf("close ClickHouse: %w", err)
	}
	return nil
}
