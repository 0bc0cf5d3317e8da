package apachekafka

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// broker is one process of Kafka, which is started again after every stop.
// It is not safe for concurrent use.
type broker struct {
	at    installation
	id    int
	dir   string
	ports struct{ client, internal, controller int }

	cmd   *exec.Cmd // nil while it is down
	done  chan struct{}
	guard *guard
}

func (b *broker) addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(b.ports.client)) }

func (b *broker) path(what string) string {
	return filepath.Join(b.dir, fmt.Sprintf("broker-%d%s", b.id, what))
}

// format prepares the broker's data directory, with the user of the cluster.
func (b *broker) format(ctx context.Context, c *Cluster) error {
	if err := os.WriteFile(b.path(".properties"), c.properties(b), 0o600); err != nil {
		return err
	}
	args := []string{"format", "--cluster-id", c.id, "--config", b.path(".properties")}
	if c.cfg.SASL == SCRAM {
		for _, mechanism := range mechanisms {
			args = append(args, "--add-scram", fmt.Sprintf(`%s=[name="%s",password="%s"]`, mechanism, Username, Password))
		}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := b.at.command("kafka.tools.StorageTool", args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })()
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%w: %s", err, tail(out.Bytes()))
	}
	return nil
}

// start runs the broker; it does not wait until it is ready.
func (b *broker) start() error {
	if b.cmd != nil {
		return errors.New("it is running")
	}
	log, err := os.OpenFile(b.path(".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // the process has its own
	cmd := b.at.command("kafka.Kafka", b.path(".properties"))
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait() // its state tells
		close(done)
	}()
	b.cmd, b.done = cmd, done
	if b.guard, err = newGuard(cmd.Process.Pid); err != nil {
		b.kill()
	}
	return err
}

func (b *broker) ended() bool {
	select {
	case <-b.done:
		return true
	default:
		return false
	}
}

// stop asks the broker to end and waits for it.
func (b *broker) stop() error {
	if b.cmd == nil {
		return nil
	}
	defer b.kill()
	if err := b.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-b.done:
		return nil
	case <-time.After(patience):
		return errors.New("it did not end in time and was killed")
	}
}

// kill ends the broker at once and waits for its end.
func (b *broker) kill() {
	if b.cmd == nil {
		return
	}
	_ = b.cmd.Process.Kill() // it may have ended
	<-b.done
	b.guard.release()
	b.cmd, b.guard = nil, nil
}

// logTail is the end of what the broker wrote.
func (b *broker) logTail() []byte {
	out, err := os.ReadFile(b.path(".log"))
	if err != nil {
		return []byte(err.Error())
	}
	return tail(out)
}

// tail keeps the last lines of a text.
func tail(text []byte) []byte {
	const limit = 6000
	if len(text) <= limit {
		return text
	}
	text = text[len(text)-limit:]
	_, rest, _ := bytes.Cut(text, []byte("\n"))
	return rest
}

// guard is a process that kills another one when this process ends, however
// it ends: a test that runs out of time must not leave a broker behind.
type guard struct {
	cmd  *exec.Cmd
	hold io.Closer // the guard sees its end close
}

func newGuard(pid int) (*guard, error) {
	cmd := exec.Command("sh", "-c", `read _; kill -9 "$0"`, strconv.Itoa(pid))
	hold, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &guard{cmd: cmd, hold: hold}, nil
}

// release ends the guard without its doing anything.
func (g *guard) release() {
	if g == nil {
		return
	}
	_ = g.cmd.Process.Kill()
	_ = g.cmd.Wait()
	_ = g.hold.Close()
}
