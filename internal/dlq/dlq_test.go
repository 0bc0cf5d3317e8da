package dlq

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/ingest"
	"github.com/driftline/driftline/internal/embedded/embeddedtest"
	"github.com/driftline/driftline/internal/kafka"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// rig is a broker with a topic "in" and its dead letters.
type rig struct {
	testing.TB
	cfg     kafka.Config
	cluster *kfake.Cluster
	cl      *kgo.Client
	box     *Box

	letters string // what ingest keeps of dead letters
	keys    []ingest.LetterKey
}

func newRig(t testing.TB) *rig {
	t.Helper()
	k := embeddedtest.Kafka(t)
	r := &rig{TB: t, cfg: kafka.DefaultConfig(), cluster: k.Cluster()}
	r.cfg.Brokers = k.Addrs()
	var err error
	r.cl, err = r.cfg.Dial(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	check(t, err)
	t.Cleanup(r.cl.Close)
	check(t, kafka.CreateTopics(t.Context(), r.cl, 3, "in", "other"))
	check(t, kafka.CreateTopics(t.Context(), r.cl, 2, kafka.DLQ("in")))
	r.box = New(r.cfg, "in")
	return r
}

// dead is the dead letter that ingest makes of a record.
func dead(partition int32, offset int64, at time.Time, reason, detail, value string, own ...kgo.RecordHeader) *kgo.Record {
	header := func(key, value string) kgo.RecordHeader { return kgo.RecordHeader{Key: key, Value: []byte(value)} }
	return &kgo.Record{
		Topic: kafka.DLQ("in"), Partition: partition % 2, Key: fmt.Appendf(nil, "k%d", offset), Value: []byte(value),
		Headers: append(own, header(ingest.HeaderReason, reason), header(ingest.HeaderError, detail),
			header(ingest.HeaderTopic, "in"), header(ingest.HeaderPartition, strconv.Itoa(int(partition))),
			header(ingest.HeaderOffset, strconv.FormatInt(offset, 10)), header(ingest.HeaderTimestamp, at.Format(time.RFC3339Nano))),
	}
}

func (r *rig) bury(letters ...*kgo.Record) {
	r.Helper()
	check(r, r.cl.ProduceSync(r.Context(), letters...).FirstErr())
}

// buryMany puts n letters into the box, of three partitions.
func (r *rig) buryMany(n int) {
	r.Helper()
	var all []*kgo.Record
	for i := range n {
		all = append(all, dead(int32(i%3), int64(i), noon.Add(time.Duration(i)*time.Second), "bad_json", "oops", fmt.Sprint("v", i)))
	}
	r.bury(all...)
}

// committed reads what a consumer sees that reads committed.
func (r *rig) committed(topic string) (out []*kgo.Record) {
	r.Helper()
	for rec, err := range scan(r.Context(), r.cfg, topic) {
		check(r, err)
		out = append(out, rec)
	}
	return out
}

// once fails unless each of n letters is in the topic exactly once.
func (r *rig) once(topic string, n int) {
	r.Helper()
	times := map[string]int{}
	for _, rec := range r.committed(topic) {
		times[string(rec.Value)]++
	}
	for i := range n {
		if v := fmt.Sprint("v", i); times[v] != 1 {
			r.Errorf("%s is %d times in %s, want once", v, times[v], topic)
		}
	}
	if len(times) != n {
		r.Errorf("%d different records in %s, want %d", len(times), topic, n)
	}
}

func (r *rig) replay(o ReplayOptions) *Report {
	r.Helper()
	rep, err := r.box.Replay(r.Context(), o)
	check(r, err)
	return rep
}

// sample are five letters of three reasons, of which one came twice, and a
// record that is no letter.
func (r *rig) sample() {
	r.Helper()
	r.bury(
		dead(0, 10, noon, "bad_json", "unexpected end at 3", `{"a`),
		dead(0, 11, noon.Add(time.Minute), "bad_json", "unexpected end at 5", `{"abc`),
		dead(1, 10, noon.Add(2*time.Minute), "missing_field", "timestamp is missing", `{}`),
		dead(0, 11, noon.Add(time.Minute), "bad_json", "unexpected end at 5", `{"abc`),
		dead(2, 7, noon.Add(3*time.Minute), "bad_field", "score is text", "\xff\x00"),
		dead(2, 9, noon.Add(4*time.Minute), "bad_json", "not an object", `[]`),
		&kgo.Record{Topic: kafka.DLQ("in"), Value: []byte("somebody else's")},
	)
}

func TestFilters(t *testing.T) {
	r := newRig(t)
	r.sample()
	at := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }
	for name, tc := range map[string]struct {
		f    Filter
		want string
	}{
		"all":                   {Filter{}, "0/10 0/11 1/10 2/7 2/9"},
		"reason":                {Filter{Reason: "bad_json"}, "0/10 0/11 2/9"},
		"reason is whole":       {Filter{Reason: "bad"}, ""},
		"partition":             {Filter{Partition: new(int32(2))}, "2/7 2/9"},
		"partition zero":        {Filter{Partition: new(int32(0))}, "0/10 0/11"},
		"from offset":           {Filter{FromOffset: new(int64(10))}, "0/10 0/11 1/10"},
		"to offset":             {Filter{ToOffset: new(int64(9))}, "2/7 2/9"},
		"one offset":            {Filter{Partition: new(int32(0)), FromOffset: new(int64(11)), ToOffset: new(int64(11))}, "0/11"},
		"since is inclusive":    {Filter{Since: at(3)}, "2/7 2/9"},
		"until is exclusive":    {Filter{Until: at(2)}, "0/10 0/11"},
		"between":               {Filter{Since: at(1), Until: at(3)}, "0/11 1/10"},
		"error":                 {Filter{Contains: "end at"}, "0/10 0/11"},
		"everything must agree": {Filter{Reason: "bad_json", Partition: new(int32(2)), Contains: "object"}, "2/9"},
	} {
		t.Run(name, func(t *testing.T) {
			check(t, tc.f.Validate())
			l, err := r.box.List(t.Context(), tc.f, 0)
			check(t, err)
			if got := places(l.Letters); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			rep, err := r.box.Replay(t.Context(), ReplayOptions{Filter: tc.f, DryRun: true})
			check(t, err)
			if got := places(rep.Letters); got != tc.want || rep.Sent != l.Total {
				t.Errorf("replay would send %q, want %q", got, tc.want)
			}
		})
	}
}

