package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// fleet are the instances of driftline, each watched over as by a supervisor:
// whoever ends without having been told to is started again.
type fleet struct {
	bin, dir string
	mu       sync.Mutex
	exits    []string // of processes that ended by themselves: their last words
	starts   int
	wg       sync.WaitGroup
}

// instance is a place in the fleet, with or without a process in it.
type instance struct {
	f    *fleet
	name string
	conf string

	mu      sync.Mutex
	cmd     *exec.Cmd     // nil between two processes
	leaving bool          // nobody is to be started any more
	rest    time.Duration // before the next start
	done    chan struct{} // closed when nobody will be started any more; nil when the place is empty
	last    error         // of the last process, unless it was killed
}

// restartPause is a supervisor's, after a process has ended by itself.
const restartPause = 200 * time.Millisecond

// start fills the place.
func (in *instance) start() {
	in.mu.Lock()
	in.leaving, in.done = false, make(chan struct{})
	in.mu.Unlock()
	in.f.wg.Go(func() {
		defer close(in.done)
		for in.once() {
		}
	})
}

// once runs one process to its end and tells whether another one is due.
func (in *instance) once() bool {
	log, err := in.log()
	if err != nil {
		panic("open log: " + err.Error())
	}
	defer func() { _ = log.Close() }()
	in.mu.Lock()
	if in.leaving {
		in.mu.Unlock()
		return false
	}
	var words lastLine
	cmd := exec.Command(in.f.bin, "run", "-config", in.conf, "--roles", "ingest")
	cmd.Stderr = io.MultiWriter(log, &words)
	if err := cmd.Start(); err != nil {
		panic("start " + in.f.bin + ": " + err.Error())
	}
	in.cmd, in.rest = cmd, -1
	in.mu.Unlock()
	release := guard(cmd.Process.Pid)
	err = cmd.Wait()
	release()

	in.mu.Lock()
	leaving, rest := in.leaving, in.rest
	in.cmd, in.last = nil, err
	if rest >= 0 { // killed on purpose
		in.last = nil
	}
	in.mu.Unlock()
	if rest < 0 && !leaving { // nobody killed it
		in.f.mu.Lock()
		in.f.exits = append(in.f.exits, fmt.Sprintf("%s: %s", in.name, words.line()))
		in.f.mu.Unlock()
		rest = restartPause
	}
	if !leaving {
		time.Sleep(rest)
	}
	return !leaving
}

func (in *instance) log() (*os.File, error) {
	in.f.mu.Lock()
	in.f.starts++
	n := in.f.starts
	in.f.mu.Unlock()
	return os.Create(filepath.Join(in.f.dir, fmt.Sprintf("%04d-%s.log", n, in.name)))
}

// kill ends the process at once; the next one comes after a pause. It tells
// whether there was one.
func (in *instance) kill(pause time.Duration) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.cmd == nil {
		return false
	}
	in.rest = pause
	return in.cmd.Process.Kill() == nil
}

// leave asks the process to end, waits for it, and leaves the place empty.
func (in *instance) leave(patience time.Duration) error {
	in.mu.Lock()
	in.leaving = true
	done := in.done
	if in.cmd != nil {
		_ = in.cmd.Process.Signal(syscall.SIGTERM)
	}
	in.mu.Unlock()
	if done == nil {
		return nil
	}
	select {
	case <-done:
	case <-time.After(patience):
		in.kill(0)
		<-done
		in.empty()
		return fmt.Errorf("%s did not stop within %s of SIGTERM and was killed", in.name, patience)
	}
	in.empty()
	if in.last != nil {
		return fmt.Errorf("%s after SIGTERM: %w", in.name, in.last)
	}
	return nil
}

func (in *instance) empty() {
	in.mu.Lock()
	in.done = nil
	in.mu.Unlock()
}

// running tells whether the place is filled.
func (in *instance) running() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.done != nil
}

// lastLine keeps the last line written to it.
type lastLine struct{ text []byte }

func (l *lastLine) Write(p []byte) (int, error) {
	l.text = append(l.text, p...)
	if body := bytes.TrimRight(l.text, "\n"); len(body) > 0 {
		l.text = append(l.text[:0], l.text[bytes.LastIndexByte(body, '\n')+1:]...)
	}
	return len(p), nil
}

func (l *lastLine) line() string { return strings.TrimSpace(string(l.text)) }

// guard kills a process when this one ends, however it ends.
func guard(pid int) (release func()) {
	cmd := exec.Command("sh", "-c", `read _; kill -9 "$0"`, strconv.Itoa(pid))
	hold, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		panic("guard a process: " + err.Error())
	}
	return func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = hold.Close()
	}
}
