-- How far outcomes went into sequential detectors, and their state: the row with
-- the newest window counts, read it with FINAL.

CREATE TABLE IF NOT EXISTS {{local "outcome_streams"}} {{onCluster}}
(
    tenant LowCardinality(String),
    model  LowCardinality(String),
    until  DateTime64(3, 'UTC') COMMENT 'end of the newest final window',
    state  String COMMENT 'JSON' CODEC(ZSTD(1))
)
ENGINE = {{engine "ReplacingMergeTree" "until"}}
ORDER BY (tenant, model);

{{distributed "outcome_streams" "cityHash64(tenant, model)"}}
