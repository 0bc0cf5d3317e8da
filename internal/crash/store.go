package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/internal/embedded"
)

// storeEnv makes this program the store: it names the data directory to serve.
const storeEnv = "DRIFTLINE_CRASH_STORE"

// serveIfAsked turns this process into the store when its environment says
// so. It does not return then.
func serveIfAsked() {
	dir := os.Getenv(storeEnv)
	if dir == "" {
		return
	}
	if err := serveStore(dir); err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// memoryEnv bounds a statement's memory in that store, in bytes.
const memoryEnv = "DRIFTLINE_CRASH_STORE_MEMORY"

// serveStore runs the engine until standard input closes, so that it never
// outlives its parent.
func serveStore(dir string) error {
	signal.Ignore(syscall.SIGINT) // an interrupt is for the parent, which needs the store until its end
	memory, _ := strconv.ParseInt(os.Getenv(memoryEnv), 10, 64)
	c, err := embedded.OpenClickHouse(embedded.ClickHouseConfig{DataDir: dir, MaxQueryMemory: memory})
	if err != nil {
		return err
	}
	fmt.Println("addr", c.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
	return c.Close()
}

// store is the embedded ClickHouse in a process of its own, behind a proxy.
type store struct {
	dir   string
	proxy *storeProxy

	addr  string
	cmd   *exec.Cmd
	stdin io.Closer
}

// startStore starts the process, and makes the tables.
func startStore(ctx context.Context, dir string) (*store, error) {
	s := &store{dir: dir}
	err := s.start(0)
	if err == nil {
		s.proxy, err = newStoreProxy(s.addr)
	}
	if err == nil {
		err = s.migrate(ctx)
	}
	if err != nil {
		s.close()
		return nil, fmt.Errorf("start the store: %w", err)
	}
	return s, nil
}

func (s *store) migrate(ctx context.Context) error {
	db, err := s.open()
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	return db.Migrate(ctx, io.Discard)
}

// open connects past the proxy.
func (s *store) open() (*clickhouse.DB, error) {
	cfg := clickhouse.DefaultConfig()
	cfg.Addr, cfg.Retention = []string{s.addr}, clickhouse.Retention{}
	return clickhouse.Open(cfg)
}

// start runs the process; a statement's memory is bounded when memory is not 0.
func (s *store) start(memory int) (err error) {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	s.cmd = exec.Command(self)
	s.cmd.Env = append(os.Environ(), storeEnv+"="+s.dir, memoryEnv+"="+strconv.Itoa(memory))
	s.cmd.Stderr = os.Stderr
	if s.stdin, err = s.cmd.StdinPipe(); err != nil {
		return err
	}
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.cmd.Start(); err != nil {
		return err
	}
	answer, err := bufio.NewReader(stdout).ReadString('\n')
	addr, ok := strings.CutPrefix(strings.TrimSpace(answer), "addr ")
	if err != nil || !ok {
		s.kill()
		return errors.Join(err, errors.New(answer))
	}
	s.addr = addr
	if s.proxy != nil {
		s.proxy.retarget(addr)
	}
	return nil
}

// kill ends the process without a chance to say goodbye.
func (s *store) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// outage kills the process and starts it again after a pause.
func (s *store) outage(pause time.Duration, memory int) error {
	s.kill()
	time.Sleep(pause)
	if err := s.start(memory); err != nil {
		return fmt.Errorf("restart the store: %w", err)
	}
	return nil
}

// close ends the process in an orderly way, and the proxy.
func (s *store) close() {
	if s.proxy != nil {
		s.proxy.close()
	}
	if s.cmd == nil || s.cmd.Process == nil {
		return
	}
	_ = s.stdin.Close()
	_ = s.cmd.Wait()
}