// places names rows in the order of partition and offset: that of the log
// depends on which partition of the box answers first.
func places(rows []Row) string {
	var out []string
	for p := range int32(3) {
		for _, row := range rows {
			if row.Partition == p {
				out = append(out, fmt.Sprintf("%d/%d", row.Partition, row.Offset))
			}
		}
	}
	return strings.Join(out, " ")
}

func TestFiltersThatChooseNothingAreRefused(t *testing.T) {
	for _, f := range []Filter{
		{Partition: new(int32(-1))},
		{FromOffset: new(int64(2)), ToOffset: new(int64(1))},
		{Since: noon, Until: noon},
	} {
		if f.Validate() == nil {
			t.Errorf("%+v was taken", f)
		}
	}
}

func TestListCountsEveryOriginOnce(t *testing.T) {
	r := newRig(t)
	r.sample()
	l, err := r.box.List(t.Context(), Filter{}, 2)
	check(t, err)
	if l.Total != 5 || l.Duplicates != 1 || l.Foreign != 1 || l.Replayed != 0 || len(l.Letters) != 2 {
		t.Errorf("listing %+v", l)
	}
	want := Group{Reason: "bad_json", Letters: 3, First: noon, Last: noon.Add(4 * time.Minute)}
	if len(l.Reasons) != 3 || l.Reasons[0] != want {
		t.Errorf("reasons %+v, want %+v first", l.Reasons, want)
	}
}

// A topic that was deleted and made anew has other records at the same offsets.
func TestLettersOfTwoLivesOfATopicAreTwo(t *testing.T) {
	r := newRig(t)
	r.bury(dead(0, 1, noon, "bad_json", "", "old"))
	r.replay(ReplayOptions{})
	r.bury(dead(0, 1, noon.Add(time.Hour), "bad_json", "", "new"))
	if rep := r.replay(ReplayOptions{}); rep.Sent != 1 || rep.Before != 1 || rep.Duplicates != 0 {
		t.Errorf("report %+v", rep)
	}
}

