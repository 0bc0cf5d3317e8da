-- Predictions joined with their labels, what these say of every window, and
-- how far the sequential detectors are. Rows are replaced by newer ones of the
-- same key: read them with FINAL.

CREATE TABLE IF NOT EXISTS {{local "outcomes"}} {{onCluster}}
(
    tenant      LowCardinality(String),
    model       LowCardinality(String),
    version     LowCardinality(String),
    segment     LowCardinality(String),
    timestamp   DateTime64(3, 'UTC') COMMENT 'of the prediction' CODEC(DoubleDelta, ZSTD(1)),
    request_id  String CODEC(ZSTD(1)),
    known_at    DateTime64(3, 'UTC') COMMENT 'of the label' CODEC(DoubleDelta, ZSTD(1)),
    prediction  LowCardinality(String),
    score       Nullable(Float64) CODEC(ZSTD(1)),
    label       LowCardinality(String),
    value       Nullable(Float64) COMMENT 'truth of a regression' CODEC(ZSTD(1)),
    revision    UInt64 COMMENT 'milliseconds of the join; the newest wins',
    _superseded UInt8 COMMENT 'an earlier prediction has the same version and request id'
)
ENGINE = {{engine "ReplacingMergeTree" "revision" "_superseded"}}
PARTITION BY toDate(timestamp)
ORDER BY (tenant, model, version, timestamp, request_id)
SETTINGS ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS {{local "outcome_stats"}} {{onCluster}}
(
    tenant       LowCardinality(String),
    model        LowCardinality(String),
    version      LowCardinality(String),
    segment      LowCardinality(String),
    metric       LowCardinality(String),
    window_start DateTime64(3, 'UTC'),
    window_end   DateTime64(3, 'UTC'),
    predictions  UInt64,
    labelled     UInt64,
    one_of       UInt64 COMMENT '1: all predictions were looked at; k: a fixed one in k',
    realised     Nullable(Float64),
    realised_se  Nullable(Float64),
    estimated    Nullable(Float64),
    estimated_se Nullable(Float64),
    deficit      Nullable(Float64),
    final        Bool,
    evaluated_at DateTime64(3, 'UTC')
)
ENGINE = {{engine "ReplacingMergeTree" "evaluated_at"}}
PARTITION BY toYYYYMM(window_start)
ORDER BY (tenant, model, version, segment, metric, window_start, window_end);

CREATE TABLE IF NOT EXISTS {{local "detector_states"}} {{onCluster}}
(
    tenant       LowCardinality(String),
    model        LowCardinality(String),
    window_start DateTime64(3, 'UTC'),
    window_end   DateTime64(3, 'UTC'),
    state        String COMMENT 'JSON, after the window' CODEC(ZSTD(3)),
    evaluated_at DateTime64(3, 'UTC')
)
ENGINE = {{engine "ReplacingMergeTree" "evaluated_at"}}
PARTITION BY toYYYYMM(window_start)
ORDER BY (tenant, model, window_start, window_end);

{{distributed "outcomes" "cityHash64(tenant, model)"}}
{{distributed "outcome_stats" "cityHash64(tenant, model)"}}
{{distributed "detector_states" "cityHash64(tenant, model)"}}
