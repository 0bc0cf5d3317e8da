package ingest

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The reader of Arrow streams makes slices as long as the metadata says before
// it looks at what they hold, and what says so is whoever wrote the record: one
// of a few bytes could ask for more memory than there is, which ends the
// process. So all lengths in the metadata are held against its bytes first.
//
// Metadata are flatbuffers: tables whose fields are found by a table of
// offsets, and vectors of a length and elements. Message.fbs and Schema.fbs of
// Apache Arrow say which field is in which slot.

// boundedArrow refuses a stream whose metadata claim more than they hold.
func boundedArrow(b []byte) error {
	for len(b) >= 8 {
		size, head := int64(int32(binary.LittleEndian.Uint32(b))), 4
		if size == -1 { // the mark of a message; streams of before 2020 have none
			size, head = int64(int32(binary.LittleEndian.Uint32(b[4:]))), 8
		}
		b = b[head:]
		if size == 0 {
			return nil // the end of the stream
		}
		if size < 0 || size > int64(len(b)) {
			return fmt.Errorf("metadata of %d bytes in a record that has %d more", size, len(b))
		}
		m := &flatbuffer{b: b[:size]}
		body := m.message()
		if m.bad {
			return errors.New("the metadata claim more than they hold")
		}
		b = b[size:]
		if body < 0 || body > int64(len(b)) {
			return fmt.Errorf("a body of %d bytes in a record that has %d more", body, len(b))
		}
		b = b[body:]
	}
	return nil
}

// flatbuffer reads metadata. What lies outside of them is 0 and makes them bad.
type flatbuffer struct {
	b      []byte
	bad    bool
	fields int // that were met: several may be the same bytes
}

const (
	maxArrowFields = 100_000
	maxArrowDepth  = 16
)

// message looks at one message and returns the length of its body.
func (f *flatbuffer) message() int64 {
	m := f.follow(0)
	header := f.table(m, 8)
	switch f.byte(f.slot(m, 6)) {
	case 1: // schema
		f.each(header, 6, func(field int) { f.field(field, 0) })
		f.vector(header, 8, 4)
		f.vector(header, 10, 8)
	case 2: // dictionary
		f.batch(f.table(header, 6))
	case 3:
		f.batch(header)
	}
	f.vector(m, 12, 4)
	return f.int64(f.slot(m, 10))
}

func (f *flatbuffer) field(at, depth int) {
	const union = 14
	if f.fields++; f.fields > maxArrowFields || depth > maxArrowDepth || f.byte(f.slot(at, 8)) == union {
		f.bad = true
		return
	}
	f.vector(at, 16, 4)
	f.each(at, 14, func(child int) { f.field(child, depth+1) })
}

func (f *flatbuffer) batch(at int) {
	f.vector(at, 6, 16)
	_, buffers := f.vector(at, 8, 16)
	counts, n := f.vector(at, 12, 8)
	for i := range n {
		if c := f.int64(counts + 8*i); c < 0 || c > int64(buffers) {
			f.bad = true
		}
	}
}

// each calls do with the tables of a vector.
func (f *flatbuffer) each(table, slot int, do func(at int)) {
	first, n := f.vector(table, slot, 4)
	for i := 0; i < n && !f.bad; i++ {
		do(f.follow(first + 4*i))
	}
}

// vector is where the elements of a table's vector begin, and how many they are.
func (f *flatbuffer) vector(table, slot, size int) (first, n int) {
	at := f.slot(table, slot)
	if at == 0 {
		return 0, 0
	}
	at = f.follow(at)
	n = int(f.uint32(at))
	if f.bad || n > (len(f.b)-at-4)/size {
		f.bad = true
		return 0, 0
	}
	return at + 4, n
}

// table is where a table begins that is a field of another; 0 when there is none.
func (f *flatbuffer) table(table, slot int) int {
	at := f.slot(table, slot)
	if at == 0 {
		return 0
	}
	return f.follow(at)
}

// slot is where a table's field is; 0 when it has none.
func (f *flatbuffer) slot(table, slot int) int {
	if table == 0 || f.bad {
		return 0
	}
	vtable := table - int(int32(f.uint32(table)))
	if slot >= int(f.uint16(vtable)) {
		return 0
	}
	if offset := int(f.uint16(vtable + slot)); offset > 0 {
		return table + offset
	}
	return 0
}

func (f *flatbuffer) follow(at int) int { return at + int(f.uint32(at)) }

func (f *flatbuffer) uint32(at int) uint32 {
	if !f.has(at, 4) {
		return 0
	}
	return binary.LittleEndian.Uint32(f.b[at:])
}

func (f *flatbuffer) uint16(at int) uint16 {
	if !f.has(at, 2) {
		return 0
	}
	return binary.LittleEndian.Uint16(f.b[at:])
}

// int64 and byte are fields, which are 0 when they are absent.
func (f *flatbuffer) int64(at int) int64 {
	if at == 0 || !f.has(at, 8) {
		return 0
	}
	return int64(binary.LittleEndian.Uint64(f.b[at:]))
}

func (f *flatbuffer) byte(at int) byte {
	if at == 0 || !f.has(at, 1) {
		return 0
	}
	return f.b[at]
}

func (f *flatbuffer) has(at, n int) bool {
	if at < 0 || at > len(f.b)-n {
		f.bad = true
	}
	return !f.bad
}
