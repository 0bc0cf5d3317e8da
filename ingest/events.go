package ingest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/schemas"
)

// eventColumns are the rows of inference_events.
type eventColumns struct {
	in     *Ingester
	topic  string
	tenant string // of records that name none
	dec    eventDecoder
	events rawEvents
	gate   *gate[rawEvent]
	layout *layout // of the newest event
	all    map[schemas.SchemaKey]*layout

	tenants, models, versions, segments, deployments, pods, nodes, gpus words

	time    *proto.ColDateTime64
	request proto.ColStr
	num     *proto.ColArr[float32]
	cat     wordArrays
	groups  groups

	numRow []float32
	catRow [][]byte
}

func newEventColumns(in *Ingester, t Topic) *eventColumns {
	c := &eventColumns{
		in: in, topic: t.Topic, tenant: t.Tenant, dec: newEventDecoder(in, t), all: map[schemas.SchemaKey]*layout{},
		time: new(proto.ColDateTime64).WithPrecision(proto.PrecisionMilli),
		num:  proto.NewArray(new(proto.ColFloat32)),
	}
	return c
}

func (c *eventColumns) table() string { return "inference_events" }

func (c *eventColumns) looksBack() looksBack {
	d, _ := c.dec.(looksBack)
	return d
}

func (c *eventColumns) input() proto.Input {
	return proto.Input{
		{Name: "tenant", Data: &c.tenants},
		{Name: "model", Data: &c.models},
		{Name: "version", Data: &c.versions},
		{Name: "segment", Data: &c.segments},
		{Name: "timestamp", Data: c.time},
		{Name: "request_id", Data: &c.request},
		{Name: "deployment", Data: &c.deployments},
		{Name: "pod", Data: &c.pods},
		{Name: "node", Data: &c.nodes},
		{Name: "gpu", Data: &c.gpus},
		{Name: "num", Data: c.num},
		{Name: "cat", Data: &c.cat},
	}
}

func (c *eventColumns) reset() {
	resetAll(c.input())
	c.groups.reset()
}

// derive makes the states of the rows.
func (c *eventColumns) derive(owed owed) (derived, func(), error) {
	var lacking []bool
	if owed != nil {
		var err error
		if lacking, err = owed(&c.groups); err != nil {
			return derived{}, nil, err
		}
	}
	s := c.in.summarizers.Get().(*summarizer)
	return s.summarize(c, lacking), func() { c.in.summarizers.Put(s) }, nil
}

// maxRecordRows bounds what one record may hold: a batch must stay one block.
const maxRecordRows = 100_000

func (c *eventColumns) add(ctx context.Context, r *kgo.Record, at *arrivals) error {
	c.events.reset()
	if err := c.dec.decode(r, &c.events); err != nil {
		return err
	}
	events := c.events.list()
	if err := checkedRows(len(events)); err != nil {
		return err
	}
	if err := c.gate.pass(r, events); err != nil {
		return err
	}
	for i := range events {
		if err := c.check(ctx, &events[i], at.clock); err != nil {
			if bad := (*poison)(nil); c.looksBack() != nil && errors.As(err, &bad) { // the others of the record are not its own
				c.in.eventDropped(c.topic, bad)
				events[i].model = nil
				continue
			}
			return ofSeveral("event", i, len(events), err)
		}
	}
	for i := range events {
		if len(events[i].model) == 0 { // dropped above
			continue
		}
		if err := c.append(ctx, &events[i], at); err != nil {
			return err
		}
	}
	return nil
}

func checkedRows(n int) error {
	if n > maxRecordRows {
		return poisonf("too_many_rows", "the record holds %d rows; up to %d are supported: send smaller batches", n, maxRecordRows)
	}
	return nil
}

// ofSeveral says which one of a record's rows is the bad one.
func ofSeveral(what string, i, n int, err error) error {
	if bad := (*poison)(nil); n > 1 && errors.As(err, &bad) {
		at := fmt.Sprintf("%s %d of %d: ", what, i+1, n)
		return &poison{bad.reason, at + bad.detail, at + or(bad.discreet, veil)}
	}
	return err
}

// check finds what would keep an event out, and places its features. Nothing
// of a record is appended before all of it is checked.
func (c *eventColumns) check(ctx context.Context, e *rawEvent, now clock) error {
	if err := now.check(e.millis); err != nil {
		return err
	}
	if len(e.model) == 0 {
		return poisonf("missing_field", "model is missing or empty")
	}
	c.layoutOf(e)
	return c.locate(ctx, e)
}

