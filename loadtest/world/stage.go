package world

import (
	"math"

	"github.com/driftline/driftline/loadtest/draw"
)

// halted tells whether a stage stands still, and since when, in seconds.
func (s *stage) halted(ms int64) (seconds float64, yes bool) {
	for _, f := range s.faults {
		if f.at(ms) == 0 {
			continue
		}
		switch f.Kind {
		case StuckConsumer, StalePipeline, LabelFeedStopped:
			return f.since(ms).Seconds(), true
		}
	}
	return 0, false
}

// watchStage draws a scrape of a stage: what it has done, how old its newest
// data are, and the offsets of the consumer of its topic.
func (w *World) watchStage(s *stage, ms int64, out *samples) {
	d := w.scraped
	came := float64(s.recent)
	if s.origin == fromBatch && !s.labels {
		came = math.Round(500 + 20*d.NormFloat64())
	}
	s.recent = 0
	age := max(1, d.Normal(20, 4))
	if strength, f := s.faults.of(LabelBacklog, ms); strength > 0 { // held back before the topic: its consumer has nothing to do
		s.waiting += came
		came, age = 0, age+f.since(ms).Seconds()
	} else {
		came, s.waiting = came+s.waiting, 0
	}
	s.log.add(came)
	since, halted := s.halted(ms)
	nulls := max(0, d.Normal(0.002, 0.0005))
	switch f, _ := s.faults.of(SchemaChange, ms); {
	case halted:
		age += since
	case f > 0:
		nulls = min(1, f)
		s.broken.add(math.Round(f * came))
		fallthrough
	default:
		s.rows.add(came)
		s.committed = s.log
	}
	add := func(name, unit string, v float64) {
		l := labels{{"pipeline", s.pipeline}, {"stage", s.name}}
		if s.topic != "" {
			l = append(l, [2]string{"topic", s.topic})
		}
		out.add(sample{source: "pipeline", metric: name, unit: unit, value: v, model: s.model.name, labels: l})
	}
	add("pipeline_stage_rows_total", "", float64(s.rows))
	add("pipeline_stage_watermark_age_seconds", "seconds", draw.Digits(age, 2))
	add("pipeline_schema_errors_total", "", float64(s.broken))
	add("pipeline_stage_null_ratio", "ratio", draw.Digits(nulls, 5))
	if s.topic == "" {
		return
	}
	offset := func(name string, v float64, l ...[2]string) {
		out.add(sample{source: "kafka-exporter", metric: name, value: v, labels: append(l, [2]string{"topic", s.topic}, [2]string{"partition", "0"})})
	}
	behind := math.Min(math.Floor(6*d.Float64()), float64(s.committed))
	if halted {
		behind = 0
	}
	group := [2]string{"consumergroup", s.name}
	offset("kafka_topic_partition_current_offset", float64(s.log))
	offset("kafka_consumergroup_current_offset", float64(s.committed)-behind, group)
	offset("kafka_consumergroup_lag", float64(s.log-s.committed)+behind, group)
}
