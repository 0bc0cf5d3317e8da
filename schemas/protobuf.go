package schemas

import (
	"fmt"
	"math"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// field is one line of a message of proto/driftline.proto: its number, its
// name, and where its value is. The tables below are the only place where Go
// types and field numbers meet.
type field struct {
	num  protowire.Number
	name string
	at   any // *string, *uint32, *uint64, *float64, **float64, *time.Time, *map[string]string or *map[string]float64
}

func (e *Event) fields() []field {
	return []field{
		{1, "tenant", &e.Tenant},
		{2, "model", &e.Model},
		{3, "version", &e.Version},
		{4, "segment", &e.Segment},
		{5, "request_id", &e.RequestID},
		{6, "timestamp", &e.Time},
		{7, "deployment", &e.Deployment},
		{8, "pod", &e.Pod},
		{9, "node", &e.Node},
		{10, "gpu", &e.GPU},
		{11, "prediction", &e.Prediction},
		{12, "score", &e.Score},
		{13, "latency_ms", &e.LatencyMS},
		{14, "numeric", &e.Features.Numeric},
		{15, "categorical", &e.Features.Categorical},
	}
}

func (l *Label) fields() []field {
	return []field{
		{1, "tenant", &l.Tenant},
		{2, "model", &l.Model},
		{3, "request_id", &l.RequestID},
		{4, "timestamp", &l.Time},
		{5, "label", &l.Label},
		{6, "value", &l.Value},
	}
}

func (s *Sample) fields() []field {
	return []field{
		{1, "tenant", &s.Tenant},
		{2, "timestamp", &s.Time},
		{3, "source", &s.Source},
		{4, "metric", &s.Metric},
		{5, "value", &s.Value},
		{6, "unit", &s.Unit},
		{7, "model", &s.Model},
		{8, "deployment", &s.Deployment},
		{9, "pod", &s.Pod},
		{10, "node", &s.Node},
		{11, "gpu", &s.GPU},
		{12, "labels", &s.Labels},
	}
}

func (j *JobEvent) fields() []field {
	return []field{
		{1, "tenant", &j.Tenant},
		{2, "job", &j.Job},
		{3, "run_id", &j.RunID},
		{4, "timestamp", &j.Time},
		{5, "state", (*string)(&j.State)},
		{6, "attempt", &j.Attempt},
		{7, "model", &j.Model},
		{8, "node", &j.Node},
		{9, "gpu", &j.GPU},
		{10, "items_in", &j.ItemsIn},
		{11, "items_out", &j.ItemsOut},
		{12, "bytes_out", &j.BytesOut},
		{13, "duration_ms", &j.DurationMS},
		{14, "error", &j.Error},
	}
}

func (c *Change) fields() []field {
	return []field{
		{1, "tenant", &c.Tenant},
		{2, "id", &c.ID},
		{3, "timestamp", &c.Time},
		{4, "kind", (*string)(&c.Kind)},
		{5, "entity", &c.Entity},
		{6, "model", &c.Model},
		{7, "from", &c.From},
		{8, "to", &c.To},
		{9, "author", &c.Author},
		{10, "description", &c.Description},
	}
}

// AppendProto appends the event in its protobuf form, deterministically.
func (e *Event) AppendProto(b []byte) []byte { return appendMessage(b, e.fields()) }

// AppendProto appends the label in its protobuf form.
func (l *Label) AppendProto(b []byte) []byte { return appendMessage(b, l.fields()) }

// AppendProto appends the sample in its protobuf form, deterministically.
func (s *Sample) AppendProto(b []byte) []byte { return appendMessage(b, s.fields()) }

// AppendProto appends the job event in its protobuf form.
func (j *JobEvent) AppendProto(b []byte) []byte { return appendMessage(b, j.fields()) }

// AppendProto appends the change in its protobuf form.
func (c *Change) AppendProto(b []byte) []byte { return appendMessage(b, c.fields()) }

// UnmarshalProto makes e what the message says. Unknown fields are skipped; an
// error names the field.
func (e *Event) UnmarshalProto(b []byte) error { *e = Event{}; return parseMessage(b, e.fields()) }

// UnmarshalProto makes l what the message says; see Event.UnmarshalProto.
func (l *Label) UnmarshalProto(b []byte) error { *l = Label{}; return parseMessage(b, l.fields()) }

// UnmarshalProto makes s what the message says; see Event.UnmarshalProto.
func (s *Sample) UnmarshalProto(b []byte) error { *s = Sample{}; return parseMessage(b, s.fields()) }

// UnmarshalProto makes j what the message says; see Event.UnmarshalProto.
func (j *JobEvent) UnmarshalProto(b []byte) error {
	*j = JobEvent{}
	return parseMessage(b, j.fields())
}

// UnmarshalProto makes c what the message says; see Event.UnmarshalProto.
func (c *Change) UnmarshalProto(b []byte) error { *c = Change{}; return parseMessage(b, c.fields()) }

func appendMessage(b []byte, fields []field) []byte {
	for _, f := range fields {
		b = f.append(b)
	}
	return b
}

// append leaves out zero values, as proto3 does, but for optional ones.
func (f field) append(b []byte) []byte {
	switch v := f.at.(type) {
	case *string:
		if *v != "" {
			b = protowire.AppendString(protowire.AppendTag(b, f.num, protowire.BytesType), *v)
		}
	case *time.Time:
		if !v.IsZero() {
			b = protowire.AppendVarint(protowire.AppendTag(b, f.num, protowire.VarintType), uint64(v.UnixMilli()))
		}
	case *uint32:
		b = appendUint(b, f.num, uint64(*v))
	case *uint64:
		b = appendUint(b, f.num, *v)
	case *float64:
		if *v != 0 || math.Signbit(*v) {
			b = appendDouble(b, f.num, *v)
		}
	case **float64:
		if *v != nil {
			b = appendDouble(b, f.num, **v)
		}
	case *map[string]float64:
		var room [64]string
		for _, k := range sortedNames(room[:0], *v) {
			b = protowire.AppendTag(b, f.num, protowire.BytesType)
			b = protowire.AppendVarint(b, uint64(entrySize(k)+9))
			b = appendDouble(appendKey(b, k), 2, (*v)[k])
		}
	case *map[string]string:
		var room [64]string
		for _, k := range sortedNames(room[:0], *v) {
			b = protowire.AppendTag(b, f.num, protowire.BytesType)
			b = protowire.AppendVarint(b, uint64(entrySize(k)+entrySize((*v)[k])))
			b = protowire.AppendString(protowire.AppendTag(appendKey(b, k), 2, protowire.BytesType), (*v)[k])
		}
	}
	return b
}

// sortedNames appends the keys of m to room, which saves the allocation of
// most maps.
func sortedNames[V any](room []string, m map[string]V) []string {
	for name := range m {
		room = append(room, name)
	}
	slices.Sort(room)
	return room
}

func entrySize(s string) int { return 1 + protowire.SizeBytes(len(s)) }

func appendKey(b []byte, k string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, 1, protowire.BytesType), k)
}

