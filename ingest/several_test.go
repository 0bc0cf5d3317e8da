package ingest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/twmb/franz-go/pkg/kgo"
	"google.golang.org/protobuf/encoding/protowire"
)

// batched puts encoded events into one record.
func batched(format string, events ...[]byte) []byte {
	var out []byte
	if format == FormatProtobuf {
		for _, e := range events {
			out = protowire.AppendBytes(protowire.AppendTag(out, batchField, protowire.BytesType), e)
		}
		return out
	}
	return fmt.Appendf(nil, "[%s]", bytes.Join(events, []byte(",")))
}

// A record of many events is the same as many records of one, whatever models
// and features they mix.
func TestBatchedEventsAreTheSameEvents(t *testing.T) {
	for _, d := range decoders() {
		format, rng := d.format, rand.New(rand.NewPCG(3, 4))
		in, topic := modelIngester(localSchemas{}, 65_000), Topic{Format: format, Tenant: "t"}
		fill := func(records ...[]byte) (*eventColumns, int) {
			c, at := newEventColumns(in, topic), arrivals{}
			for _, value := range records {
				if err := c.add(t.Context(), &kgo.Record{Value: value}, &at); err != nil {
					t.Fatal(err)
				}
			}
			return c, at.rows
		}
		var single, several [][]byte
		for range 100 {
			events := make([][]byte, 1+rng.IntN(8))
			for i := range events {
				e := randomEvent(rng)
				e.Version = fmt.Sprint(rng.IntN(3))
				events[i] = d.encode(e)
			}
			single, several = append(single, events...), append(several, batched(format, events...))
		}
		fill(single...) // agrees on the features, so that the others make arrays of one length
		one, n := fill(single...)
		many, m := fill(several...)
		if n != m || m != len(single) || !bytes.Equal(encoded(one), encoded(many)) {
			t.Errorf("%s: %d events, %d rows one by one, %d together, or other ones", format, len(single), n, m)
		}
	}
}

// encoded is the block as it would be sent.
func encoded(c *eventColumns) []byte {
	var b proto.Buffer
	for _, col := range c.input() {
		if s, ok := col.Data.(proto.StateEncoder); ok {
			s.EncodeState(&b)
		}
		col.Data.EncodeColumn(&b)
	}
	return b.Buf
}

// One bad event keeps the whole record out, and the reason says which it was.
func TestBatchesGoInWholeOrNotAtAll(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, d := range decoders() {
		format := d.format
		c, at := newEventColumns(modelIngester(localSchemas{}, 65_000), Topic{Format: format, Tenant: "t"}), arrivals{}
		nameless := randomEvent(rng)
		nameless.Model = ""
		value := batched(format, d.encode(randomEvent(rng)), d.encode(nameless), d.encode(randomEvent(rng)))
		err := c.add(t.Context(), &kgo.Record{Value: value}, &at)
		if reasonOf(err) != "missing_field" || !strings.Contains(err.Error(), "event 2 of 3") {
			t.Errorf("%s: %v", format, err)
		}
		if at.rows != 0 || c.time.Rows() != 0 || c.num.Rows() != 0 {
			t.Errorf("%s: %d rows are left", format, at.rows)
		}
	}
}

func TestRowsOfARecordAreBounded(t *testing.T) {
	c, at := newEventColumns(modelIngester(localSchemas{}, 10), Topic{Format: FormatJSON, Tenant: "t"}), arrivals{}
	value := "[" + strings.Repeat("{},", maxRecordRows) + "{}]"
	if err := c.add(t.Context(), &kgo.Record{Value: []byte(value)}, &at); reasonOf(err) != "too_many_rows" {
		t.Error(err)
	}
}

// Records of the other kinds may hold several rows, too, and nothing of one
// record shows up in the next.
func TestOtherKindsTakeArrays(t *testing.T) {
	c, at := newSampleColumns(modelIngester(localSchemas{}, 10), Topic{Format: FormatJSON, Tenant: "t"}), arrivals{}
	for value, want := range map[string]string{
		`[{"metric":"a","timestamp":"2026-01-01T00:00:00Z","node":"n1"},{"metric":"b","timestamp":"2026-01-01T00:00:00Z"}]`: "<nil>",
		` {"metric":"c","timestamp":"2026-01-01T00:00:00Z"}`:                                                                "<nil>",
		`[{"metric":"d","timestamp":"2026-01-01T00:00:00Z"},{"metric":"e"}]`:                                                "missing_field",
		`[{"metric":"d"`: "bad_json",
	} {
		if err := c.add(t.Context(), &kgo.Record{Value: []byte(value)}, &at); reasonOf(err) != want {
			t.Errorf("%s: %v, want %s", value, err, want)
		}
	}
	for _, col := range c.input() {
		if col.Data.Rows() != 3 {
			t.Errorf("column %s has %d rows, want 3", col.Name, col.Data.Rows())
		}
	}
}
