package native

import (
	"errors"
	"sync"
	"time"

	"github.com/driftline/driftline/internal/embedded/libchdb"
	"github.com/driftline/driftline/internal/embedded/native/sqltext"
	"github.com/driftline/driftline/internal/embedded/native/wire"
)

// progressInterval is how often a client hears from a statement that has no
// rows yet, so that its read timeout does not run out.
const progressInterval = 200 * time.Millisecond

// statement executes q and leaves the final packet to the caller.
func (x *session) statement(q query) error {
	if ins, ok := sqltext.ParseInsert(q.body); ok {
		err := x.insert(q, ins)
		if errors.Is(err, errCancelled) {
			x.metrics.cancelled.Add(1)
			return nil
		}
		return err
	}
	stop := x.watch()
	err := x.watched(q, sqltext.Trim(q.body))
	gone := (*brokenError)(nil)
	if stop() || errors.As(err, &gone) {
		x.metrics.cancelled.Add(1)
	}
	return err
}

// watched executes a statement that needs nothing more from the client.
func (x *session) watched(q query, sql string) error {
	if sqltext.IsSelect(sql) {
		return x.selectRows(q, sql)
	}
	if sqltext.Multiple(sql) && sqltext.Word(sql) != "INSERT" { // the engine would run them all, a server runs none
		return libchdb.NewError(codeSyntax, "Syntax error (Multi-statements are not allowed)")
	}
	if sqltext.MayChangeTables(sql) {
		// Also after an error: it may have happened half way. Before the end
		// of the stream is sent: who has its answer must see its effect.
		defer x.schema.Add(1)
	}
	res, err := x.query(q, sql)
	if err != nil {
		return err
	}
	defer res.Close()
	if sqltext.Word(sql) == "USE" {
		if x.database, err = x.eng.Exec("SELECT currentDatabase()"); err != nil {
			return err
		}
	}
	return x.sendResult(q, sql, res)
}

const codeSyntax = 62

// query runs a statement to its end and reports progress meanwhile.
func (x *session) query(q query, sql string) (res *libchdb.Result, err error) {
	var wg sync.WaitGroup
	defer wg.Wait()
	done := make(chan struct{})
	wg.Go(func() {
		defer close(done)
		res, err = x.eng.Query(sql, "Native", q.params...)
	})
	tick := time.NewTicker(progressInterval)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return res, err
		case <-tick.C:
			// A client that is gone is the watch's business: it kills.
			_ = x.keepAlive()
		}
	}
}

// keepAlive tells the client that its statement still runs.
func (x *session) keepAlive() error {
	x.progress(libchdb.Stats{})
	return x.flush()
}

// sendResult encodes a whole result.
func (x *session) sendResult(q query, sql string, res *libchdb.Result) error {
	st, in := res.Stats(), res.Bytes()
	if len(in) == 0 && sqltext.HasResult(sql) {
		if err := x.emptyHeader(q, sql); err != nil {
			return err
		}
	}
	for len(in) > 0 {
		err := x.data(func() (err error) {
			in, _, _, err = wire.Translate(&x.out, in, x.rev, nil)
			return err
		})
		if err != nil {
			return err
		}
	}
	x.progress(st)
	return nil
}

// emptyHeader encodes the columns of a result without rows: the engine gives
// no block at all then, and clients wait for one.
func (x *session) emptyHeader(q query, sql string) error {
	if sqltext.IsSelect(sql) {
		sql = limitZero(sql)
	}
	cols, err := columns(x.eng, sql, q.params)
	if err != nil {
		return err
	}
	return x.data(func() error { wire.Header(&x.out, cols, x.rev); return nil })
}

// limitZero asks for a SELECT's columns only.
func limitZero(sql string) string { return "SELECT * FROM (\n" + sql + "\n) LIMIT 0" }

// columns runs sql and returns the names and types of its result.
func columns(e *libchdb.Conn, sql string, params []libchdb.Param) ([]wire.Column, error) {
	res, err := e.Query(sql, "RowBinaryWithNamesAndTypes", params...)
	if err != nil {
		return nil, err
	}
	defer res.Close()
	return wire.ReadHeader(res.Bytes())
}
