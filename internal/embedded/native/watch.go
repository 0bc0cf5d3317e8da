package native

import (
	"context"
	"sync"
	"time"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/driftline/driftline/internal/embedded/native/sqltext"
)

const killInterval = 50 * time.Millisecond

// watch reads ahead while a statement runs: a Cancel packet or a closed
// socket kills it. stop ends the watch, reports whether it killed, and must be
// called before the next read of the socket.
func (x *session) watch() (stop func() (killed bool)) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	killed := false // read after the watch has ended
	wg.Go(func() {
		b, err := x.br.Peek(1)
		if ctx.Err() != nil || err == nil && proto.ClientCode(b[0]) != proto.ClientCodeCancel {
			return // the statement is over, or the client pipelines its next packet
		}
		if err == nil {
			_, _ = x.br.Discard(1)
		}
		killed = true
		x.killUntil(ctx)
	})
	return func() bool {
		cancel()
		_ = x.conn.SetReadDeadline(time.Unix(1, 0)) // wakes the Peek
		wg.Wait()
		_ = x.conn.SetReadDeadline(time.Time{})
		return killed
	}
}

// killUntil repeats the kill until the statement is over: the first may come
// before the engine has started it.
func (x *session) killUntil(ctx context.Context) {
	tick := time.NewTicker(killInterval)
	defer tick.Stop()
	for ctx.Err() == nil {
		x.kill()
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// kill stops this session's statement from the control session. Never SYNC:
// that waits for a result handle which only this session can release.
func (x *session) kill() {
	_, err := x.controlExec("KILL QUERY WHERE Settings['log_comment'] = " + sqltext.Quote(x.mark) + " ASYNC")
	if err != nil {
		x.log.Warn("kill a cancelled ClickHouse statement", "err", err)
	}
}
