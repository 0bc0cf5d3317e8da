// Package libchdb binds the embedded ClickHouse engine (the libchdb shared
// library) through purego, so the program needs no C compiler.
//
// The engine is one per process: the first [Open] boots it on a directory and
// every later Open of the same directory is one more session of it. A session
// runs one statement at a time and is not safe for concurrent use; different
// sessions run side by side.
package libchdb

import (
	"fmt"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
)

// ptr is a C pointer. The engine owns what it returns.
type ptr = unsafe.Pointer

// statementFunc is the shape that query, stream and insert share: connection,
// statement, format, and the names and values of n parameters, each string
// with its length.
type statementFunc = func(conn, sql ptr, sqlLen uintptr, format ptr, formatLen uintptr,
	names, nameLens, values, valueLens ptr, n uintptr) ptr

// api holds the C functions once Load has succeeded.
var api struct {
	connect        func(argc int32, argv ptr) ptr
	closeConn      func(conn ptr)
	signalHandlers func(on int32)
	version        func() string

	query         statementFunc
	stream        statementFunc
	streamFetch   func(conn, stream ptr) ptr
	streamCancel  func(conn, stream ptr)
	insert        statementFunc
	insertAppend  func(stream, data ptr, n uintptr) int32
	insertDone    func(stream ptr) ptr
	insertCancel  func(stream ptr)
	insertError   func(stream ptr) string
	insertDestroy func(stream ptr)

	resultDestroy func(res ptr)
	resultBuffer  func(res ptr) ptr
	resultLength  func(res ptr) uintptr
	resultError   func(res ptr) string
	resultElapsed func(res ptr) float64
	readRows      func(res ptr) uint64
	readBytes     func(res ptr) uint64
	writtenRows   func(res ptr) uint64
	writtenBytes  func(res ptr) uint64
}

// loaded is the library of this process; it is never unloaded.
var loaded struct {
	sync.Mutex
	path string
}

// Load opens the shared library at path. A process has one engine: loading
// the same path again does nothing, another one is an error.
func Load(path string) error {
	loaded.Lock()
	defer loaded.Unlock()
	switch loaded.path {
	case path:
		return nil
	case "":
	default:
		return fmt.Errorf("load %s: this process already runs %s", path, loaded.path)
	}
	lib, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return fmt.Errorf("load %s: %w", path, err)
	}
	if err := bind(lib); err != nil {
		return fmt.Errorf("load %s: %w", path, err)
	}
	// Before the first connect, or the engine would take over SIGINT and the
	// crash signals, which are the Go runtime's.
	api.signalHandlers(0)
	loaded.path = path
	return nil
}

// bind looks every function up before it registers any, so that a library of
// another version is an error instead of a panic at its first use.
func bind(lib uintptr) error {
	functions := map[string]any{
		"chdb_connect":                     &api.connect,
		"chdb_close_conn":                  &api.closeConn,
		"chdb_set_signal_handlers_enabled": &api.signalHandlers,
		"chdb_version":                     &api.version,
		"chdb_query_with_params_n":         &api.query,
		"chdb_stream_query_with_params_n":  &api.stream,
		"chdb_stream_fetch_result":         &api.streamFetch,
		"chdb_stream_cancel_query":         &api.streamCancel,
		"chdb_stream_insert_with_params_n": &api.insert,
		"chdb_stream_append":               &api.insertAppend,
		"chdb_stream_done":                 &api.insertDone,
		"chdb_stream_cancel_insert":        &api.insertCancel,
		"chdb_stream_insert_error":         &api.insertError,
		"chdb_destroy_insert_stream":       &api.insertDestroy,
		"chdb_destroy_query_result":        &api.resultDestroy,
		"chdb_result_buffer":               &api.resultBuffer,
		"chdb_result_length":               &api.resultLength,
		"chdb_result_error":                &api.resultError,
		"chdb_result_elapsed":              &api.resultElapsed,
		"chdb_result_storage_rows_read":    &api.readRows,
		"chdb_result_storage_bytes_read":   &api.readBytes,
		"chdb_result_rows_written":         &api.writtenRows,
		"chdb_result_bytes_written":        &api.writtenBytes,
	}
	addresses := make(map[string]uintptr, len(functions))
	for name := range functions {
		address, err := purego.Dlsym(lib, name)
		if err != nil {
			return fmt.Errorf("not the expected engine version: %w", err)
		}
		addresses[name] = address
	}
	for name, fn := range functions {
		purego.RegisterFunc(fn, addresses[name])
	}
	return nil
}

// Version is the version of the loaded library, such as "26.7.3".
func Version() string { return api.version() }
