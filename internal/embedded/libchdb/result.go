package libchdb

import (
	"runtime"
	"unsafe"
)

// Stats are the counts of a finished statement, or of one chunk of a stream.
type Stats struct {
	Seconds      float64
	ReadRows     uint64
	ReadBytes    uint64
	WrittenRows  uint64
	WrittenBytes uint64
}

// Result holds engine memory until Close.
type Result struct{ handle ptr }

// newResult takes a result over and turns its exception into an error.
func newResult(r ptr) (*Result, error) {
	if r == nil {
		return nil, NewError(CodeUnknownException, "the engine returned no result")
	}
	if e := api.resultError(r); e != "" {
		api.resultDestroy(r)
		return nil, parseError(e)
	}
	return &Result{handle: r}, nil
}

// Bytes is the result in the format asked for. It is the engine's memory:
// read only, and valid until Close.
func (r *Result) Bytes() []byte {
	n := api.resultLength(r.handle)
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(api.resultBuffer(r.handle)), n)
}

// Stats are the counts that came with this result.
func (r *Result) Stats() Stats {
	return Stats{
		Seconds:  api.resultElapsed(r.handle),
		ReadRows: api.readRows(r.handle), ReadBytes: api.readBytes(r.handle),
		WrittenRows: api.writtenRows(r.handle), WrittenBytes: api.writtenBytes(r.handle),
	}
}

// Close frees the result.
func (r *Result) Close() { api.resultDestroy(r.handle) }

// Stream is a running SELECT. Its methods must not overlap: to stop a Next
// that waits, kill the query from another session.
type Stream struct {
	conn   *Conn
	result *Result
}

// Next pulls the next chunk; an empty one ends the stream.
func (s *Stream) Next() (*Result, error) {
	return newResult(api.streamFetch(s.conn.inner(), s.result.handle))
}

// Cancel gives up a stream that has not ended.
func (s *Stream) Cancel() { api.streamCancel(s.conn.inner(), s.result.handle) }

// Close frees the stream.
func (s *Stream) Close() { s.result.Close() }

// Insert is an open INSERT that takes bytes of its format.
type Insert struct{ handle ptr }

// Append feeds bytes; they are copied and may be cut anywhere. It blocks
// while the engine is behind.
func (i *Insert) Append(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	status := api.insertAppend(i.handle, ptr(&b[0]), uintptr(len(b)))
	runtime.KeepAlive(b)
	if status == 0 {
		return nil
	}
	if err := i.err(); err != nil {
		return err
	}
	return NewError(CodeUnknownException, "the insert is closed")
}

// Done commits what was appended.
func (i *Insert) Done() (Stats, error) {
	r, err := newResult(api.insertDone(i.handle))
	if err != nil {
		return Stats{}, err
	}
	defer r.Close()
	return r.Stats(), nil
}

// Cancel gives up; what is still buffered is not committed.
func (i *Insert) Cancel() { api.insertCancel(i.handle) }

// Close frees the insert.
func (i *Insert) Close() { api.insertDestroy(i.handle) }

func (i *Insert) err() error {
	if e := api.insertError(i.handle); e != "" {
		return parseError(e)
	}
	return nil
}
