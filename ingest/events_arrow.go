package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/twmb/franz-go/pkg/kgo"
)

// arrowEvents decodes a stream of Arrow IPC: a schema and its record batches,
// one event a row. A column with the name of an event's field fills it. All
// others are features: numbers and booleans are numeric, strings, also
// dictionary-encoded ones, categorical; nulls are missing. A struct column
// "features" holds features, too.
type arrowEvents struct {
	columns []arrowColumn // of the newest schema
}

// arrowColumn fills one field or feature of an event from a row.
type arrowColumn func(row int, e *rawEvent) error

// maxArrowBytes bounds what one record may take when it is read: lengths in it
// are claims of who wrote it.
const maxArrowBytes = 256 << 20

func (d *arrowEvents) decode(r *kgo.Record, out *rawEvents) (err error) {
	defer func() { // the reader does not check everything that it follows
		if p := recover(); p != nil {
			err = badArrow(fmt.Errorf("%v", p))
		}
	}()
	if err := boundedArrow(r.Value); err != nil {
		return badArrow(err)
	}
	reader, err := ipc.NewReader(bytes.NewReader(r.Value), ipc.WithAllocator(&boundedAllocator{left: maxArrowBytes}))
	if err != nil {
		return badArrow(err)
	}
	defer reader.Release()
	for reader.Next() {
		if err := d.rows(reader.Record(), out); err != nil {
			return err
		}
	}
	if err := reader.Err(); err != nil {
		return badArrow(err)
	}
	return nil
}

func badArrow(err error) error { return poisonf("bad_arrow", "%s", clip(err.Error())) }

// rows takes a record batch.
func (d *arrowEvents) rows(batch arrow.Record, out *rawEvents) error {
	if err := checkedRows(out.n + int(batch.NumRows())); err != nil {
		return err
	}
	d.columns = d.columns[:0]
	for i, f := range batch.Schema().Fields() {
		if s, ok := batch.Column(i).(*array.Struct); ok && f.Name == "features" {
			for k, f := range s.DataType().(*arrow.StructType).Fields() {
				if err := d.column("", f.Name, s.Field(k)); err != nil {
					return err
				}
			}
		} else if err := d.column(f.Name, f.Name, batch.Column(i)); err != nil {
			return err
		}
	}
	for row := range int(batch.NumRows()) {
		e := out.next()
		for _, fill := range d.columns {
			if err := fill(row, e); err != nil {
				return err
			}
		}
	}
	return nil
}

// column makes the filler of a column; field is empty for what can only be a
// feature.
func (d *arrowEvents) column(field, name string, col arrow.Array) error {
	var fill arrowColumn
	var err error
	switch {
	case field == "timestamp":
		fill, err = timeColumn(col)
	case numberField(field) != nil:
		into, number := numberField(field), numbersOf(col)
		if number == nil {
			return poisonf("bad_field", "column %.64s is of type %s, not a number", name, col.DataType())
		}
		fill = func(row int, e *rawEvent) error { *into(e) = number(row); return nil }
	case textField(field) != nil:
		into, text := textField(field), textsOf(col)
		if text == nil {
			return poisonf("bad_field", "column %.64s is of type %s, not a string", name, col.DataType())
		}
		fill = func(row int, e *rawEvent) error { *into(e) = text(row); return nil }
	default:
		fill, err = featureColumn([]byte(name), col)
	}
	if err != nil {
		return err
	}
	d.columns = append(d.columns, func(row int, e *rawEvent) error {
		if col.IsNull(row) {
			return nil
		}
		return fill(row, e)
	})
	return nil
}

func featureColumn(name []byte, col arrow.Array) (arrowColumn, error) {
	if number := numbersOf(col); number != nil {
		return func(row int, e *rawEvent) error { e.number(name, number(row)); return nil }, nil
	}
	if text := textsOf(col); text != nil {
		return func(row int, e *rawEvent) error { e.category(name, text(row)); return nil }, nil
	}
	return nil, poisonf("bad_feature", "column %.64s is of type %s; numbers, booleans and strings are supported", name, col.DataType())
}

