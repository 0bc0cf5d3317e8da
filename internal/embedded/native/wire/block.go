// Package wire moves Native blocks between the engine and the TCP protocol
// without decoding values: it only works out where each column ends.
//
// The two differ in little. The engine writes and reads blocks of revision 0,
// which have no BlockInfo before them and no custom-serialization byte before
// each column's data, and in which DateTime('zone') is a bare DateTime.
package wire

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/ClickHouse/ch-go/proto"
)

const maxColumns = 100_000

// bareDateTime is the end of a column head whose type is DateTime, as the
// length and bytes of its name.
var bareDateTime = []byte("\x08DateTime")

// Column is a column's name and type.
type Column struct{ Name, Type string }

// ReadBlock reads a client's block written at rev and appends it to buf in
// the engine's form. A block of no columns ends a client's data.
func ReadBlock(r *bufio.Reader, rev int, buf []byte) (out []byte, cols, rows int, err error) {
	if proto.FeatureBlockInfo.In(rev) {
		if err := skipInfo(r); err != nil {
			return buf, 0, 0, fmt.Errorf("block info: %w", err)
		}
	}
	c := &cursor{r: r, buf: buf, pos: len(buf)}
	cols, rows, err = c.walk(proto.FeatureCustomSerialization.In(rev), nil)
	return c.buf, cols, rows, err
}

// skipInfo passes the numbered fields of a BlockInfo: 1 is the overflows
// flag, 2 the bucket number, 0 the end.
func skipInfo(r *bufio.Reader) error {
	for {
		field, err := binary.ReadUvarint(r)
		if err != nil {
			return err
		}
		size := 0
		switch field {
		case 0:
			return nil
		case 1:
			size = 1
		case 2:
			size = 4
		default:
			return fmt.Errorf("field %d", field)
		}
		if _, err := r.Discard(size); err != nil {
			return err
		}
	}
}

// walk passes over one block. With custom, each column carries the
// custom-serialization byte, which is read and dropped. each, when set, is
// called with the positions of a column's head, its data and its end.
func (c *cursor) walk(custom bool, each func(head, data, end int)) (cols, rows int, err error) {
	nc, err := c.uvarint()
	if err != nil {
		return 0, 0, err
	}
	nr, err := c.uvarint()
	if err != nil {
		return 0, 0, err
	}
	if nc > maxColumns || nr > maxBytes {
		return 0, 0, fmt.Errorf("block of %d columns and %d rows", nc, nr)
	}
	cols, rows = int(nc), int(nr)
	for range cols {
		head := c.pos
		data, err := c.column(custom, rows)
		if err != nil {
			return cols, rows, err
		}
		if each != nil {
			each(head, data, c.pos)
		}
	}
	return cols, rows, nil
}

// column passes one column and returns where its data began.
func (c *cursor) column(custom bool, rows int) (data int, err error) {
	name, err := c.name()
	if err != nil {
		return 0, err
	}
	typ, err := c.name()
	if err != nil {
		return 0, err
	}
	if custom {
		b, err := c.r.ReadByte()
		if err != nil {
			return 0, err
		}
		if b != 0 {
			return 0, fmt.Errorf("column %s: custom serialization", name)
		}
	}
	data = c.pos
	if rows == 0 { // not even a prefix
		return data, nil
	}
	l, err := layoutOf(typ)
	if err == nil {
		err = l.prefix(c)
	}
	if err == nil {
		err = l.body(c, rows)
	}
	if err != nil {
		return 0, fmt.Errorf("column %s %s: %w", name, typ, err)
	}
	return data, nil
}

// LosesZone reports that the first block of in, in the engine's form, has a
// bare DateTime column, which may have had a zone.
func LosesZone(in []byte) (lost bool) {
	c := &cursor{buf: in}
	_, _, err := c.walk(false, func(head, data, _ int) {
		lost = lost || bytes.HasSuffix(in[head:data], bareDateTime)
	})
	return lost && err == nil
}

// Translate appends the first block of in, which is in the engine's form, to
// b as written at rev, and returns what follows it. header, when set, has the
// true types.
func Translate(b *proto.Buffer, in []byte, rev int, header []Column) (rest []byte, cols, rows int, err error) {
	if proto.FeatureBlockInfo.In(rev) {
		proto.BlockInfo{BucketNum: -1}.Encode(b)
	}
	c := &cursor{buf: in}
	custom, done, n := proto.FeatureCustomSerialization.In(rev), 0, 0
	cols, rows, err = c.walk(false, func(head, data, end int) {
		if n++; n <= len(header) && strings.HasPrefix(header[n-1].Type, "DateTime(") && bytes.HasSuffix(in[head:data], bareDateTime) {
			b.PutRaw(in[done : data-len(bareDateTime)])
			b.PutString(header[n-1].Type)
			done = data
		}
		if custom {
			b.PutRaw(in[done:data]) // the block's head, at the first column, and the column's
			b.PutByte(0)
			done = data
		}
		b.PutRaw(in[done:end])
		done = end
	})
	if err != nil {
		return nil, cols, rows, err
	}
	b.PutRaw(in[done:c.pos]) // the head of a block without columns
	return in[c.pos:], cols, rows, nil
}

// Header appends a block without rows, as written at rev.
func Header(b *proto.Buffer, cols []Column, rev int) {
	if proto.FeatureBlockInfo.In(rev) {
		proto.BlockInfo{BucketNum: -1}.Encode(b)
	}
	b.PutInt(len(cols))
	b.PutInt(0)
	for _, c := range cols {
		b.PutString(c.Name)
		b.PutString(c.Type)
		if proto.FeatureCustomSerialization.In(rev) {
			b.PutByte(0)
		}
	}
}

// ReadHeader decodes the head of a result in RowBinaryWithNamesAndTypes: the
// number of columns, their names, their types.
func ReadHeader(in []byte) ([]Column, error) {
	c := &cursor{buf: in}
	n, err := c.uvarint()
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if n > uint64(len(in)) {
		return nil, fmt.Errorf("header of %d columns in %d bytes", n, len(in))
	}
	cols := make([]Column, n)
	for i := range cols {
		if cols[i].Name, err = c.name(); err != nil {
			return nil, fmt.Errorf("header: %w", err)
		}
	}
	for i := range cols {
		if cols[i].Type, err = c.name(); err != nil {
			return nil, fmt.Errorf("header: %w", err)
		}
	}
	return cols, nil
}
