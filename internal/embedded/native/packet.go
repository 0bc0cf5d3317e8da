package native

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/ClickHouse/ch-go/proto"
)

// Limits on what a client may make us allocate. ch-go's own Reader has none:
// it is made for a client that trusts its server.
const (
	maxWord     = 1 << 20   // names, and everything else that people type
	maxBody     = 256 << 20 // a statement with inline data
	maxSettings = 10_000
)

// packet reads the fields of a client packet; the first error sticks.
type packet struct {
	r   *bufio.Reader
	err error
}

func (p *packet) uint() (v uint64) {
	if p.err == nil {
		v, p.err = binary.ReadUvarint(p.r)
	}
	return v
}

func (p *packet) str(limit uint64) string {
	n := p.uint()
	if p.err == nil && n > limit {
		p.err = fmt.Errorf("string of %d bytes, over the limit of %d", n, limit)
	}
	if p.err != nil {
		return ""
	}
	var b bytes.Buffer // grows with what arrives, not with what is announced
	_, p.err = io.CopyN(&b, p.r, int64(n))
	return b.String()
}

func (p *packet) word() string { return p.str(maxWord) }

func (p *packet) words(n int) {
	for range n {
		p.word()
	}
}

func (p *packet) uints(n int) {
	for range n {
		p.uint()
	}
}

func (p *packet) skip(n int) {
	if p.err == nil {
		_, p.err = p.r.Discard(n)
	}
}

func (p *packet) byte() (b byte) {
	if p.err == nil {
		b, p.err = p.r.ReadByte()
	}
	return b
}

// clientInfo passes over the ClientInfo of a Query packet.
func (p *packet) clientInfo(rev int) {
	if p.byte() == 0 { // no query kind: nothing follows
		return
	}
	p.words(3) // initial user, query id, address
	if proto.FeatureQueryStartTime.In(rev) {
		p.skip(8)
	}
	if i := p.byte(); p.err == nil && i != byte(proto.InterfaceTCP) {
		p.err = fmt.Errorf("interface %d in the client info", i)
	}
	p.words(3) // os user, host, client name
	p.uints(3) // major, minor, revision
	if proto.FeatureQuotaKeyInClientInfo.In(rev) {
		p.word()
	}
	if proto.FeatureDistributedDepth.In(rev) {
		p.uint()
	}
	if proto.FeatureVersionPatch.In(rev) {
		p.uint()
	}
	if proto.FeatureOpenTelemetry.In(rev) && p.byte() != 0 {
		p.skip(16 + 8) // trace and span id
		p.word()
		p.skip(1)
	}
	if proto.FeatureParallelReplicas.In(rev) {
		p.uints(3)
	}
}

// settings reads settings or parameters up to the empty name. Before revision
// 54429 settings were binary and only the client knew their types: text is
// false then, and all of them are taken for integers.
func (p *packet) settings(text bool) (out []proto.Setting) {
	for name := p.word(); name != "" && p.err == nil; name = p.word() {
		s := proto.Setting{Key: name}
		if flags := p.uint(); text {
			s.Important, s.Custom = flags&1 != 0, flags&2 != 0
			s.Value = p.str(maxBody)
		} else {
			s.Value = strconv.FormatUint(flags, 10)
		}
		if len(out) >= maxSettings && p.err == nil {
			p.err = errors.New("too many settings")
		}
		out = append(out, s)
	}
	return out
}
