package ingest

import (
	"bytes"

	"github.com/ClickHouse/ch-go/proto"
)

// words is a LowCardinality(String) column that is filled with keys of a
// dictionary right away: ch-go's own keeps every value until it is encoded,
// which takes four times the memory and hashes each value once more.
type words struct {
	ids    map[string]uint32
	dict   proto.ColStr // by id
	keys   []uint32     // by row
	last   []byte       // of the newest row: most columns hold runs of equal values
	lastID uint32
}

func (w *words) append(value []byte) {
	if len(w.keys) == 0 || !bytes.Equal(value, w.last) {
		w.lastID = w.id(value)
		w.last = append(w.last[:0], value...)
	}
	w.keys = append(w.keys, w.lastID)
}

func (w *words) id(value []byte) uint32 {
	if id, ok := w.ids[string(value)]; ok { // does not allocate
		return id
	}
	if w.ids == nil {
		w.ids = map[string]uint32{}
	}
	id := uint32(w.dict.Rows())
	w.ids[string(value)] = id
	w.dict.AppendBytes(value)
	return id
}

// Type, Rows, EncodeState, EncodeColumn, WriteColumn and Reset make words a
// column for ch-go.

func (w *words) Type() proto.ColumnType {
	return proto.ColumnTypeLowCardinality.Sub(proto.ColumnTypeString)
}

func (w *words) Rows() int { return len(w.keys) }

func (w *words) Reset() {
	clear(w.ids)
	w.dict.Reset()
	w.keys = w.keys[:0]
}

// EncodeState writes the version of the keys' form, which comes before all
// data of the column.
func (w *words) EncodeState(b *proto.Buffer) { b.PutInt64(1) }

// The head of a dictionary that comes with its own keys, renewed with each block.
const (
	hasAdditionalKeys = 1 << 9
	needsUpdate       = 1 << 10
)

func (w *words) EncodeColumn(b *proto.Buffer) {
	if len(w.keys) == 0 {
		return
	}
	width := 0 // log2 of the bytes of a key
	switch n := w.dict.Rows(); {
	case n > 1<<16:
		width = 2
	case n > 1<<8:
		width = 1
	}
	b.PutInt64(hasAdditionalKeys | needsUpdate | int64(width))
	b.PutInt64(int64(w.dict.Rows()))
	w.dict.EncodeColumn(b)
	b.PutInt64(int64(len(w.keys)))
	for _, k := range w.keys {
		switch width {
		case 0:
			b.Buf = append(b.Buf, byte(k))
		case 1:
			b.Buf = append(b.Buf, byte(k), byte(k>>8))
		default:
			b.Buf = append(b.Buf, byte(k), byte(k>>8), byte(k>>16), byte(k>>24))
		}
	}
}

func (w *words) WriteColumn(out *proto.Writer) { out.ChainBuffer(w.EncodeColumn) }

// wordArrays is an Array(LowCardinality(String)) column of words.
type wordArrays struct {
	words   words
	offsets proto.ColUInt64 // end of each row's array
}

func (a *wordArrays) append(row [][]byte) {
	for _, value := range row {
		a.words.keys = append(a.words.keys, a.words.id(value))
	}
	a.offsets.Append(uint64(len(a.words.keys)))
}

func (a *wordArrays) Type() proto.ColumnType { return proto.ColumnTypeArray.Sub(a.words.Type()) }

func (a *wordArrays) Rows() int { return len(a.offsets) }

func (a *wordArrays) Reset() {
	a.words.Reset()
	a.offsets.Reset()
}

func (a *wordArrays) EncodeState(b *proto.Buffer) { a.words.EncodeState(b) }

func (a *wordArrays) EncodeColumn(b *proto.Buffer) {
	a.offsets.EncodeColumn(b)
	a.words.EncodeColumn(b)
}

func (a *wordArrays) WriteColumn(out *proto.Writer) { out.ChainBuffer(a.EncodeColumn) }
