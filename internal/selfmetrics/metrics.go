package selfmetrics

// Table is every metric that Driftline adds. A test compares it with the names
// in the code.
var Table = []Metric{
	{"driftline_build_info", Gauge, "version, revision, goversion", "Always 1; its labels say what runs."},
	{"driftline_kafka_queued_bytes", Gauge, "group", "Bytes of records fetched and not yet handled. At `kafka.queue_bytes` fetching pauses."},
	{"driftline_kafka_pauses_total", Counter, "group", "Times that fetching paused because the queue was full. Every pause has a resume."},
	{"driftline_kafka_resumes_total", Counter, "group", "Times that fetching resumed."},
	{"driftline_kafka_fetch_errors_total", Counter, "group, topic", "Errors of fetches, by topic; the client tries again by itself."},
	{"driftline_undecodable_records_total", Counter, "role, topic", "Records of Driftline's own topics that could not be read and were left out. Should stay 0."},
	{"driftline_ingest_records_total", Counter, "topic, partition", "Records taken from Kafka. Once nothing is open, equals rows stored and dead letters together, where every record holds one row."},
	{"driftline_ingest_rows_stored_total", Counter, "topic, partition", "Rows acknowledged by ClickHouse."},
	{"driftline_ingest_dead_letters_total", Counter, "topic, partition", "Records sent to the dead-letter topic."},
	{"driftline_ingest_undecodable_total", Counter, "topic, reason", "Records that could not be decoded, by reason."},
	{"driftline_ingest_replays_total", Counter, "topic, partition", "Batches written again after a crash or rebalance because their commit was missing; deduplication keeps them single."},
	{"driftline_ingest_batch_rows", Histogram, "topic", "Rows of a batch. Small batches at high load mean that `ingest.batch_delay` or `ingest.batch_bytes` is small."},
	{"driftline_ingest_flush_seconds", Histogram, "topic", "Time from closing a batch to its commit."},
	{"driftline_clickhouse_insert_seconds", Histogram, "table", "Time of one insert, retries included."},
	{"driftline_clickhouse_insert_retries_total", Counter, "table", "Tries of inserts after the first."},
	{"driftline_clickhouse_insert_errors_total", Counter, "table", "Inserts given up; the batch is read again from Kafka."},
	{"driftline_detect_touches_total", Counter, "", "Announcements of touched windows received."},
	{"driftline_detect_windows_pending", Gauge, "partition", "Windows open or waiting for the watermark."},
	{"driftline_detect_windows_evaluated_total", Counter, "", "Windows evaluated, repeated evaluations for late data included."},
	{"driftline_detect_windows_late_total", Counter, "", "Announcements that came after the allowed lateness and changed nothing."},
	{"driftline_detect_windows_failed_total", Counter, "", "Evaluations that failed and will be tried again."},
	{"driftline_detect_evaluate_seconds", Histogram, "", "Time of one round of evaluations."},
	{"driftline_detect_signals_total", Counter, "", "Signals written."},
	{"driftline_detect_alarms_total", Counter, "", "Signals in state alarm."},
	{"driftline_detect_skipped_total", Counter, "reason", "Windows not evaluated: the model is not in the configuration, or it has no reference."},
	{"driftline_correlate_revisions_total", Counter, "", "Revisions of incidents published."},
}
