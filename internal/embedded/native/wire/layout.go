package wire

import (
	"encoding/binary"
	"fmt"
)

// kind is how the values of a type lie in a column.
type kind uint8

const (
	fixed    kind = iota // size bytes each
	text                 // length and bytes each
	nullable             // one null byte each, then the values of kids[0]
	lowCard              // dictionary of kids[0] and indexes into it
	array                // end positions, then all values of kids[0]
	tuple                // all kids, one after the other
)

// layout says how a column of one type lies on the wire.
type layout struct {
	kind kind
	size int
	kids []*layout
}

// prefix passes the serialization state that precedes a column's data. Of an
// Array(LowCardinality) it comes before the array's positions.
func (l *layout) prefix(c *cursor) error {
	if l.kind == lowCard {
		v, err := c.u64()
		if err == nil && v != 1 {
			err = fmt.Errorf("LowCardinality: key version %d", v)
		}
		return err
	}
	for _, k := range l.kids {
		if err := k.prefix(c); err != nil {
			return err
		}
	}
	return nil
}

// body passes the data of rows values.
func (l *layout) body(c *cursor, rows int) error {
	switch l.kind {
	case fixed:
		return c.need(rows, l.size)
	case text:
		return c.strings(rows)
	case nullable:
		if err := c.need(rows, 1); err != nil {
			return err
		}
		return l.kids[0].body(c, rows)
	case tuple:
		for _, k := range l.kids {
			if err := k.body(c, rows); err != nil {
				return err
			}
		}
		return nil
	case array:
		return l.arrayBody(c, rows)
	case lowCard:
		return l.lowCardBody(c, rows)
	}
	return fmt.Errorf("unknown layout %d", l.kind)
}

// arrayBody passes the end position of every row; the last is the number of
// values.
func (l *layout) arrayBody(c *cursor, rows int) error {
	if rows == 0 {
		return l.kids[0].body(c, 0)
	}
	if err := c.need(rows, 8); err != nil {
		return err
	}
	total := binary.LittleEndian.Uint64(c.buf[c.pos-8:])
	if total > maxBytes {
		return fmt.Errorf("array of %d values", total)
	}
	return l.kids[0].body(c, int(total))
}

// Bits of the word before a LowCardinality dictionary. The low byte is the
// index width: 1 << it bytes.
const (
	lowCardWidth      = 0xff
	lowCardGlobal     = 1 << 8 // a dictionary shared by blocks: never in Native
	lowCardAdditional = 1 << 9 // a dictionary follows: always in Native
)

func (l *layout) lowCardBody(c *cursor, rows int) error {
	if rows == 0 { // nothing at all, not even an empty dictionary
		return nil
	}
	flags, err := c.u64()
	if err != nil {
		return err
	}
	if flags&lowCardWidth > 3 || flags&lowCardGlobal != 0 || flags&lowCardAdditional == 0 {
		return fmt.Errorf("LowCardinality: flags %#x", flags)
	}
	keys, err := c.u64()
	if err != nil {
		return err
	}
	if keys > maxBytes {
		return fmt.Errorf("LowCardinality: %d keys", keys)
	}
	if err := l.kids[0].body(c, int(keys)); err != nil {
		return err
	}
	n, err := c.u64()
	if err != nil {
		return err
	}
	if n != uint64(rows) {
		return fmt.Errorf("LowCardinality: %d indexes for %d rows", n, rows)
	}
	return c.need(rows, 1<<(flags&lowCardWidth))
}
