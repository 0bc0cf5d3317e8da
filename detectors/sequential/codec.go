package sequential

import (
	"encoding/binary"
	"fmt"
	"math"
)

// codec writes fields or reads them, by the same calls, so that the two cannot
// differ. Reading refuses what cannot be a state; after the first error it
// changes nothing more.
type codec struct {
	buf     []byte // written, or still to be read
	reading bool
	err     error
}

func (c *codec) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("bad snapshot: "+format, args...)
	}
}

// take is the next n bytes, nil when there are not as many.
func (c *codec) take(n int) []byte {
	if c.err == nil && len(c.buf) < n {
		c.fail("it ends early")
	}
	if c.err != nil {
		return nil
	}
	out := c.buf[:n]
	c.buf = c.buf[n:]
	return out
}

func (c *codec) word(v *uint64) {
	if !c.reading {
		c.buf = binary.LittleEndian.AppendUint64(c.buf, *v)
	} else if b := c.take(8); b != nil {
		*v = binary.LittleEndian.Uint64(b)
	}
}

// count is a number of values seen; 2^53 is more than any stream has, and the
// largest that is exact as a float64.
func (c *codec) count(v *uint64) {
	n := *v
	if c.word(&n); n > 1<<53 {
		c.fail("a count of %d", n)
		return
	}
	*v = n
}

// index is a position or a length of 0 to limit.
func (c *codec) index(v *int, limit int) {
	n := uint64(*v)
	if c.word(&n); n > uint64(limit) {
		c.fail("%d where at most %d can be", n, limit)
		return
	}
	*v = int(n)
}

func (c *codec) flag(v *bool) {
	n := 0
	if *v {
		n = 1
	}
	c.index(&n, 1)
	*v = n == 1
}

// float is any number but NaN.
func (c *codec) float(v *float64) {
	bits := math.Float64bits(*v)
	if c.word(&bits); math.IsNaN(math.Float64frombits(bits)) {
		c.fail("NaN for a number")
		return
	}
	*v = math.Float64frombits(bits)
}

// finite is a number that is neither NaN nor infinite.
func (c *codec) finite(v *float64) {
	x := *v
	if c.float(&x); math.IsInf(x, 0) {
		c.fail("%v for a number", x)
		return
	}
	*v = x
}

// values are numbers of a domain, as many as vs has.
func (c *codec) values(vs []float64, domain Domain) {
	for i := range vs {
		x := vs[i]
		if c.float(&x); !domain.Holds(x) {
			c.fail("%v where %s is wanted", x, domain)
		}
		if c.err != nil {
			return
		}
		vs[i] = x
	}
}

// byte reads one byte as a length.
func (c *codec) byte() int {
	b := c.take(1)
	if b == nil {
		return 0
	}
	return int(b[0])
}

// text reads a text with its length before it.
func (c *codec) text() string { return string(c.take(c.byte())) }
