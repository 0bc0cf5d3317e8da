package tabular

import (
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/schema"
)

// batchRows is how many rows are decoded at once.
const batchRows = 4096

// appender decodes chunks of a Parquet column and appends them to a Column.
type appender struct {
	column  *Column
	logical schema.LogicalType
}

func (a *appender) chunk(cr file.ColumnChunkReader) error {
	switch cr := cr.(type) {
	case *file.BooleanColumnChunkReader:
		return drain(cr, cr.ReadBatch, a, func(v bool) {
			x := 0.0
			if v {
				x = 1
			}
			a.number(x)
		})
	case *file.Int32ColumnChunkReader:
		return drain(cr, cr.ReadBatch, a, func(v int32) { a.whole(int64(v), uint64(uint32(v))) })
	case *file.Int64ColumnChunkReader:
		return drain(cr, cr.ReadBatch, a, func(v int64) { a.whole(v, uint64(v)) })
	case *file.Int96ColumnChunkReader:
		return drain(cr, cr.ReadBatch, a, func(v parquet.Int96) { a.time(v.ToTime()) })
	case *file.Float32ColumnChunkReader:
		return drain(cr, cr.ReadBatch, a, func(v float32) { a.number(float64(v)) })
	case *file.Float64ColumnChunkReader:
		return drain(cr, cr.ReadBatch, a, a.number)
	case *file.ByteArrayColumnChunkReader:
		return drain(cr, cr.ReadBatch, a, func(v parquet.ByteArray) { a.bytes(v) })
	case *file.FixedLenByteArrayColumnChunkReader:
		return drain(cr, cr.ReadBatch, a, func(v parquet.FixedLenByteArray) { a.bytes(v) })
	}
	return fmt.Errorf("physical type %s cannot be read", cr.Type())
}

// drain reads a chunk to its end. A value that is absent has a definition
// level below the column's greatest and no place among the values.
func drain[T any](cr file.ColumnChunkReader, read func(int64, []T, []int16, []int16) (int64, int, error), a *appender, put func(T)) error {
	most := cr.Descriptor().MaxDefinitionLevel()
	values := make([]T, batchRows)
	var levels []int16
	if most > 0 {
		levels = make([]int16, batchRows)
	}
	for cr.HasNext() {
		rows, n, err := read(batchRows, values, levels, nil)
		if err != nil {
			return err
		}
		if rows == 0 {
			return fmt.Errorf("chunk ends early")
		}
		next := 0
		for i := range int(rows) {
			if most > 0 && levels[i] < most {
				a.missing()
			} else if next < n {
				put(values[next])
				next++
			} else {
				return fmt.Errorf("chunk has fewer values than rows")
			}
		}
	}
	return cr.Err()
}

func (a *appender) number(v float64) { a.column.Numbers = append(a.column.Numbers, v) }
func (a *appender) time(t time.Time) { a.column.Times = append(a.column.Times, t.UTC()) }
func (a *appender) text(s string)    { a.column.Strings = append(a.column.Strings, s) }

func (a *appender) missing() {
	switch a.column.Kind {
	case Numeric:
		a.number(math.NaN())
	case Categorical:
		a.text("")
	case Time:
		a.column.Times = append(a.column.Times, time.Time{})
	}
}

// whole appends an integer according to its logical type.
func (a *appender) whole(v int64, unsigned uint64) {
	switch l := a.logical.(type) {
	case *schema.DateLogicalType, schema.DateLogicalType:
		a.time(time.Unix(v*86400, 0))
	case *schema.TimestampLogicalType:
		a.time(atUnit(v, l.TimeUnit()))
	case schema.TimestampLogicalType:
		a.time(atUnit(v, l.TimeUnit()))
	case *schema.DecimalLogicalType:
		a.number(float64(v) / math.Pow10(int(l.Scale())))
	case *schema.IntLogicalType:
		if l.IsSigned() {
			a.number(float64(v))
		} else {
			a.number(float64(unsigned))
		}
	default:
		a.number(float64(v))
	}
}

func atUnit(v int64, unit schema.TimeUnitType) time.Time {
	switch unit {
	case schema.TimeUnitMicros:
		return time.UnixMicro(v)
	case schema.TimeUnitNanos:
		return time.Unix(0, v)
	default:
		return time.UnixMilli(v)
	}
}

// bytes appends text, a decimal of big-endian two's complement, or, where the
// bytes are no text, their hexadecimal digits.
func (a *appender) bytes(v []byte) {
	if d, ok := a.logical.(*schema.DecimalLogicalType); ok {
		a.number(bigDecimal(v, int(d.Scale())))
		return
	}
	if utf8.Valid(v) {
		a.text(string(v))
		return
	}
	a.text(hex.EncodeToString(v))
}

func bigDecimal(v []byte, scale int) float64 {
	x := new(big.Int).SetBytes(v)
	if len(v) > 0 && v[0]&0x80 != 0 {
		x.Sub(x, new(big.Int).Lsh(big.NewInt(1), uint(8*len(v))))
	}
	f, _ := new(big.Float).SetInt(x).Float64()
	return f / math.Pow10(scale)
}
