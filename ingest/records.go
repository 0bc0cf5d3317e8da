package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/schemas"
)

// recordColumns are the rows of a table whose records are decoded whole: those
// that come a thousand times less often than events.
type recordColumns[T any] struct {
	name   string
	in     proto.Input
	decode recordDecoder[T]
	check  func(*T, clock) error // what keeps a row out
	append func(*T)              // to every column of in
	time   func(*T) time.Time
	model  func(*T) schemas.ModelKey // whose label it is; nil for tables that are not announced
	gate   *gate[T]
	rows   []T // of the newest record
}

// recordDecoder appends the rows of a record to rows: all that it holds, or
// an error, as in [eventDecoder].
type recordDecoder[T any] func(r *kgo.Record, rows []T) ([]T, error)

func (c *recordColumns[T]) table() string        { return c.name }
func (c *recordColumns[T]) looksBack() looksBack { return nil }
func (c *recordColumns[T]) input() proto.Input   { return c.in }

func (c *recordColumns[T]) reset()                               { resetAll(c.in) }
func (c *recordColumns[T]) derive(owed) (derived, func(), error) { return derived{}, func() {}, nil }

func (c *recordColumns[T]) add(_ context.Context, r *kgo.Record, at *arrivals) (err error) {
	clear(c.rows)
	if c.rows, err = c.decode(r, c.rows[:0]); err != nil {
		return err
	}
	if err := checkedRows(len(c.rows)); err != nil {
		return err
	}
	if err := c.gate.pass(r, c.rows); err != nil {
		return err
	}
	for i := range c.rows {
		if err := c.check(&c.rows[i], at.clock); err != nil {
			return ofSeveral("row", i, len(c.rows), err)
		}
	}
	for i := range c.rows {
		if c.arrive(&c.rows[i], at) {
			c.append(&c.rows[i])
		}
	}
	return nil
}

// arrive tells whether a row is still to be stored.
func (c *recordColumns[T]) arrive(row *T, at *arrivals) bool {
	if c.model != nil {
		return at.label(c.model(row), c.time(row))
	}
	return at.row(c.time(row))
}

// unmarshaler of the protobuf form.
type unmarshaler[T any] interface {
	*T
	UnmarshalProto(b []byte) error
}

func decoderOf[T any, P unmarshaler[T]](format string) recordDecoder[T] {
	if format == FormatProtobuf {
		return func(r *kgo.Record, rows []T) ([]T, error) {
			var v T
			if err := P(&v).UnmarshalProto(r.Value); err != nil {
				return rows, poisonf("bad_protobuf", "%s", clip(err.Error()))
			}
			return append(rows, v), nil
		}
	}
	return jsonRows
}

// jsonRows takes one object or an array of them.
func jsonRows[T any](r *kgo.Record, rows []T) ([]T, error) {
	if text := bytes.TrimLeft(r.Value, " \t\r\n"); len(text) > 0 && text[0] == '[' {
		if err := json.Unmarshal(text, &rows); err != nil {
			return nil, poisonf("bad_json", "%s", clip(err.Error()))
		}
		return rows, nil
	}
	var v T
	if err := json.Unmarshal(r.Value, &v); err != nil {
		return rows, poisonf("bad_json", "%s", clip(err.Error()))
	}
	return append(rows, v), nil
}

// required finds the first missing field, and checks the time.
func required(now clock, t time.Time, fields ...string) error {
	for i := 0; i < len(fields); i += 2 {
		if fields[i+1] == "" {
			return poisonf("missing_field", "%s is missing or empty", plain(fields[i]))
		}
	}
	if t.IsZero() {
		return poisonf("missing_field", "timestamp is missing")
	}
	return now.check(t.UnixMilli())
}

// table under construction: columns in the order in which they are made.
type table struct{ in proto.Input }

func add[C proto.ColInput](t *table, name string, col C) C {
	t.in = append(t.in, proto.InputColumn{Name: name, Data: col})
	return col
}

func (t *table) words(name string) *proto.ColLowCardinality[string] {
	return add(t, name, proto.NewLowCardinality(new(proto.ColStr)))
}

func (t *table) text(name string) *proto.ColStr { return add(t, name, new(proto.ColStr)) }

