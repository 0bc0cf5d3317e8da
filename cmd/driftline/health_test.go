package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/driftline/driftline/internal/embedded/embeddedtest"
)

// A supervisor learns when the process is ready and when it begins to stop,
// and its health check agrees.
func TestSupervisorIsTold(t *testing.T) {
	embeddedtest.RequireLibrary(t)
	dir := t.TempDir()
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.Close() }()
	told := func() string {
		t.Helper()
		_ = socket.SetReadDeadline(time.Now().Add(time.Minute))
		b := make([]byte, 4096)
		n, err := socket.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	admin := free.Addr().String()
	_ = free.Close()
	config := writeFile(t, "driftline.yaml", fmt.Sprintf(
		"admin: {listen: %q}\napi: {listen: 127.0.0.1:0}\nembedded: {kafka: {enabled: true}, clickhouse: {enabled: true, data_dir: %q}}\ningest: {topics: [{topic: in, kind: events}]}\n", admin, dir))
	if _, errs, code := driftline(t, "health", "-config", config); code != exitFailed || !strings.Contains(errs, "not reached") {
		t.Errorf("before it runs: %d %s", code, errs)
	}
	cmd := exec.CommandContext(t.Context(), binary, "run", "-config", config)
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+socket.LocalAddr().String())
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if got := told(); got != "READY=1" {
		t.Errorf("first told %q\n%s", got, &log)
	}
	if out, errs, code := driftline(t, "health", "-config", config); code != exitOK || out != "ready\n" {
		t.Errorf("while it runs: %d %s%s", code, out, errs)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := told(); got != "STOPPING=1" {
		t.Errorf("then told %q", got)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, &log)
	}
}
