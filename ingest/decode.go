package ingest

import (
	"maps"
	"math"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/schemas"
)

// eventDecoder turns a record into events: all that it holds, or an error. A
// *poison error means that it can never be read. The same records in the same
// order give the same events, whoever reads them: a batch may be written twice.
type eventDecoder interface {
	decode(r *kgo.Record, out *rawEvents) error
}

// newEventDecoder makes the decoder of a topic's format.
func newEventDecoder(in *Ingester, t Topic) eventDecoder {
	switch t.Format {
	case FormatProtobuf:
		return protoEvents{}
	case FormatArrow:
		return &arrowEvents{}
	case FormatOTLP:
		return &otlpEvents{in: in, topic: t.Topic}
	case FormatKServe:
		return newKServeEvents(in, t.Topic)
	default:
		return &jsonEvents{}
	}
}

// rawEvent is a decoded event whose strings are views into the record.
type rawEvent struct {
	tenant, model, version, segment, requestID []byte
	deployment, pod, node, gpu, prediction     []byte
	millis                                     int64   // event time
	score, latency                             float64 // NaN is missing

	numNames, catNames, catValues [][]byte
	numValues                     []float64
}

func (e *rawEvent) reset() {
	*e = rawEvent{
		score: math.NaN(), latency: math.NaN(), millis: noTime,
		numNames: e.numNames[:0], numValues: e.numValues[:0], catNames: e.catNames[:0], catValues: e.catValues[:0],
	}
}

func (e *rawEvent) number(name []byte, value float64) {
	e.numNames, e.numValues = append(e.numNames, name), append(e.numValues, value)
}

func (e *rawEvent) category(name, value []byte) {
	e.catNames, e.catValues = append(e.catNames, name), append(e.catValues, value)
}

// rawEvents are the events of one record. Their memory serves the next one.
type rawEvents struct {
	all []rawEvent
	n   int
}

func (es *rawEvents) reset() { es.n = 0 }

// next adds an empty event. The pointer holds until the next call.
func (es *rawEvents) next() *rawEvent {
	if es.n == len(es.all) {
		es.all = append(es.all, rawEvent{})
	}
	e := &es.all[es.n]
	es.n++
	e.reset()
	return e
}

func (es *rawEvents) list() []rawEvent { return es.all[:es.n] }

// add copies an event that another package decoded. Features go in by name, so
// that the same event always makes the same row.
func (es *rawEvents) add(from *schemas.Event) {
	e := es.next()
	for _, f := range []struct {
		into *[]byte
		from string
	}{
		{&e.tenant, from.Tenant},
		{&e.model, from.Model},
		{&e.version, from.Version},
		{&e.segment, from.Segment},
		{&e.requestID, from.RequestID},
		{&e.deployment, from.Deployment},
		{&e.pod, from.Pod},
		{&e.node, from.Node},
		{&e.gpu, from.GPU},
		{&e.prediction, from.Prediction},
	} {
		*f.into = []byte(f.from)
	}
	if !from.Time.IsZero() {
		e.millis = from.Time.UnixMilli()
	}
	if from.Score != nil {
		e.score = *from.Score
	}
	if from.LatencyMS != nil {
		e.latency = *from.LatencyMS
	}
	for _, name := range slices.Sorted(maps.Keys(from.Features.Numeric)) {
		e.number([]byte(name), from.Features.Numeric[name])
	}
	for _, name := range slices.Sorted(maps.Keys(from.Features.Categorical)) {
		e.category([]byte(name), []byte(from.Features.Categorical[name]))
	}
}
