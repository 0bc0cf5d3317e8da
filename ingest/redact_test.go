package ingest

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/internal/config"
)

func letterKey(id string, fill byte) LetterKey {
	return LetterKey{id, config.Secret(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{fill}, 32)))}
}

// secretRecord cannot be decoded, and is full of what must not be told.
func secretRecord() *kgo.Record {
	return &kgo.Record{
		Topic: "in", Partition: 3, Offset: 17, Timestamp: time.UnixMilli(1e12), Key: []byte("SECRET-key"),
		Value:   []byte(`{"model":"m","timestamp":1772366400000,"score":"SECRET-value"}`),
		Headers: []kgo.RecordHeader{{Key: "SECRET-name", Value: []byte("SECRET-header")}, {Key: HeaderRedacted, Value: []byte("SECRET-lie")}, {Key: "nil"}},
	}
}

// buried is the dead letter of a record, and what the log says.
func buried(t *testing.T, cfg Config, r *kgo.Record) (letter *kgo.Record, log string) {
	t.Helper()
	var lines bytes.Buffer
	in := gated(cfg)
	in.warn = slog.New(slog.NewTextHandler(&lines, nil))
	b := newTestBatch(in, cfg.Topics[0])
	if err := b.add(t.Context(), r); err != nil || len(b.dead) != 1 {
		t.Fatal(len(b.dead), err)
	}
	return b.dead[0], lines.String()
}

func lettersConfig(mode string, policies ...Policy) Config {
	return Config{
		Topics:   []Topic{{Topic: "in", Kind: Events, Format: FormatJSON, Tenant: "t", DeadLetters: mode}},
		Policies: policies, HashKey: testKey, LetterKeys: []LetterKey{letterKey("k2", 2), letterKey("k1", 1)},
	}
}

func all(r *kgo.Record) string { return fmt.Sprintf("%s %s %s", r.Key, r.Value, r.Headers) }

var somePolicy = Policy{Action: ActionDrop, Fields: []string{"pod"}}

func TestLettersAreKeptWithoutPolicies(t *testing.T) {
	r := secretRecord()
	letter, log := buried(t, lettersConfig(""), r)
	if string(letter.Key) != string(r.Key) || string(letter.Value) != string(r.Value) || !reflect.DeepEqual(letter.Headers[:len(r.Headers)], r.Headers) {
		t.Errorf("%s", all(letter))
	}
	if !strings.Contains(log, "score is string") {
		t.Error(log)
	}
}

func TestLettersAreRedactedWherePoliciesHold(t *testing.T) {
	for _, cfg := range []Config{lettersConfig("", somePolicy), lettersConfig(LettersRedact)} {
		letter, log := buried(t, cfg, secretRecord())
		if strings.Contains(all(letter)+log, "SECRET") || letter.Key != nil || letter.Value != nil {
			t.Errorf("%s\n%s", all(letter), log)
		}
		want := map[string]string{
			HeaderReason: "bad_field", HeaderError: "score is string, not a number", HeaderTopic: "in", HeaderPartition: "3", HeaderOffset: "17",
			HeaderTimestamp: "2001-09-09T01:46:40Z", HeaderRedacted: "policy", HeaderSize: "62",
			HeaderDigest: "hmac-sha256/" + hashed("", string(secretRecord().Value)),
		}
		got := map[string]string{}
		for _, h := range letter.Headers {
			got[h.Key] = string(h.Value)
		}
		if !maps.Equal(got, want) {
			t.Errorf("%v", got)
		}
	}
}

// Who chooses to keep letters, or encrypts them, still has no values in the log.
func TestDetailsAreDiscreetWhereverPoliciesHold(t *testing.T) {
	for _, mode := range []string{LettersKeep, LettersEncrypt, LettersRedact} {
		for value, want := range map[string]string{
			`{"model":"m","timestamp":"SECRET"}`:                                "bad_timestamp",
			`{"model":"m","timestamp":7777777777777777}`:                        "bad_timestamp",
			`{"model":"m","timestamp":1772366400000,"features":{"SECRET":[1]}}`: "bad_feature",
			`{"model":"m","timestamp":1772366400000,"score":1SECRET}`:           "bad_json",
			`SECRET`: "bad_json",
			`[{"model":"m","timestamp":1772366400000},{"model":"m","timestamp":"SECRET"}]`: "bad_timestamp",
		} {
			letter, log := buried(t, lettersConfig(mode, somePolicy), &kgo.Record{Topic: "in", Value: []byte(value)})
			said := string(headerOf(letter, HeaderError))
			if string(headerOf(letter, HeaderReason)) != want || said == "" || strings.Contains(said+log, "SECRET") || strings.Contains(said+log, "7777") {
				t.Errorf("%s of %s: %s\n%s", mode, value, said, log)
			}
		}
	}
}

