package main

import (
	"strings"

	"github.com/driftline/driftline/schemas/ddl"
)

// views make states and category counts inside ClickHouse, as one would without
// Driftline: the baseline of ADR 7, and what the peers fill. Counts are rows of
// their own there, since a map of every event's categories would cost far more.
func views() []string {
	sql := ddl.Rebuild(ddl.Form{}, "1")
	from, to := strings.Index(sql, ",\n    sumMapForEachState"), strings.Index(sql, "\nFROM")
	_, query, _ := strings.Cut(sql[:from]+sql[to:], "\n")
	return []string{
		`CREATE TABLE category_rows_1m (tenant LowCardinality(String), model LowCardinality(String), version LowCardinality(String), segment LowCardinality(String),
			minute DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)), position UInt16, value LowCardinality(String), rows UInt64)
			ENGINE = SummingMergeTree PARTITION BY toDate(minute) ORDER BY (tenant, model, version, segment, minute, position, value)`,
		"CREATE MATERIALIZED VIEW states_view TO feature_sketches_1m AS " + query,
		`CREATE MATERIALIZED VIEW categories_view TO category_rows_1m AS
			SELECT tenant, model, version, segment, toStartOfMinute(toDateTime(timestamp, 'UTC')) AS minute, toUInt16(place - 1) AS position, value, count() AS rows
			FROM inference_events ARRAY JOIN cat AS value, arrayEnumerate(cat) AS place
			GROUP BY tenant, model, version, segment, minute, position, value`,
	}
}
