package ingest

import (
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
	decode func([]byte) (*T, error)
	append func(*T) (time.Time, error) // checks, then appends to every column of in
}

func (c *recordColumns[T]) table() string      { return c.name }
func (c *recordColumns[T]) input() proto.Input { return c.in }

func (c *recordColumns[T]) reset() {
	for _, col := range c.in {
		col.Data.(proto.Resettable).Reset()
	}
}

func (c *recordColumns[T]) add(_ context.Context, r *kgo.Record, at *arrivals) error {
	v, err := c.decode(r.Value)
	if err != nil {
		return err
	}
	t, err := c.append(v)
	if err == nil {
		at.row(t)
	}
	return err
}

// unmarshaler of the protobuf form.
type unmarshaler[T any] interface {
	*T
	UnmarshalProto(b []byte) error
}

func decoderOf[T any, P unmarshaler[T]](format string) func([]byte) (*T, error) {
	if format == FormatProtobuf {
		return func(b []byte) (*T, error) {
			v := new(T)
			if err := P(v).UnmarshalProto(b); err != nil {
				return nil, poisonf("bad_protobuf", "%s", clip(err.Error()))
			}
			return v, nil
		}
	}
	return func(b []byte) (*T, error) {
		v := new(T)
		if err := json.Unmarshal(b, v); err != nil {
			return nil, poisonf("bad_json", "%s", clip(err.Error()))
		}
		return v, nil
	}
}

// required finds the first missing field, and checks the time.
func required(t time.Time, fields ...string) error {
	for i := 0; i < len(fields); i += 2 {
		if fields[i+1] == "" {
			return poisonf("missing_field", "%s is missing or empty", fields[i])
		}
	}
	if t.IsZero() {
		return poisonf("missing_field", "timestamp is missing")
	}
	_, err := checkedTime(t.UnixMilli())
	return err
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

func newLabelColumns(topic Topic) columns {
	var t table
	tenant, model, request, at, label := t.words("tenant"), t.words("model"), t.text("request_id"), t.time(), t.words("label")
	value := add(&t, "value", proto.NewColNullable(new(proto.ColFloat64)))
	return &recordColumns[schemas.Label]{"labels", t.in, decoderOf[schemas.Label](topic.Format), func(l *schemas.Label) (time.Time, error) {
		if err := required(l.Time, "model", l.Model, "request_id", l.RequestID); err != nil {
			return l.Time, err
		}
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
		return l.Time, nil
	}}
}

func newSampleColumns(topic Topic) columns {
	var t table
	tenant, at, source, metric := t.words("tenant"), t.time(), t.words("source"), t.words("metric")
	value, unit := add(&t, "value", new(proto.ColFloat64)), t.words("unit")
	model, deployment, pod, node, gpu := t.words("model"), t.words("deployment"), t.words("pod"), t.words("node"), t.words("gpu")
	labels := add(&t, "labels", proto.NewMap(proto.NewLowCardinality(new(proto.ColStr)), new(proto.ColStr)))
	return &recordColumns[schemas.Sample]{"telemetry", t.in, decoderOf[schemas.Sample](topic.Format), func(s *schemas.Sample) (time.Time, error) {
		if err := required(s.Time, "metric", s.Metric); err != nil {
			return s.Time, err
		}
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
		return s.Time, nil
	}}
}

func newJobColumns(topic Topic) columns {
	var t table
	tenant, job, run, at, state := t.words("tenant"), t.words("job"), t.text("run_id"), t.time(), t.words("state")
	attempt := add(&t, "attempt", new(proto.ColUInt32))
	model, node, gpu := t.words("model"), t.words("node"), t.words("gpu")
	in, out, bytes := add(&t, "items_in", new(proto.ColUInt64)), add(&t, "items_out", new(proto.ColUInt64)), add(&t, "bytes_out", new(proto.ColUInt64))
	duration, failure := add(&t, "duration_ms", new(proto.ColFloat64)), t.text("error")
	return &recordColumns[schemas.JobEvent]{"job_events", t.in, decoderOf[schemas.JobEvent](topic.Format), func(j *schemas.JobEvent) (time.Time, error) {
		if err := required(j.Time, "job", j.Job, "run_id", j.RunID, "state", string(j.State)); err != nil {
			return j.Time, err
		}
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
		return j.Time, nil
	}}
}

func newChangeColumns(topic Topic) columns {
	var t table
	tenant, id, at, kind, entity := t.words("tenant"), t.text("id"), t.time(), t.words("kind"), t.text("entity")
	model, from, to, author, description := t.words("model"), t.text("from"), t.text("to"), t.text("author"), t.text("description")
	return &recordColumns[schemas.Change]{"changes", t.in, decoderOf[schemas.Change](topic.Format), func(c *schemas.Change) (time.Time, error) {
		if err := required(c.Time, "id", c.ID, "kind", string(c.Kind), "entity", c.Entity); err != nil {
			return c.Time, err
		}
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
		return c.Time, nil
	}}
}
