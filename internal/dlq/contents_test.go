package dlq

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/driftline/driftline/ingest"
	"github.com/driftline/driftline/internal/config"
	"github.com/driftline/driftline/internal/kafka"
)

func keyOf(id string, fill byte) ingest.LetterKey {
	return ingest.LetterKey{ID: id, Key: config.Secret(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{fill}, 32)))}
}

// broken are records that no ingest can store until features are allowed: of
// three partitions, with key and headers.
func (r *rig) broken(n int) {
	r.Helper()
	var events []*kgo.Record
	for i := range n {
		events = append(events, &kgo.Record{
			Topic: "in", Partition: int32(i % 3), Key: fmt.Append(nil, "SECRET", i), Headers: []kgo.RecordHeader{{Key: "trace", Value: fmt.Append(nil, "SECRET", i)}},
			Value: fmt.Appendf(nil, `{"model":"credit","version":"v%d","request_id":"SECRET%d","timestamp":1772366400000,"features":{"age":1,"income":2}}`, i%3, i),
		})
	}
	r.bury(events...)
}

// Letters in every form, made by the real ingest, are replayed once each,
// through a crash, as the records that they were.
func TestRoundTripInEveryForm(t *testing.T) {
	for _, mode := range []string{ingest.LettersEncrypt, ingest.LettersRedact} {
		t.Run(mode, func(t *testing.T) {
			r := newRig(t)
			check(t, kafka.EnsureTopics(t.Context(), r.cl, r.cfg.Topics))
			r.letters, r.keys = mode, []ingest.LetterKey{keyOf("new", 2)}
			r.box = New(r.cfg, "in", keyOf("old", 1), keyOf("new", 2))
			const n = 60
			r.broken(n)
			s := &store{rows: map[string]int{}}
			stop := r.ingest(s, 3)
			listed := func() *Listing {
				l, err := r.box.List(t.Context(), Filter{}, 0)
				check(t, err)
				return l
			}
			until(t, "dead letters", func() bool { return listed().Total == n })
			stop()
			for _, rec := range r.committed(kafka.DLQ("in")) {
				if text := fmt.Sprintf("%s %s %s", rec.Key, rec.Value, rec.Headers); strings.Contains(text, "SECRET") {
					t.Fatal(text)
				}
			}
			if row := listed().Letters[0]; row.Form != map[string]string{ingest.LettersEncrypt: FormEncrypted, ingest.LettersRedact: FormRedacted}[mode] || row.Bytes < 100 {
				t.Errorf("%+v", row)
			}
			stop = r.ingest(s, 10) // mended
			h := r.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.InvalidTxnState, Count: -1})
			if rep, err := r.box.Replay(t.Context(), ReplayOptions{Batch: 7}); err == nil {
				t.Fatalf("the crash had no effect: %+v", rep)
			}
			h.Remove()
			if rep := r.replay(ReplayOptions{Batch: 7}); rep.Sent != n || len(rep.Gone) != 0 {
				t.Errorf("replay: sent %d, %d gone", rep.Sent, len(rep.Gone))
			}
			if rep := r.replay(ReplayOptions{}); rep.Sent != 0 || rep.Before != n {
				t.Errorf("replay again: %+v", rep)
			}
			until(t, "all rows", func() bool { return s.total() >= n })
			stop()
			if got := s.total(); got != n {
				t.Errorf("%d rows stored, want %d", got, n)
			}
			r.sameAsBefore(n)
		})
	}
}

// sameAsBefore compares the replayed records of the topic with the first n.
func (r *rig) sameAsBefore(n int) {
	r.Helper()
	before, after := map[string]int{}, map[string]int{}
	for _, rec := range r.committed("in") {
		into, trace := before, rec.Headers[:1]
		if len(rec.Headers) > 1 && rec.Headers[1].Key == HeaderReplayOf {
			into = after
		}
		into[fmt.Sprintf("%d %s %s %s", rec.Partition, rec.Key, rec.Value, trace)]++
	}
	for text, times := range after {
		if times != 1 || before[text] != 1 {
			r.Errorf("%s came %d times, and was there %d times before", text, times, before[text])
		}
	}
	if len(after) != n {
		r.Errorf("%d records were replayed", len(after))
	}
}

// encryptedLetter is one under a key, as ingest makes it.
func (r *rig) encryptedLetters(n int) {
	r.Helper()
	check(r, kafka.EnsureTopics(r.Context(), r.cl, r.cfg.Topics))
	r.letters, r.keys = ingest.LettersEncrypt, []ingest.LetterKey{keyOf("k", 1)}
	r.broken(n)
	stop := r.ingest(&store{rows: map[string]int{}}, 3)
	until(r, "dead letters", func() bool { return len(r.committed(kafka.DLQ("in"))) == n })
	stop()
}

