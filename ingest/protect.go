package ingest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"unicode/utf8"
)

// protector acts on texts. One goroutine uses it.
type protector struct {
	mac    hash.Hash // nil without a key
	tenant []byte    // of the row at hand
	sum    []byte
	made   []byte // new texts of the record at hand: rows point into it until they are stored
}

func newProtector(key string) *protector {
	p := &protector{}
	if key != "" {
		p.mac = hmac.New(sha256.New, []byte(key))
	}
	return p
}

// begin forgets the texts of the record before.
func (p *protector) begin() { p.made = p.made[:0] }

// text gives what may be kept of a value. What is missing stays missing.
func (p *protector) text(t *treatment, v []byte) []byte {
	if t.drop {
		return nil
	}
	for i := range t.steps {
		if len(v) == 0 {
			return nil
		}
		v = p.step(&t.steps[i], v)
	}
	return v
}

// other stands for all values that are not allowed.
var other = []byte("other")

// step never gives a raw value for want of knowing better.
func (p *protector) step(s *step, v []byte) []byte {
	switch s.action {
	case ActionHash:
		return p.hash(v)
	case ActionTruncate:
		return truncated(v, s.bytes)
	case ActionAllowValues:
		if _, ok := s.values[string(v)]; ok { // does not allocate
			return v
		}
		return other
	default:
		return nil
	}
}

// hashBytes of the digest are kept: 128 bits do not collide by chance, and
// what is stored stays short.
const hashBytes = 16

// hash depends on the tenant, so that nobody learns which values two of them
// share. It does not depend on the field: a label finds its event.
func (p *protector) hash(v []byte) []byte {
	if p.mac == nil {
		return nil
	}
	p.mac.Reset()
	p.mac.Write(p.tenant)
	p.mac.Write([]byte{0})
	p.mac.Write(v)
	p.sum = p.mac.Sum(p.sum[:0])
	from := len(p.made)
	p.made = hex.AppendEncode(p.made, p.sum[:hashBytes])
	return p.made[from:len(p.made):len(p.made)]
}

// truncated cuts between characters. Bytes that are no text are cut anywhere.
func truncated(v []byte, n int) []byte {
	if len(v) <= n {
		return v
	}
	for back := 0; back < utf8.UTFMax && n-back >= 0; back++ {
		if utf8.RuneStart(v[n-back]) {
			return v[:n-back]
		}
	}
	return v[:n]
}
