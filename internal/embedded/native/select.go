package native

import (
	"time"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/driftline/driftline/internal/embedded/libchdb"
	"github.com/driftline/driftline/internal/embedded/native/wire"
)

// selectRows passes a SELECT's chunks on to the client.
func (x *session) selectRows(q query, sql string) error {
	stream, err := x.eng.Stream(sql, "Native", q.params...)
	if err != nil {
		return err
	}
	p := startPull(stream)
	defer p.stop()
	// CalculatedRowsBeforeLimit: clickhouse-client 18.16 aborts on false.
	out := selection{query: q, sql: sql, profile: proto.Profile{CalculatedRowsBeforeLimit: true}}
	tick := time.NewTicker(progressInterval)
	defer tick.Stop()
	for {
		select {
		case c := <-p.chunks:
			done, err := x.sendChunk(&out, c)
			if done || err != nil {
				return err
			}
		case <-tick.C:
			if err := x.keepAlive(); err != nil {
				x.kill() // or the pull could wait in the engine for long
				return broken(err)
			}
		}
	}
}

// selection is how far a SELECT has come.
type selection struct {
	query   query
	sql     string
	profile proto.Profile
	header  []wire.Column // true types, where the engine's blocks lack them
}

// sendChunk sends one chunk; done after the last.
func (x *session) sendChunk(out *selection, c chunk) (done bool, err error) {
	if c.err != nil {
		return false, c.err
	}
	defer c.res.Close()
	in, first := c.res.Bytes(), out.profile.Blocks == 0
	if len(in) == 0 {
		if first {
			if err := x.emptyHeader(out.query, out.sql); err != nil {
				return false, err
			}
		}
		out.profile.EncodeAware(&x.out, x.rev)
		return true, nil
	}
	if first && wire.LosesZone(in) {
		out.header = x.trueTypes(out.query, out.sql)
	}
	for len(in) > 0 {
		if in, err = x.sendBlock(out, in); err != nil {
			return false, err
		}
	}
	if st := c.res.Stats(); st.ReadRows > 0 {
		x.progress(st)
	}
	return false, broken(x.flush())
}

// sendBlock encodes the first block of in and returns the rest.
func (x *session) sendBlock(out *selection, in []byte) (rest []byte, err error) {
	err = x.data(func() (err error) {
		var rows int
		rest, _, rows, err = wire.Translate(&x.out, in, x.rev, out.header)
		out.profile.Blocks++
		out.profile.Rows += uint64(rows)
		out.profile.Bytes += uint64(len(in) - len(rest))
		return err
	})
	return rest, err
}

// trueTypes finds a SELECT's column types in a second engine session, because
// ours is busy streaming. Best effort: without it a DateTime shows in the
// server's zone.
func (x *session) trueTypes(q query, sql string) []wire.Column {
	e, err := x.openEngine(x.database)
	if err != nil {
		return nil
	}
	defer e.Close()
	cols, err := columns(e, limitZero(sql), q.params)
	if err != nil {
		return nil
	}
	return cols
}

// chunk is a part of a result, or the error that ended it.
type chunk struct {
	res *libchdb.Result
	err error
}

// pull fetches the next chunk while the previous one is sent: at most two are
// alive, whatever the size of the result.
type pull struct {
	stream *libchdb.Stream
	chunks chan chunk
	quit   chan struct{}
	ended  bool // the engine has nothing more; read after chunks is closed
}

func startPull(s *libchdb.Stream) *pull {
	p := &pull{stream: s, chunks: make(chan chunk), quit: make(chan struct{})}
	go p.run() // waited for by stop, which sees chunks closed
	return p
}

func (p *pull) run() {
	defer close(p.chunks)
	for !p.ended {
		res, err := p.stream.Next()
		p.ended = err != nil || len(res.Bytes()) == 0
		select {
		case p.chunks <- chunk{res, err}:
		case <-p.quit:
			if err == nil {
				res.Close()
			}
			return
		}
	}
}

// stop waits until the engine is left alone and frees the stream.
func (p *pull) stop() {
	close(p.quit)
	for c := range p.chunks {
		if c.err == nil {
			c.res.Close()
		}
	}
	if !p.ended {
		p.stream.Cancel()
	}
	p.stream.Close()
}
