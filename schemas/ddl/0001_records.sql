-- Records as they came, one table a kind. Kafka coordinates make every row
-- traceable to its record, and let a pending batch be reconciled; the index on
-- offsets, which ascend with time, spares that question a scan of the table.

CREATE TABLE IF NOT EXISTS {{local "inference_events"}} {{onCluster}}
(
    tenant     LowCardinality(String),
    model      LowCardinality(String),
    version    LowCardinality(String),
    segment    LowCardinality(String),
    timestamp  DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    request_id String CODEC(ZSTD(1)),
    deployment LowCardinality(String),
    pod        LowCardinality(String),
    node       LowCardinality(String),
    gpu        LowCardinality(String),
    num        Array(Float32) COMMENT 'numeric features by position of model_schemas; NaN is missing' CODEC(ZSTD(1)),
    cat        Array(LowCardinality(String)) COMMENT 'categorical features by position of model_schemas; empty is missing' CODEC(ZSTD(1)),
    _topic     LowCardinality(String),
    _partition Int32,
    _offset    Int64 CODEC(DoubleDelta, ZSTD(1)),
    score      Float32 ALIAS num[1],
    latency_ms Float32 ALIAS num[2],
    prediction String ALIAS cat[1],
    INDEX _offsets _offset TYPE minmax
)
ENGINE = {{engine "MergeTree"}}
PARTITION BY toDate(timestamp)
ORDER BY (tenant, model, version, timestamp)
SETTINGS {{dedup}}, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS {{local "labels"}} {{onCluster}}
(
    tenant     LowCardinality(String),
    model      LowCardinality(String),
    request_id String CODEC(ZSTD(1)),
    timestamp  DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    label      LowCardinality(String),
    value      Nullable(Float64),
    _topic     LowCardinality(String),
    _partition Int32,
    _offset    Int64 CODEC(DoubleDelta, ZSTD(1)),
    INDEX _offsets _offset TYPE minmax
)
ENGINE = {{engine "MergeTree"}}
PARTITION BY toDate(timestamp)
ORDER BY (tenant, model, request_id, timestamp)
SETTINGS {{dedup}}, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS {{local "telemetry"}} {{onCluster}}
(
    tenant     LowCardinality(String),
    timestamp  DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    source     LowCardinality(String),
    metric     LowCardinality(String),
    value      Float64 CODEC(Delta, ZSTD(1)),
    unit       LowCardinality(String),
    model      LowCardinality(String),
    deployment LowCardinality(String),
    pod        LowCardinality(String),
    node       LowCardinality(String),
    gpu        LowCardinality(String),
    labels     Map(LowCardinality(String), String),
    _topic     LowCardinality(String),
    _partition Int32,
    _offset    Int64 CODEC(DoubleDelta, ZSTD(1)),
    INDEX _offsets _offset TYPE minmax
)
ENGINE = {{engine "MergeTree"}}
PARTITION BY toDate(timestamp)
ORDER BY (tenant, metric, node, gpu, pod, timestamp)
SETTINGS {{dedup}}, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS {{local "job_events"}} {{onCluster}}
(
    tenant      LowCardinality(String),
    job         LowCardinality(String),
    run_id      String CODEC(ZSTD(1)),
    timestamp   DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    state       LowCardinality(String),
    attempt     UInt32,
    model       LowCardinality(String),
    node        LowCardinality(String),
    gpu         LowCardinality(String),
    items_in    UInt64,
    items_out   UInt64,
    bytes_out   UInt64,
    duration_ms Float64,
    error       String CODEC(ZSTD(1)),
    _topic      LowCardinality(String),
    _partition  Int32,
    _offset     Int64 CODEC(DoubleDelta, ZSTD(1)),
    INDEX _offsets _offset TYPE minmax
)
ENGINE = {{engine "MergeTree"}}
PARTITION BY toDate(timestamp)
ORDER BY (tenant, job, run_id, timestamp)
SETTINGS {{dedup}}, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS {{local "changes"}} {{onCluster}}
(
    tenant      LowCardinality(String),
    id          String,
    timestamp   DateTime64(3, 'UTC'),
    kind        LowCardinality(String),
    entity      String,
    model       LowCardinality(String),
    `from`      String,
    `to`        String,
    author      String,
    description String,
    _topic      LowCardinality(String),
    _partition  Int32,
    _offset     Int64,
    INDEX _offsets _offset TYPE minmax
)
ENGINE = {{engine "MergeTree"}}
PARTITION BY toYYYYMM(timestamp)
ORDER BY (tenant, model, timestamp, id)
SETTINGS {{dedup}}, ttl_only_drop_parts = 1;

{{distributed "inference_events" "cityHash64(_topic, _partition)"}}
{{distributed "labels" "cityHash64(_topic, _partition)"}}
{{distributed "telemetry" "cityHash64(_topic, _partition)"}}
{{distributed "job_events" "cityHash64(_topic, _partition)"}}
{{distributed "changes" "cityHash64(_topic, _partition)"}}
