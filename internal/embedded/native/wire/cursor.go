package wire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	maxBytes = 1 << 30 // of one block: a client cannot make us allocate more
	maxName  = 1 << 20 // of a column or type name
	readStep = 4 << 20
)

var errVarint = errors.New("varint of more than 64 bits")

// cursor walks a block. With r set it reads on and keeps what it read in buf;
// without, buf already holds everything (the engine's memory, never copied
// here).
type cursor struct {
	r   *bufio.Reader
	buf []byte
	pos int // everything before is walked; with r set, always len(buf)
}

// need passes n values of size bytes.
func (c *cursor) need(n, size int) error {
	if size > 0 && n > maxBytes/size {
		return fmt.Errorf("block larger than %d bytes", maxBytes)
	}
	n *= size
	if c.r == nil {
		if n > len(c.buf)-c.pos {
			return io.ErrUnexpectedEOF
		}
		c.pos += n
		return nil
	}
	if c.pos+n > maxBytes {
		return fmt.Errorf("block larger than %d bytes", maxBytes)
	}
	// Grow as the bytes arrive: a lying length costs the client its own bytes.
	for n > 0 {
		step := min(n, readStep)
		c.buf = grow(c.buf, step)
		if _, err := io.ReadFull(c.r, c.buf[c.pos:]); err != nil {
			c.buf = c.buf[:c.pos]
			return err
		}
		c.pos, n = c.pos+step, n-step
	}
	return nil
}

func grow(b []byte, n int) []byte {
	if cap(b)-len(b) < n {
		bigger := make([]byte, len(b), 2*cap(b)+n)
		copy(bigger, b)
		b = bigger
	}
	return b[:len(b)+n]
}

func (c *cursor) u64() (uint64, error) {
	if err := c.need(1, 8); err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(c.buf[c.pos-8:]), nil
}

func (c *cursor) uvarint() (uint64, error) {
	for start := c.pos; c.pos-start < binary.MaxVarintLen64; {
		if err := c.need(1, 1); err != nil {
			return 0, err
		}
		if c.buf[c.pos-1] < 0x80 {
			v, n := binary.Uvarint(c.buf[start:c.pos])
			if n <= 0 {
				return 0, errVarint
			}
			return v, nil
		}
	}
	return 0, errVarint
}

// name reads a column or type name.
func (c *cursor) name() (string, error) {
	n, err := c.uvarint()
	if err != nil {
		return "", err
	}
	if n > maxName {
		return "", fmt.Errorf("name of %d bytes", n)
	}
	if err := c.need(int(n), 1); err != nil {
		return "", err
	}
	return string(c.buf[c.pos-int(n) : c.pos]), nil
}

// strings passes rows strings: whole runs of those that are in memory, and
// one by one those that cross the end of the read buffer.
func (c *cursor) strings(rows int) error {
	if c.r == nil {
		n, left := stringRun(c.buf[c.pos:], rows)
		c.pos += n
		if left > 0 {
			return io.ErrUnexpectedEOF
		}
		return nil
	}
	for rows > 0 {
		ahead, err := c.r.Peek(c.r.Buffered())
		if err != nil {
			return err
		}
		n, left := stringRun(ahead, rows)
		if err := c.need(n, 1); err != nil {
			return err
		}
		if rows = left; rows > 0 {
			if err := c.oneString(); err != nil {
				return err
			}
			rows--
		}
	}
	return nil
}

// stringRun is the length of the whole strings at the start of b, rows at
// most, and how many rows are left.
func stringRun(b []byte, rows int) (length, left int) {
	for rows > 0 {
		n, k := binary.Uvarint(b[length:])
		if k <= 0 || n > uint64(len(b)-length-k) {
			break
		}
		length, rows = length+k+int(n), rows-1
	}
	return length, rows
}

func (c *cursor) oneString() error {
	n, err := c.uvarint()
	if err != nil {
		return err
	}
	if n > maxBytes {
		return fmt.Errorf("string of %d bytes", n)
	}
	return c.need(int(n), 1)
}
