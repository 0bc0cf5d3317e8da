package ingest

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/valyala/fastjson"

	"github.com/driftline/driftline/internal/kafka"
)

// letters makes the dead letters of one topic.
type letters struct {
	mode     string
	discreet bool    // what is said of a record must not quote it
	sealer   *sealer // of mode encrypt
	digest   *protector
}

// lettersOf makes the letters of a topic. Where a policy holds, records are
// not kept as they came unless the configuration says so.
func (in *Ingester) lettersOf(t Topic) *letters {
	c := &in.cfg
	guarded := len(c.policiesFor(t)) > 0
	l := &letters{mode: t.DeadLetters}
	if l.mode == "" {
		l.mode = LettersKeep
		if guarded {
			l.mode = LettersRedact
		}
	}
	l.discreet = guarded || l.mode != LettersKeep
	if c.HashKey != "" {
		l.digest = newProtector(c.HashKey.Value())
	}
	if l.mode == LettersEncrypt {
		var err error
		if l.sealer, err = firstSealer(c.LetterKeys); err != nil { // Validate says so, too
			in.warn.Error("dead letters cannot be encrypted and are redacted", "topic", t.Topic, "err", err)
			l.mode = LettersRedact
		}
	}
	return l
}

// detail is what headers and the log may say of a bad record. All that goes
// there comes through here.
func (l *letters) detail(bad *poison) string {
	switch {
	case !l.discreet:
		return bad.detail
	case strings.Trim(bad.discreet, veil+"\" ") == "":
		return "values are withheld, since policies hold for the topic"
	default:
		return bad.discreet
	}
}

// Headers of a dead letter whose contents are not as they came. They stand
// after those of its origin, so that a producer cannot make them up.
const (
	HeaderRedacted   = "driftline-redacted"   // why key, value and headers are not there: policy, or size when it is too large to be encrypted
	HeaderEncryption = "driftline-encryption" // how the value is encrypted, which holds key, value and headers: aes-256-gcm/<id of the key>
	HeaderDigest     = "driftline-digest"     // of the original value under ingest.hash_key: equal records have equal ones
)

// of makes the dead letter of a record: its key, bytes and headers as they
// came, encrypted or not at all, and where it came from and why it lies here.
func (l *letters) of(r *kgo.Record, bad *poison) *kgo.Record {
	out := &kgo.Record{Topic: kafka.DLQ(r.Topic)}
	origin := originHeaders(r, bad.reason, l.detail(bad))
	switch l.mode {
	case LettersKeep:
		out.Key, out.Value, out.Headers = r.Key, r.Value, append(slices.Clip(r.Headers), origin...)
	case LettersEncrypt:
		out.Value = l.sealer.seal(OriginOf(r.Topic, r.Partition, r.Offset), contents(r, bad.detail))
		out.Headers = append(origin, header(HeaderEncryption, l.sealer.name()), l.size(r))
	default:
		out.Headers = append(origin, header(HeaderRedacted, "policy"), l.size(r))
		if l.digest != nil { // not a plain one: small values could be guessed
			l.digest.begin()
			out.Headers = append(out.Headers, header(HeaderDigest, "hmac-sha256/"+string(l.digest.hash(r.Value))))
		}
	}
	return out
}

func encrypted(letter *kgo.Record) bool {
	i := len(letter.Headers) - 2 // before the size
	return i >= 0 && letter.Headers[i].Key == HeaderEncryption
}

// redacted is an encrypted letter without its contents.
func redacted(letter *kgo.Record) *kgo.Record {
	headers := slices.Clone(letter.Headers)
	headers[len(headers)-2] = header(HeaderRedacted, "size")
	return &kgo.Record{Topic: letter.Topic, Headers: headers}
}

func (l *letters) size(r *kgo.Record) kgo.RecordHeader {
	return header(HeaderSize, strconv.Itoa(len(r.Value)))
}

func header(key, value string) kgo.RecordHeader {
	return kgo.RecordHeader{Key: key, Value: []byte(value)}
}

func originHeaders(r *kgo.Record, reason, detail string) []kgo.RecordHeader {
	return []kgo.RecordHeader{
		header(HeaderReason, reason),
		header(HeaderError, detail),
		header(HeaderTopic, r.Topic),
		header(HeaderPartition, strconv.Itoa(int(r.Partition))),
		header(HeaderOffset, strconv.FormatInt(r.Offset, 10)),
		header(HeaderTimestamp, r.Timestamp.UTC().Format(time.RFC3339Nano)),
	}
}

// OriginOf names a record: topic/partition/offset.
func OriginOf(topic string, partition int32, offset int64) string {
	return fmt.Sprintf("%s/%d/%d", topic, partition, offset)
}

// cipherName is how letters are encrypted. The nonce is random and stands in
// front; the origin is bound to the contents as associated data.
const cipherName = "aes-256-gcm"

type sealer struct {
	id   string
	aead cipher.AEAD
}

func firstSealer(keys []LetterKey) (*sealer, error) {
	if len(keys) == 0 {
		return nil, errors.New("ingest.dead_letter_keys is empty")
	}
	return newSealer(keys[0])
}

func newSealer(k LetterKey) (*sealer, error) {
	key, err := k.bytes()
	if err != nil {
		return nil, fmt.Errorf("read dead-letter key %q: %w", k.ID, err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return &sealer{k.ID, aead}, err
}

func (s *sealer) name() string { return cipherName + "/" + s.id }

func (s *sealer) seal(origin string, contents []byte) []byte {
	return s.aead.Seal(nil, nil, contents, []byte(origin))
}

// veil stands for what is not told.
const veil = "…"

// plain marks an argument of poisonf that tells nothing of a record's values:
// it is told also where policies hold. So are counts of type int.
type plain string

type veiled struct{}

// Format writes the veil whatever the verb.
func (veiled) Format(w fmt.State, _ rune) { _, _ = io.WriteString(w, veil) }

// discreetly is fmt.Sprintf without what may come from a record.
func discreetly(format string, args []any) string {
	shown := make([]any, len(args))
	for i, a := range args {
		switch a.(type) {
		case plain, int, fastjson.Type:
			shown[i] = a
		default:
			shown[i] = veiled{}
		}
	}
	return fmt.Sprintf(format, shown...)
}