func (c *eventColumns) append(ctx context.Context, e *rawEvent, at *arrivals) error {
	c.layoutOf(e)
	if key := c.layout.schema.Key; !at.event(schemas.ModelKey{Tenant: key.Tenant, Model: key.Model}, time.UnixMilli(e.millis)) {
		return nil
	}
	if c.layout.of != e { // another event of the record was checked after it
		if err := c.locate(ctx, e); err != nil {
			return fmt.Errorf("place features again: %w", err)
		}
	}
	c.fill(e)
	c.tenants.append(c.layout.tenant)
	c.models.append(e.model)
	c.versions.append(e.version)
	c.segments.append(e.segment)
	c.time.AppendRaw(proto.DateTime64(e.millis))
	c.request.AppendBytes(e.requestID)
	c.deployments.append(e.deployment)
	c.pods.append(e.pod)
	c.nodes.append(e.node)
	c.gpus.append(e.gpu)
	c.num.Append(c.numRow)
	c.cat.append(c.catRow)
	c.groups.add(c.layout, e.segment, minuteOf(time.UnixMilli(e.millis)))
	return nil
}

// maxLayouts bounds the model versions remembered by one partition.
const maxLayouts = 4096

// layoutOf makes c.layout that of the event's model version.
func (c *eventColumns) layoutOf(e *rawEvent) {
	tenant := e.tenant
	if l := c.layout; l != nil && string(e.model) == l.schema.Key.Model && string(e.version) == l.schema.Key.Version &&
		(string(tenant) == l.schema.Key.Tenant || len(tenant) == 0 && l.schema.Key.Tenant == c.tenant) {
		return
	}
	key := schemas.SchemaKey{Tenant: or(string(tenant), c.tenant), Model: string(e.model), Version: string(e.version)}
	l := c.all[key]
	if l == nil {
		if len(c.all) >= maxLayouts { // somebody makes versions up; what is needed comes back
			clear(c.all)
		}
		l = &layout{schema: c.in.Schemas.Schema(key), tenant: []byte(key.Tenant)}
		c.all[key] = l
	}
	c.layout = l
}

// locate finds the positions of the event's features, agreeing on new ones
// first.
func (c *eventColumns) locate(ctx context.Context, e *rawEvent) error {
	if err := c.bounded(e); err != nil {
		return err
	}
	missing, err := c.layout.locate(e)
	if err != nil || len(missing) == 0 {
		return err
	}
	if err := c.extend(ctx, missing); err != nil {
		return err
	}
	if missing, err = c.layout.locate(e); err != nil || len(missing) > 0 {
		return fmt.Errorf("place features %v of %s: %w", missing, c.layout.schema.Key.Model, err)
	}
	return nil
}

// fill puts the features of the located event into numRow and catRow.
func (c *eventColumns) fill(e *rawEvent) {
	s := c.layout.schema
	c.numRow = filled(c.numRow, len(s.Numeric), float32(math.NaN()))
	c.catRow = filled(c.catRow, len(s.Categorical), nil)
	c.numRow[0], c.numRow[1], c.catRow[0] = finite(e.score), finite(e.latency), e.prediction
	for i, v := range e.numValues {
		c.numRow[c.layout.num[i].at] = finite(v)
	}
	for i, v := range e.catValues {
		c.catRow[c.layout.cat[i].at] = v
	}
}

func (c *eventColumns) extend(ctx context.Context, missing []schemas.SchemaEntry) error {
	s := c.layout.schema
	if n := len(s.Numeric) + len(s.Categorical) + len(missing); n > c.in.cfg.MaxFeatures {
		return poisonf("too_many_features", "model %s version %s would have %d features; ingest.max_features allows %d", plain(s.Key.Model), plain(s.Key.Version), n, c.in.cfg.MaxFeatures)
	}
	next, err := c.in.Schemas.Extend(ctx, s.Key, missing)
	if err != nil {
		return err
	}
	c.layout.schema = next
	return c.bounded(nil)
}

// bounded refuses events of model versions beyond those that their tenant may
// have. An event without features needs no schema. The order of the schema topic
// decides, so that all instances decide alike, and again alike: a version that
// is refused stays so, since those before it stay.
func (c *eventColumns) bounded(e *rawEvent) error {
	s := c.layout.schema
	if e != nil && len(e.numNames)+len(e.catNames) == 0 || !c.in.tooMany(s) {
		return nil
	}
	return poisonf("too_many_models", "model %s version %s is one more than the %d that its tenant may have; raise ingest.max_models or its quota",
		plain(s.Key.Model), plain(s.Key.Version), s.Rank)
}

// finite takes infinities for missing, as NaN: no statistic can use them, and
// the sums in the store would be lost.
func finite(v float64) float32 {
	if f := float32(v); !math.IsInf(float64(f), 0) {
		return f
	}
	return float32(math.NaN())
}

func filled[T any](row []T, n int, with T) []T {
	row = slices.Grow(row[:0], n)[:n]
	for i := range row {
		row[i] = with
	}
	return row
}
