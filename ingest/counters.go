package ingest

import (
	"fmt"

	"github.com/VictoriaMetrics/metrics"
)

// counters of one partition.
type counters struct {
	records, stored, dead, lost, restored *metrics.Counter // stored counts rows
	replays, reconciled, isolated         *metrics.Counter
	batchRows, batchBytes, flush          *metrics.Histogram

	books    books
	stages   stages
	events   delays // from event time
	arrivals delays // from the time that Kafka has for a record
}

func newCounters(set *metrics.Set, a assignment) counters {
	label := fmt.Sprintf(`{topic=%q,partition="%d"}`, a.topic, a.partition)
	return counters{
		records:    set.GetOrCreateCounter("driftline_ingest_records_total" + label),
		stored:     set.GetOrCreateCounter("driftline_ingest_rows_stored_total" + label),
		dead:       set.GetOrCreateCounter("driftline_ingest_dead_letters_total" + label),
		isolated:   set.GetOrCreateCounter("driftline_ingest_isolations_total" + label),
		restored:   set.GetOrCreateCounter("driftline_ingest_restored_rows_total" + label),
		lost:       set.GetOrCreateCounter("driftline_ingest_lost_records_total" + label),
		reconciled: set.GetOrCreateCounter("driftline_ingest_reconciled_total" + label),
		replays:    set.GetOrCreateCounter("driftline_ingest_replays_total" + label),
		batchRows:  set.GetOrCreateHistogram("driftline_ingest_batch_rows" + fmt.Sprintf(`{topic=%q}`, a.topic)),
		batchBytes: set.GetOrCreateHistogram("driftline_ingest_batch_bytes" + fmt.Sprintf(`{topic=%q}`, a.topic)),
		flush:      set.GetOrCreateHistogram("driftline_ingest_flush_seconds" + fmt.Sprintf(`{topic=%q}`, a.topic)),

		books:    newBooks(set, label),
		stages:   newStages(set, a.topic),
		events:   newDelays(set, "driftline_ingest_event_delay_seconds", a.topic),
		arrivals: newDelays(set, "driftline_ingest_record_delay_seconds", a.topic),
	}
}
