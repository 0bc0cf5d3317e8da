package ingest

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/ingest/otlp"
	"github.com/driftline/driftline/schemas"
)

// otlpEvents decodes traces of OpenTelemetry: spans that are calls of models.
type otlpEvents struct {
	in      *Ingester
	topic   string
	decoder otlp.Decoder
	events  []schemas.Event
}

func (d *otlpEvents) decode(r *kgo.Record, out *rawEvents) error {
	before := d.decoder.Stats().SkippedSpans
	clear(d.events)
	var err error
	if d.events, err = d.decoder.Traces(d.events[:0], r.Value); err != nil {
		return poisonf("bad_otlp", "%s", clip(err.Error()))
	}
	for i := range d.events {
		out.add(&d.events[i])
	}
	if n := d.decoder.Stats().SkippedSpans - before; n > 0 {
		d.in.Metrics.GetOrCreateCounter(fmt.Sprintf(`driftline_ingest_spans_skipped_total{topic=%q}`, d.topic)).AddInt64(int64(n))
	}
	return nil
}
