package sequential

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"math"
	"slices"
)

// A snapshot is
//
//	"DLSQ" | version | name | parameters | steps | refused | state | CRC-32C
//
// little endian, texts with their length as one byte, parameters as a count
// and pairs of name and value. The state is what machine.fields names. Another
// order or meaning of fields is another version.
const (
	snapshotMagic   = "DLSQ"
	snapshotVersion = 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// MarshalBinary writes method, parameters and state. The error is always nil.
func (d *Detector) MarshalBinary() ([]byte, error) { return d.AppendBinary(nil) }

// AppendBinary appends what MarshalBinary writes. The error is always nil.
func (d *Detector) AppendBinary(b []byte) ([]byte, error) {
	start := len(b)
	c := &codec{buf: append(b, snapshotMagic...)}
	c.buf = append(c.buf, snapshotVersion)
	c.buf = appendText(c.buf, d.entry.Name)
	c.buf = append(c.buf, byte(len(d.params)))
	for _, name := range slices.Sorted(maps.Keys(d.params)) {
		c.buf = appendText(c.buf, name)
		c.buf = binary.LittleEndian.AppendUint64(c.buf, math.Float64bits(d.params[name]))
	}
	c.count(&d.steps)
	c.count(&d.refused)
	d.machine.fields(c)
	return binary.LittleEndian.AppendUint32(c.buf, crc32.Checksum(c.buf[start:], castagnoli)), nil
}

func appendText(b []byte, s string) []byte { return append(append(b, byte(len(s))), s...) }

// UnmarshalBinary makes d the detector that was written: its method,
// parameters and state replace what d was. On error d stays as it was.
func (d *Detector) UnmarshalBinary(data []byte) error {
	next, err := restore(data)
	if err != nil {
		return fmt.Errorf("restore detector: %w", err)
	}
	*d = *next
	return nil
}

// Restore makes the detector that MarshalBinary wrote.
func Restore(data []byte) (*Detector, error) {
	d := new(Detector)
	return d, d.UnmarshalBinary(data)
}

func restore(data []byte) (*Detector, error) {
	const least = len(snapshotMagic) + 1 + crc32.Size
	switch {
	case len(data) < least:
		return nil, fmt.Errorf("%d bytes are no snapshot, which has at least %d", len(data), least)
	case string(data[:len(snapshotMagic)]) != snapshotMagic:
		return nil, fmt.Errorf("no snapshot: it begins with %q instead of %q", data[:len(snapshotMagic)], snapshotMagic)
	case data[len(snapshotMagic)] != snapshotVersion:
		return nil, fmt.Errorf("snapshot of version %d; this program reads version %d", data[len(snapshotMagic)], snapshotVersion)
	}
	body, sum := data[:len(data)-crc32.Size], binary.LittleEndian.Uint32(data[len(data)-crc32.Size:])
	if crc32.Checksum(body, castagnoli) != sum {
		return nil, errors.New("damaged snapshot: its checksum does not match")
	}
	return decode(body[len(snapshotMagic)+1:])
}

// decode reads a snapshot's body from the name on.
func decode(body []byte) (*Detector, error) {
	c := &codec{buf: body, reading: true}
	name := c.text()
	set := Params{}
	for range c.byte() {
		key := c.text()
		var v float64
		c.finite(&v)
		set[key] = v
	}
	if c.err != nil {
		return nil, c.err
	}
	d, err := New(name, set)
	if err != nil {
		return nil, err
	}
	c.count(&d.steps)
	c.count(&d.refused)
	d.machine.fields(c)
	if c.err == nil && len(c.buf) > 0 {
		c.fail("%d bytes too many", len(c.buf))
	}
	if c.err != nil {
		return nil, fmt.Errorf("%s: %w", name, c.err)
	}
	return d, nil
}