func TestShow(t *testing.T) {
	r := newRig(t)
	r.sample()
	s, err := r.box.Show(t.Context(), Filter{Partition: new(int32(2)), ToOffset: new(int64(7))})
	check(t, err)
	if s.Value != (Payload{EncodingHex, "ff00"}) || s.Key != (Payload{EncodingText, "k7"}) || s.Matching != 1 || len(s.Headers) != 0 {
		t.Errorf("shown %+v", s)
	}
	if _, err := r.box.Show(t.Context(), Filter{Reason: "none"}); !errors.Is(err, ErrNone) {
		t.Errorf("error %v, want ErrNone", err)
	}
}

func TestPayload(t *testing.T) {
	for _, tc := range []struct {
		in   []byte
		want Payload
	}{
		{nil, Payload{EncodingNull, ""}},
		{[]byte{}, Payload{EncodingText, ""}},
		{[]byte("grün\n\t"), Payload{EncodingText, "grün\n\t"}},
		{[]byte("\xff"), Payload{EncodingHex, "ff"}},
		{[]byte("\x1b[2J"), Payload{EncodingHex, "1b5b324a"}},
	} {
		if got := payload(tc.in); got != tc.want {
			t.Errorf("%q is %+v, want %+v", tc.in, got, tc.want)
		}
	}
}

func TestMissingTopicsAreNamed(t *testing.T) {
	r := newRig(t)
	if _, err := New(r.cfg, "never").List(t.Context(), Filter{}, 0); err == nil || !strings.Contains(err.Error(), "never.dlq does not exist") {
		t.Errorf("error %v", err)
	}
	if _, err := r.box.Replay(t.Context(), ReplayOptions{To: "nowhere"}); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("error %v", err)
	}
	if l, err := r.box.List(t.Context(), Filter{}, 0); err != nil || l.Total != 0 || l.Letters == nil {
		t.Errorf("empty box: %+v, %v", l, err)
	}
}

func TestABrokerThatIsAwayIsAnError(t *testing.T) {
	cfg := kafka.DefaultConfig()
	cfg.Brokers = []string{"127.0.0.1:1"}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := New(cfg, "in").List(ctx, Filter{}, 0); err == nil || !strings.Contains(err.Error(), "127.0.0.1:1") || ctx.Err() != nil {
		t.Errorf("error %v", err)
	}
}

func TestTheRecordComesBackByteForByte(t *testing.T) {
	r := newRig(t)
	own := []kgo.RecordHeader{{Key: "trace", Value: []byte{0, 255}}, {Key: "empty", Value: []byte{}}, {Key: "trace", Value: []byte("again")}, {Key: "null"}, {Key: "driftline-tenant", Value: []byte("t")}}
	letter := dead(2, 5, noon, "bad_json", "oops", "\x00\xffvalue", append([]kgo.RecordHeader{}, own...)...)
	r.bury(letter, dead(1, 6, noon, "bad_json", "oops", ""))
	r.bury(&kgo.Record{Topic: kafka.DLQ("in"), Headers: dead(0, 7, noon, "bad_json", "a tombstone", "").Headers})
	r.replay(ReplayOptions{})
	got := map[int32]*kgo.Record{}
	for _, rec := range r.committed("in") {
		got[rec.Partition] = rec
	}
	want := append(own, kgo.RecordHeader{Key: HeaderReplayOf, Value: []byte("in/2/5")})
	rec := got[2]
	if rec == nil || !bytes.Equal(rec.Key, letter.Key) || !bytes.Equal(rec.Value, letter.Value) || fmt.Sprintf("%#v", rec.Headers) != fmt.Sprintf("%#v", want) {
		t.Errorf("got  %#v\nwant %#v", rec, want)
	}
	if rec := got[1]; rec == nil || rec.Value == nil || len(rec.Value) != 0 {
		t.Errorf("an empty value came back as %#v", rec)
	}
	if rec := got[0]; rec == nil || rec.Value != nil || rec.Key != nil {
		t.Errorf("no key and no value came back as %#v", rec)
	}
}
