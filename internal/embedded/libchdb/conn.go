package libchdb

import (
	"runtime"
	"strings"
)

// Param is one {name:Type} parameter of a statement. The value is in
// ClickHouse's escaped text form.
type Param struct{ Name, Value string }

// Conn is one session of the engine: its current database, settings and
// temporary tables. One statement at a time.
type Conn struct{ handle ptr }

// Open makes a session on the storage directory path. The first session of
// the process boots the engine there with the given extra arguments; when the
// last one closes, the engine stops and another directory may be opened.
func Open(path string, args ...string) (*Conn, error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	all := append([]string{"clickhouse", "--path=" + path}, args...)
	argv := make([]ptr, len(all)+1)
	for i, arg := range all {
		argv[i] = pinned(&pin, arg+"\x00")
	}
	h := api.connect(int32(len(all)), ptr(&argv[0]))
	runtime.KeepAlive(argv)
	if h == nil {
		return nil, NewError(CodeNetwork, "the engine refused the connection")
	}
	return &Conn{handle: h}, nil
}

// Close ends the session.
func (c *Conn) Close() { api.closeConn(c.handle) }

// inner is the chdb_connection behind the chdb_connection* that connect gave.
func (c *Conn) inner() ptr { return *(*ptr)(c.handle) }

// pinned copies s to memory that does not move until pin is released.
func pinned(pin *runtime.Pinner, s string) ptr {
	b := []byte(s)
	if len(b) == 0 {
		b = []byte{0} // an address is wanted even for length 0
	}
	p := ptr(&b[0])
	pin.Pin(p)
	return p
}

// start hands a statement to one of the engine's entry points.
func (c *Conn) start(fn statementFunc, sql, format string, params []Param) ptr {
	var pin runtime.Pinner
	defer pin.Unpin()
	q, f := pinned(&pin, sql), pinned(&pin, format)
	if len(params) == 0 {
		return fn(c.inner(), q, uintptr(len(sql)), f, uintptr(len(format)), nil, nil, nil, nil, 0)
	}
	names, values := make([]ptr, len(params)), make([]ptr, len(params))
	nameLens, valueLens := make([]uintptr, len(params)), make([]uintptr, len(params))
	for i, p := range params {
		names[i], nameLens[i] = pinned(&pin, p.Name), uintptr(len(p.Name))
		values[i], valueLens[i] = pinned(&pin, p.Value), uintptr(len(p.Value))
	}
	r := fn(c.inner(), q, uintptr(len(sql)), f, uintptr(len(format)),
		ptr(&names[0]), ptr(&nameLens[0]), ptr(&values[0]), ptr(&valueLens[0]), uintptr(len(params)))
	runtime.KeepAlive(names)
	runtime.KeepAlive(values)
	return r
}

// Query runs a statement and materialises its whole result.
func (c *Conn) Query(sql, format string, params ...Param) (*Result, error) {
	return newResult(c.start(api.query, sql, format, params))
}

// Exec runs a statement and returns its output as tab-separated text.
func (c *Conn) Exec(sql string, params ...Param) (string, error) {
	r, err := c.Query(sql, "TSVRaw", params...)
	if err != nil {
		return "", err
	}
	defer r.Close()
	return strings.TrimSuffix(string(r.Bytes()), "\n"), nil
}

// Stream starts a SELECT whose result is pulled chunk by chunk. The engine
// refuses other statements here, SHOW and DDL included: use Query.
func (c *Conn) Stream(sql, format string, params ...Param) (*Stream, error) {
	r, err := newResult(c.start(api.stream, sql, format, params))
	if err != nil {
		return nil, err
	}
	return &Stream{conn: c, result: r}, nil
}

// Insert opens an INSERT, given without its FORMAT clause and data.
func (c *Conn) Insert(sql, format string, params ...Param) (*Insert, error) {
	i := &Insert{handle: c.start(api.insert, sql, format, params)}
	if i.handle == nil {
		return nil, NewError(CodeUnknownException, "the engine opened no insert")
	}
	if err := i.err(); err != nil {
		i.Close()
		return nil, err
	}
	return i, nil
}
