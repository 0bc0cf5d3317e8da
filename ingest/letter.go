package ingest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
	"google.golang.org/protobuf/encoding/protowire"
)

// Contents of a dead letter that was encrypted: the record as it came.
type Contents struct {
	Key, Value []byte
	Headers    []kgo.RecordHeader
	Error      string // what exactly is wrong with it
}

// Fields of the encrypted form, which is that of a protobuf message.
const (
	contentsKey = iota + 1
	contentsValue
	contentsHeaderName
	contentsHeaderValue // follows its name
	contentsError
)

// contents is the encrypted form of a record. What is nil is left out.
func contents(r *kgo.Record, detail string) (b []byte) {
	put := func(n protowire.Number, v []byte) {
		if v != nil {
			b = protowire.AppendBytes(protowire.AppendTag(b, n, protowire.BytesType), v)
		}
	}
	put(contentsKey, r.Key)
	put(contentsValue, r.Value)
	for _, h := range r.Headers {
		put(contentsHeaderName, append([]byte{}, h.Key...))
		put(contentsHeaderValue, h.Value)
	}
	put(contentsError, []byte(detail))
	return b
}

func parseContents(b []byte) (*Contents, error) {
	var c Contents
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 || typ != protowire.BytesType {
			return nil, errors.New("contents are malformed")
		}
		v, m := protowire.ConsumeBytes(b[n:])
		if m < 0 {
			return nil, fmt.Errorf("contents are malformed: %w", protowire.ParseError(m))
		}
		b, v = b[n+m:], slices.Clip(v)
		switch int(num) {
		case contentsKey:
			c.Key = v
		case contentsValue:
			c.Value = v
		case contentsHeaderName:
			c.Headers = append(c.Headers, kgo.RecordHeader{Key: string(v)})
		case contentsHeaderValue:
			if len(c.Headers) > 0 {
				c.Headers[len(c.Headers)-1].Value = v
			}
		case contentsError:
			c.Error = string(v)
		}
	}
	return &c, nil
}

// OpenLetter decrypts the value of a dead letter. encryption is its header of
// that name, origin is [OriginOf] its record.
func OpenLetter(keys []LetterKey, encryption, origin string, value []byte) (*Contents, error) {
	algorithm, id, _ := strings.Cut(encryption, "/")
	if algorithm != cipherName {
		return nil, fmt.Errorf("the letter of %s is encrypted by %q, which this version does not know; it knows %s", origin, algorithm, cipherName)
	}
	for _, k := range keys {
		if k.ID != id {
			continue
		}
		s, err := newSealer(k)
		if err != nil {
			return nil, err
		}
		b, err := s.aead.Open(nil, nil, value, []byte(origin))
		if err != nil {
			return nil, fmt.Errorf("decrypt the letter of %s: key %q is not the one that it was encrypted under, or the letter was altered", origin, id)
		}
		return parseContents(b)
	}
	return nil, fmt.Errorf("the letter of %s is encrypted under key %q; give that one under ingest.dead_letter_keys", origin, id)
}