// Without the key, or with another one by its name, nothing is shown and
// nothing is sent, and the error says what is missing. Listing goes on.
func TestEncryptedLettersNeedTheirKey(t *testing.T) {
	r := newRig(t)
	r.encryptedLetters(3)
	for name, c := range map[string]struct {
		keys []ingest.LetterKey
		want string
	}{
		"none":  {nil, `encrypted under key "k"; give that one under ingest.dead_letter_keys`},
		"other": {[]ingest.LetterKey{keyOf("k", 9)}, `key "k" is not the one`},
	} {
		box := New(r.cfg, "in", c.keys...)
		_, err := box.Show(t.Context(), Filter{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: show: %v", name, err)
		}
		rep, err := box.Replay(t.Context(), ReplayOptions{})
		if err == nil || !strings.Contains(err.Error(), c.want) || rep.Sent != 0 {
			t.Errorf("%s: replay: %+v %v", name, rep, err)
		}
		if l, err := box.List(t.Context(), Filter{}, 0); err != nil || l.Total != 3 {
			t.Errorf("%s: list: %+v %v", name, l, err)
		}
	}
	s, err := New(r.cfg, "in", keyOf("k", 1)).Show(t.Context(), Filter{})
	if err != nil || !strings.Contains(s.Value.Data, "SECRET") || !strings.HasPrefix(s.Key.Data, "SECRET") || len(s.Headers) != 1 || s.Form != "" {
		t.Errorf("%+v %v", s, err)
	}
}

// A redacted letter whose record is gone, or whose offset holds another record
// by now, is not sent and is reported; the others are.
func TestGoneOriginalsAreReported(t *testing.T) {
	r := newRig(t)
	check(t, kafka.EnsureTopics(t.Context(), r.cl, r.cfg.Topics))
	r.letters = ingest.LettersRedact
	r.broken(9)
	stop := r.ingest(&store{rows: map[string]int{}}, 3)
	until(t, "dead letters", func() bool { return len(r.committed(kafka.DLQ("in"))) == 9 })
	stop()
	redacted := func(partition int32, offset int64) *kgo.Record {
		l := dead(partition, offset, noon, "bad_json", "", "", kgo.RecordHeader{Key: "x"})
		l.Value = nil
		l.Headers = append(l.Headers, kgo.RecordHeader{Key: ingest.HeaderRedacted, Value: []byte("policy")})
		return l
	}
	r.bury(redacted(0, 1), redacted(1, 999)) // another timestamp; beyond the end
	for _, dry := range []bool{true, false} {
		rep := r.replay(ReplayOptions{DryRun: dry})
		if rep.Sent != 9 || len(rep.Gone) != 2 {
			t.Errorf("dry run %v: %d sent, gone %+v", dry, rep.Sent, rep.Gone)
		}
	}
	s, err := r.box.Show(t.Context(), Filter{Partition: new(int32(2))})
	if err != nil || s.Form != FormRedacted || s.Value.Encoding != EncodingNull || s.Bytes == 0 {
		t.Errorf("%+v %v", s, err)
	}
}

// A producer cannot make a letter that is kept look redacted or encrypted.
func TestHeadersOfProducersDoNotCount(t *testing.T) {
	r := newRig(t)
	lie := []kgo.RecordHeader{{Key: ingest.HeaderRedacted}, {Key: ingest.HeaderEncryption, Value: []byte("aes-256-gcm/x")}, {Key: ingest.HeaderSize, Value: []byte("999")}}
	r.bury(dead(0, 10, noon, "bad_json", "oops", "v0", lie...))
	if rep := r.replay(ReplayOptions{}); rep.Sent != 1 || rep.Letters[0].Form != "" || rep.Letters[0].Bytes != 2 {
		t.Errorf("%+v", rep)
	}
	r.once("in", 1)
}

// A letter that keeps only the beginning of a large record is replayed whole.
func TestShortenedLettersAreReplayedWhole(t *testing.T) {
	r := newRig(t)
	r.broken(1)
	original := r.committed("in")[0]
	l := dead(original.Partition, original.Offset, original.Timestamp, "bad_json", "oops", "{")
	l.Headers = append(l.Headers, kgo.RecordHeader{Key: ingest.HeaderSize, Value: fmt.Append(nil, len(original.Value))})
	r.bury(l)
	if rep := r.replay(ReplayOptions{}); rep.Sent != 1 {
		t.Errorf("%+v", rep)
	}
	if got := r.committed("in"); len(got) != 2 || !bytes.Equal(got[1].Value, original.Value) {
		t.Errorf("%d records", len(got))
	}
}