func appendUint(b []byte, num protowire.Number, v uint64) []byte {
	if v == 0 {
		return b
	}
	return protowire.AppendVarint(protowire.AppendTag(b, num, protowire.VarintType), v)
}

func appendDouble(b []byte, num protowire.Number, v float64) []byte {
	return protowire.AppendFixed64(protowire.AppendTag(b, num, protowire.Fixed64Type), math.Float64bits(v))
}

func parseMessage(b []byte, fields []field) error {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return fmt.Errorf("read field tag: %w", protowire.ParseError(n))
		}
		b = b[n:]
		f := field{num: num, name: "unknown"}
		if i := int(num) - 1; i < len(fields) { // numbers are dense: a test holds them to it
			f = fields[i]
		}
		n, err := f.parse(b, typ)
		if err != nil {
			return fmt.Errorf("field %d (%s): %w", num, f.name, err)
		}
		b = b[n:]
	}
	return nil
}

// parse takes the field's value off b and returns its length.
func (f field) parse(b []byte, typ protowire.Type) (int, error) {
	switch v := f.at.(type) {
	case *string:
		raw, n, err := bytesValue(b, typ)
		*v = string(raw)
		return n, err
	case *time.Time:
		ms, n, err := varintValue(b, typ)
		*v = time.UnixMilli(int64(ms)).UTC()
		return n, err
	case *uint32:
		x, n, err := varintValue(b, typ)
		*v = uint32(x)
		return n, err
	case *uint64:
		x, n, err := varintValue(b, typ)
		*v = x
		return n, err
	case *float64:
		x, n, err := doubleValue(b, typ)
		*v = x
		return n, err
	case **float64:
		x, n, err := doubleValue(b, typ)
		*v = &x
		return n, err
	case *map[string]float64:
		var value float64
		return parseEntry(b, typ, v, &value)
	case *map[string]string:
		var value string
		return parseEntry(b, typ, v, &value)
	}
	n := protowire.ConsumeFieldValue(f.num, typ, b)
	return n, lengthError(n)
}

// parseEntry adds one map entry, whose value is parsed into *value.
func parseEntry[V any](b []byte, typ protowire.Type, into *map[string]V, value *V) (int, error) {
	raw, n, err := bytesValue(b, typ)
	if err != nil {
		return n, err
	}
	var key string
	if err := parseMessage(raw, []field{{1, "key", &key}, {2, "value", value}}); err != nil {
		return n, err
	}
	if *into == nil {
		*into = map[string]V{}
	}
	(*into)[key] = *value
	return n, nil
}

func bytesValue(b []byte, typ protowire.Type) ([]byte, int, error) {
	if typ != protowire.BytesType {
		return nil, 0, wireTypeError(typ, protowire.BytesType)
	}
	v, n := protowire.ConsumeBytes(b)
	return v, n, lengthError(n)
}

func varintValue(b []byte, typ protowire.Type) (uint64, int, error) {
	if typ != protowire.VarintType {
		return 0, 0, wireTypeError(typ, protowire.VarintType)
	}
	v, n := protowire.ConsumeVarint(b)
	return v, n, lengthError(n)
}

func doubleValue(b []byte, typ protowire.Type) (float64, int, error) {
	if typ != protowire.Fixed64Type {
		return 0, 0, wireTypeError(typ, protowire.Fixed64Type)
	}
	v, n := protowire.ConsumeFixed64(b)
	return math.Float64frombits(v), n, lengthError(n)
}

func lengthError(n int) error {
	if n < 0 {
		return protowire.ParseError(n)
	}
	return nil
}

func wireTypeError(got, want protowire.Type) error {
	return fmt.Errorf("wire type %d, not %d", got, want)
}
