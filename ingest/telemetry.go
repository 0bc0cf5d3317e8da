package ingest

import (
	"fmt"
	"maps"

	"github.com/VictoriaMetrics/metrics"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/ingest/influx"
	"github.com/driftline/driftline/ingest/metricnames"
	"github.com/driftline/driftline/ingest/otlp"
	"github.com/driftline/driftline/ingest/prometheus"
	"github.com/driftline/driftline/schemas"
)

// newSampleDecoder makes the decoder of a topic of telemetry. Whatever the
// format, names and units leave it as metricnames has them.
func newSampleDecoder(in *Ingester, t Topic) recordDecoder[schemas.Sample] {
	decode := in.sampleDecoder(t)
	return func(r *kgo.Record, rows []schemas.Sample) ([]schemas.Sample, error) {
		rows, err := decode(r, rows)
		if err != nil {
			return nil, err
		}
		kept := rows[:0]
		for i := range rows {
			if why := metricnames.Normalize(&rows[i]); why != metricnames.Kept {
				in.samplesDropped(t.Topic, string(why)).Inc()
				continue
			}
			kept = append(kept, rows[i])
		}
		return kept, nil
	}
}

func (in *Ingester) sampleDecoder(t Topic) recordDecoder[schemas.Sample] {
	switch t.Format {
	case FormatOTLP:
		d := new(otlp.Decoder)
		return foreign("bad_otlp", func(r *kgo.Record, rows []schemas.Sample) ([]schemas.Sample, error) {
			before := d.Stats().SkippedPoints
			from := len(rows)
			rows, err := d.Metrics(rows, r.Value)
			for i := from; i < len(rows); i++ {
				rows[i].Labels = maps.Clone(rows[i].Labels) // several samples share one
			}
			in.samplesDropped(t.Topic, "not_recorded").AddInt64(int64(d.Stats().SkippedPoints - before))
			return rows, err
		})
	case FormatRemoteWrite:
		return foreign("bad_remote_write", func(r *kgo.Record, rows []schemas.Sample) ([]schemas.Sample, error) {
			return prometheus.RemoteWrite(rows, r.Value)
		})
	case FormatPrometheusJSON:
		return foreign("bad_prometheus_json", func(r *kgo.Record, rows []schemas.Sample) ([]schemas.Sample, error) {
			return prometheus.AdapterJSON(rows, r.Value)
		})
	case FormatInflux:
		return foreign("bad_influx", func(r *kgo.Record, rows []schemas.Sample) ([]schemas.Sample, error) {
			return influx.Lines(rows, r.Value, r.Timestamp)
		})
	}
	return decoderOf[schemas.Sample](t.Format)
}

func (in *Ingester) samplesDropped(topic, why string) *metrics.Counter {
	return in.Metrics.GetOrCreateCounter(fmt.Sprintf(`driftline_ingest_samples_dropped_total{topic=%q,reason=%q}`, topic, why))
}

// foreign names the reason of what another package could not read.
func foreign[T any](reason string, decode recordDecoder[T]) recordDecoder[T] {
	return func(r *kgo.Record, rows []T) ([]T, error) {
		rows, err := decode(r, rows)
		if err != nil {
			return nil, poisonf(reason, "%s", clip(err.Error()))
		}
		return rows, nil
	}
}