// timeColumn takes timestamps of any unit, and integers as unix milliseconds.
func timeColumn(col arrow.Array) (arrowColumn, error) {
	switch c := col.(type) {
	case *array.Timestamp:
		unit := c.DataType().(*arrow.TimestampType).Unit
		return func(row int, e *rawEvent) error {
			e.millis = c.Value(row).ToTime(unit).UnixMilli()
			return nil
		}, nil
	case *array.Int64:
		return func(row int, e *rawEvent) error { e.millis = c.Value(row); return nil }, nil
	}
	return nil, poisonf("bad_timestamp", "column timestamp is of type %s; give a timestamp, or int64 of unix milliseconds", col.DataType())
}

func numberField(name string) func(*rawEvent) *float64 {
	switch name {
	case "score":
		return func(e *rawEvent) *float64 { return &e.score }
	case "latency_ms":
		return func(e *rawEvent) *float64 { return &e.latency }
	}
	return nil
}

func textField(name string) func(*rawEvent) *[]byte {
	switch name {
	case "tenant":
		return func(e *rawEvent) *[]byte { return &e.tenant }
	case "model":
		return func(e *rawEvent) *[]byte { return &e.model }
	case "version":
		return func(e *rawEvent) *[]byte { return &e.version }
	case "segment":
		return func(e *rawEvent) *[]byte { return &e.segment }
	case "request_id":
		return func(e *rawEvent) *[]byte { return &e.requestID }
	case "deployment":
		return func(e *rawEvent) *[]byte { return &e.deployment }
	case "pod":
		return func(e *rawEvent) *[]byte { return &e.pod }
	case "node":
		return func(e *rawEvent) *[]byte { return &e.node }
	case "gpu":
		return func(e *rawEvent) *[]byte { return &e.gpu }
	case "prediction":
		return func(e *rawEvent) *[]byte { return &e.prediction }
	}
	return nil
}

type integer interface {
	int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64
}

func numbers[T integer | float32 | float64](col interface{ Value(int) T }) func(int) float64 {
	return func(row int) float64 { return float64(col.Value(row)) }
}

// numbersOf reads a column as numbers; nil when it holds something else.
func numbersOf(col arrow.Array) func(row int) float64 {
	switch c := col.(type) {
	case *array.Float64:
		return c.Value
	case *array.Float32:
		return numbers(c)
	case *array.Float16:
		return func(row int) float64 { return float64(c.Value(row).Float32()) }
	case *array.Int64:
		return numbers(c)
	case *array.Int32:
		return numbers(c)
	case *array.Int16:
		return numbers(c)
	case *array.Int8:
		return numbers(c)
	case *array.Uint64:
		return numbers(c)
	case *array.Uint32:
		return numbers(c)
	case *array.Uint16:
		return numbers(c)
	case *array.Uint8:
		return numbers(c)
	case *array.Boolean:
		return func(row int) float64 {
			if c.Value(row) {
				return 1
			}
			return 0
		}
	case *array.Null:
		return func(int) float64 { return math.NaN() }
	}
	return nil
}

// textsOf reads a column as strings; nil when it holds something else.
func textsOf(col arrow.Array) func(row int) []byte {
	switch c := col.(type) {
	case *array.String:
		return func(row int) []byte { return bytesOf(c.Value(row)) }
	case *array.LargeString:
		return func(row int) []byte { return bytesOf(c.Value(row)) }
	case *array.Dictionary:
		texts := textsOf(c.Dictionary())
		if texts == nil {
			return nil
		}
		all := make([][]byte, c.Dictionary().Len())
		for i := range all {
			all[i] = texts(i)
		}
		return func(row int) []byte { return all[c.GetValueIndex(row)] }
	}
	return nil
}

// bytesOf is a view: the batch's memory is not used again while its events are.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// boundedAllocator takes memory from Go until a record has had its share.
type boundedAllocator struct {
	memory.GoAllocator
	left int
}

var errArrowTooLarge = errors.New("the record claims to hold more than 256 MiB")

func (a *boundedAllocator) Allocate(size int) []byte {
	if a.left -= size; size < 0 || a.left < 0 {
		panic(errArrowTooLarge)
	}
	return a.GoAllocator.Allocate(size)
}

func (a *boundedAllocator) Reallocate(size int, b []byte) []byte {
	if a.left -= size - len(b); size < 0 || a.left < 0 {
		panic(errArrowTooLarge)
	}
	return a.GoAllocator.Reallocate(size, b)
}

func (a *boundedAllocator) Free([]byte) {}
