package embedded_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/driftline/driftline/internal/embedded"
)

// childEnv makes the test binary a program that serves the data directory it
// names: tests start and kill it as another process.
const childEnv = "DRIFTLINE_TEST_SERVE"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		if err := serve(dir); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// serve runs until standard input closes, so that no child outlives its test.
func serve(dir string) error {
	c, err := embedded.OpenClickHouse(embedded.ClickHouseConfig{DataDir: dir})
	if err != nil {
		return err
	}
	fmt.Println("addr", c.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
	return c.Close()
}

// child is a ClickHouse in another process.
type child struct {
	addr  string
	cmd   *exec.Cmd
	stdin io.Closer
}

func startChild(t *testing.T, dir string) *child {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+dir)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	must(t, err)
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	c := &child{cmd: cmd, stdin: stdin}
	t.Cleanup(c.kill)
	line, err := bufio.NewReader(stdout).ReadString('\n')
	must(t, err)
	addr, ok := strings.CutPrefix(strings.TrimSpace(line), "addr ")
	if !ok {
		t.Fatal("child: ", line)
	}
	c.addr = addr
	return c
}

// kill ends the child without a chance to say goodbye.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}

// stop asks the child to close, as a service manager does.
func (c *child) stop(t *testing.T) {
	t.Helper()
	must(t, c.stdin.Close())
	must(t, c.cmd.Wait())
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantError checks that err says every part.
func wantError(t testing.TB, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", parts)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("error %q does not say %q", err, p)
		}
	}
}