func TestLettersAreEncrypted(t *testing.T) {
	r := secretRecord()
	cfg := lettersConfig(LettersEncrypt)
	letter, log := buried(t, cfg, r)
	again, _ := buried(t, cfg, r)
	if strings.Contains(all(letter)+log, "SECRET") || letter.Key != nil || bytes.Equal(letter.Value, again.Value) {
		t.Errorf("%s\n%s", all(letter), log)
	}
	how := string(headerOf(letter, HeaderEncryption))
	c, err := OpenLetter(cfg.LetterKeys, how, "in/3/17", letter.Value)
	if err != nil || how != "aes-256-gcm/k2" {
		t.Fatal(how, err)
	}
	if !bytes.Equal(c.Key, r.Key) || !bytes.Equal(c.Value, r.Value) || !reflect.DeepEqual(c.Headers, r.Headers) || c.Error != "score is string, not a number" {
		t.Errorf("%+v", c)
	}
	broken := slices.Clone(letter.Value)
	broken[20] ^= 1
	for name, f := range map[string]func() (*Contents, error){
		"another key": func() (*Contents, error) {
			return OpenLetter([]LetterKey{letterKey("k2", 9)}, how, "in/3/17", letter.Value)
		},
		"no key":            func() (*Contents, error) { return OpenLetter(cfg.LetterKeys[1:], how, "in/3/17", letter.Value) },
		"another origin":    func() (*Contents, error) { return OpenLetter(cfg.LetterKeys, how, "in/3/18", letter.Value) },
		"altered":           func() (*Contents, error) { return OpenLetter(cfg.LetterKeys, how, "in/3/17", broken) },
		"cut":               func() (*Contents, error) { return OpenLetter(cfg.LetterKeys, how, "in/3/17", letter.Value[:5]) },
		"another algorithm": func() (*Contents, error) { return OpenLetter(cfg.LetterKeys, "rot13/k2", "in/3/17", letter.Value) },
	} {
		if c, err := f(); err == nil {
			t.Errorf("%s opens it: %+v", name, c)
		} else if strings.Contains(err.Error(), "SECRET") || !strings.Contains(err.Error(), "in/3/1") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A letter that is too large for its topic loses its contents, since a part of
// them could not be decrypted.
func TestLargeEncryptedLettersAreRedacted(t *testing.T) {
	r := secretRecord()
	r.Value = append(bytes.Repeat([]byte("SECRET"), shortened), r.Value...)
	letter, _ := buried(t, lettersConfig(LettersEncrypt), r)
	got := shorten(letter)
	if len(got.Value) != 0 || headerOf(got, HeaderEncryption) != nil || string(headerOf(got, HeaderRedacted)) != "size" || string(headerOf(got, HeaderSize)) != fmt.Sprint(len(r.Value)) || headerOf(got, HeaderOffset) == nil {
		t.Errorf("%s", all(got))
	}
}

// A key that cannot be used must not lead to letters in the clear.
func TestLettersWithoutAKeyAreRedacted(t *testing.T) {
	cfg := lettersConfig(LettersEncrypt)
	cfg.LetterKeys = nil
	if letter, _ := buried(t, cfg, secretRecord()); strings.Contains(all(letter), "SECRET") || headerOf(letter, HeaderRedacted) == nil {
		t.Errorf("%s", all(letter))
	}
}

// Contents survive their form, what is nil included.
func FuzzContents(f *testing.F) {
	f.Add([]byte("k"), []byte("v"), "name", []byte(nil))
	f.Fuzz(func(t *testing.T, key, value []byte, name string, held []byte) {
		r := &kgo.Record{Key: key, Value: value, Headers: []kgo.RecordHeader{{Key: name, Value: held}, {Key: name}}}
		c, err := parseContents(contents(r, name))
		if err != nil || !reflect.DeepEqual(*c, Contents{Key: key, Value: value, Headers: r.Headers, Error: name}) {
			t.Errorf("%+v\n%+v: %v", r, c, err)
		}
		_, _ = parseContents(value) // must not panic
	})
}

// What is not known to be harmless is not told.
func TestDiscreetDetails(t *testing.T) {
	type named string
	err := poisonf("r", "%s %d %q %.3f %v %s %d", "SECRET", int64(12), []byte("SECRET"), 1.5, named("SECRET"), plain("known"), 7).(*poison) //nolint:errorlint // it is one
	if err.discreet != "… … … … … known 7" {
		t.Error(err.discreet)
	}
}