func (t *table) time() *proto.ColDateTime64 {
	return add(t, "timestamp", new(proto.ColDateTime64).WithPrecision(proto.PrecisionMilli))
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func newLabelColumns(topic Topic) *recordColumns[schemas.Label] {
	var t table
	tenant, model, request, at, label := t.words("tenant"), t.words("model"), t.text("request_id"), t.time(), t.words("label")
	value := add(&t, "value", proto.NewColNullable(new(proto.ColFloat64)))
	return &recordColumns[schemas.Label]{
		name: "labels", in: t.in, decode: decoderOf[schemas.Label](topic.Format),
		check: func(l *schemas.Label, now clock) error {
			return required(now, l.Time, "model", l.Model, "request_id", l.RequestID)
		},
		append: func(l *schemas.Label) {
			tenant.Append(or(l.Tenant, topic.Tenant))
			model.Append(l.Model)
			request.Append(l.RequestID)
			at.Append(l.Time)
			label.Append(l.Label)
			if l.Value == nil {
				value.Append(proto.Null[float64]())
			} else {
				value.Append(proto.NewNullable(*l.Value))
			}
		},
		time: func(l *schemas.Label) time.Time { return l.Time },
		model: func(l *schemas.Label) schemas.ModelKey {
			return schemas.ModelKey{Tenant: or(l.Tenant, topic.Tenant), Model: l.Model}
		},
	}
}

func newSampleColumns(in *Ingester, topic Topic) *recordColumns[schemas.Sample] {
	var t table
	tenant, at, source, metric := t.words("tenant"), t.time(), t.words("source"), t.words("metric")
	value, unit := add(&t, "value", new(proto.ColFloat64)), t.words("unit")
	model, deployment, pod, node, gpu := t.words("model"), t.words("deployment"), t.words("pod"), t.words("node"), t.words("gpu")
	labels := add(&t, "labels", proto.NewMap(proto.NewLowCardinality(new(proto.ColStr)), new(proto.ColStr)))
	return &recordColumns[schemas.Sample]{
		name: "telemetry", in: t.in, decode: newSampleDecoder(in, topic),
		check: func(s *schemas.Sample, now clock) error {
			return required(now, s.Time, "metric", s.Metric)
		},
		append: func(s *schemas.Sample) {
			tenant.Append(or(s.Tenant, topic.Tenant))
			at.Append(s.Time)
			source.Append(s.Source)
			metric.Append(s.Metric)
			value.Append(s.Value)
			unit.Append(s.Unit)
			model.Append(s.Model)
			deployment.Append(s.Deployment)
			pod.Append(s.Pod)
			node.Append(s.Node)
			gpu.Append(s.GPU)
			labels.Append(s.Labels)
		},
		time: func(s *schemas.Sample) time.Time { return s.Time },
	}
}

func newJobColumns(topic Topic) *recordColumns[schemas.JobEvent] {
	var t table
	tenant, job, run, at, state := t.words("tenant"), t.words("job"), t.text("run_id"), t.time(), t.words("state")
	attempt := add(&t, "attempt", new(proto.ColUInt32))
	model, node, gpu := t.words("model"), t.words("node"), t.words("gpu")
	in, out, bytes := add(&t, "items_in", new(proto.ColUInt64)), add(&t, "items_out", new(proto.ColUInt64)), add(&t, "bytes_out", new(proto.ColUInt64))
	duration, failure := add(&t, "duration_ms", new(proto.ColFloat64)), t.text("error")
	return &recordColumns[schemas.JobEvent]{
		name: "job_events", in: t.in, decode: decoderOf[schemas.JobEvent](topic.Format),
		check: func(j *schemas.JobEvent, now clock) error {
			return required(now, j.Time, "job", j.Job, "run_id", j.RunID, "state", string(j.State))
		},
		append: func(j *schemas.JobEvent) {
			tenant.Append(or(j.Tenant, topic.Tenant))
			job.Append(j.Job)
			run.Append(j.RunID)
			at.Append(j.Time)
			state.Append(string(j.State))
			attempt.Append(j.Attempt)
			model.Append(j.Model)
			node.Append(j.Node)
			gpu.Append(j.GPU)
			in.Append(j.ItemsIn)
			out.Append(j.ItemsOut)
			bytes.Append(j.BytesOut)
			duration.Append(j.DurationMS)
			failure.Append(j.Error)
		},
		time: func(j *schemas.JobEvent) time.Time { return j.Time },
	}
}

func newChangeColumns(topic Topic) *recordColumns[schemas.Change] {
	var t table
	tenant, id, at, kind, entity := t.words("tenant"), t.text("id"), t.time(), t.words("kind"), t.text("entity")
	model, from, to, author, description := t.words("model"), t.text("from"), t.text("to"), t.text("author"), t.text("description")
	return &recordColumns[schemas.Change]{
		name: "changes", in: t.in, decode: decoderOf[schemas.Change](topic.Format),
		check: func(c *schemas.Change, now clock) error {
			return required(now, c.Time, "id", c.ID, "kind", string(c.Kind), "entity", c.Entity)
		},
		append: func(c *schemas.Change) {
			tenant.Append(or(c.Tenant, topic.Tenant))
			id.Append(c.ID)
			at.Append(c.Time)
			kind.Append(string(c.Kind))
			entity.Append(c.Entity)
			model.Append(c.Model)
			from.Append(c.From)
			to.Append(c.To)
			author.Append(c.Author)
			description.Append(c.Description)
		},
		time: func(c *schemas.Change) time.Time { return c.Time },
	}
}
