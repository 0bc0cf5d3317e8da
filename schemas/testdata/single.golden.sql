CREATE TABLE IF NOT EXISTS inference_events 
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
ENGINE = MergeTree()
PARTITION BY toDate(timestamp)
ORDER BY (tenant, model, version, timestamp)
SETTINGS non_replicated_deduplication_window = 100000, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS labels 
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
ENGINE = MergeTree()
PARTITION BY toDate(timestamp)
ORDER BY (tenant, model, request_id, timestamp)
SETTINGS non_replicated_deduplication_window = 100000, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS telemetry 
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
ENGINE = MergeTree()
PARTITION BY toDate(timestamp)
ORDER BY (tenant, metric, node, gpu, pod, timestamp)
SETTINGS non_replicated_deduplication_window = 100000, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS job_events 
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
ENGINE = MergeTree()
PARTITION BY toDate(timestamp)
ORDER BY (tenant, job, run_id, timestamp)
SETTINGS non_replicated_deduplication_window = 100000, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS changes 
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
ENGINE = MergeTree()
PARTITION BY toYYYYMM(timestamp)
ORDER BY (tenant, model, timestamp, id)
SETTINGS non_replicated_deduplication_window = 100000, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS model_schemas 
(
    tenant   LowCardinality(String),
    model    LowCardinality(String),
    version  LowCardinality(String),
    kind     LowCardinality(String),
    position UInt16,
    name     String
)
ENGINE = ReplacingMergeTree()
ORDER BY (tenant, model, version, kind, position);

CREATE TABLE IF NOT EXISTS feature_sketches_1m 
(
    tenant    LowCardinality(String),
    model     LowCardinality(String),
    version   LowCardinality(String),
    segment   LowCardinality(String),
    minute    DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    rows      SimpleAggregateFunction(sum, UInt64),
    present   AggregateFunction(sumForEach, Array(UInt8)) COMMENT 'rows with a value, by position',
    integers  AggregateFunction(sumForEach, Array(UInt8)) COMMENT 'rows with an integer, by position',
    sums      AggregateFunction(sumForEach, Array(Float64)),
    squares   AggregateFunction(sumForEach, Array(Float64)) COMMENT 'sums of squares',
    minima    AggregateFunction(minForEach, Array(Float32)),
    maxima    AggregateFunction(maxForEach, Array(Float32)),
    quantiles AggregateFunction(quantilesTDigestForEach(<levels>), Array(Float32)),
    categories AggregateFunction(sumMapForEach, Array(Map(String, UInt64))) COMMENT 'rows of each category, by position'
)
ENGINE = AggregatingMergeTree()
PARTITION BY toDate(minute)
ORDER BY (tenant, model, version, segment, minute)
SETTINGS non_replicated_deduplication_window = 100000, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS feature_states 
(
    tenant    LowCardinality(String),
    model     LowCardinality(String),
    version   LowCardinality(String),
    segment   LowCardinality(String),
    minute    DateTime('UTC'),
    rows      UInt64,
    present   String,
    integers  String,
    sums      String,
    squares   String,
    minima    String,
    maxima    String,
    quantiles String,
    categories String
)
ENGINE = Null;

CREATE MATERIALIZED VIEW IF NOT EXISTS feature_states_view 
TO feature_sketches_1m AS
SELECT
    tenant, model, version, segment, minute, rows,
    CAST(present AS AggregateFunction(sumForEach, Array(UInt8))) AS present,
    CAST(integers AS AggregateFunction(sumForEach, Array(UInt8))) AS integers,
    CAST(sums AS AggregateFunction(sumForEach, Array(Float64))) AS sums,
    CAST(squares AS AggregateFunction(sumForEach, Array(Float64))) AS squares,
    CAST(minima AS AggregateFunction(minForEach, Array(Float32))) AS minima,
    CAST(maxima AS AggregateFunction(maxForEach, Array(Float32))) AS maxima,
    CAST(quantiles AS AggregateFunction(quantilesTDigestForEach(<levels>), Array(Float32))) AS quantiles,
    CAST(categories AS AggregateFunction(sumMapForEach, Array(Map(String, UInt64)))) AS categories
FROM feature_states;

CREATE VIEW IF NOT EXISTS category_counts_1m  AS
SELECT tenant, model, version, segment, minute, position, category.1 AS value, category.2 AS rows
FROM
(
    SELECT
        tenant, model, version, segment, minute,
        arrayJoin(arrayZip(range(length(maps)), maps)) AS positioned,
        toUInt16(positioned.1) AS position,
        arrayJoin(CAST(positioned.2 AS Array(Tuple(String, UInt64)))) AS category
    FROM
    (
        SELECT tenant, model, version, segment, minute, sumMapForEachMerge(categories) AS maps
        FROM feature_sketches_1m
        GROUP BY tenant, model, version, segment, minute
    )
);

CREATE TABLE IF NOT EXISTS references 
(
    tenant       LowCardinality(String),
    model        LowCardinality(String),
    name         String,
    version      String,
    source       String,
    created_at   DateTime64(3, 'UTC'),
    rows         UInt64,
    features     String COMMENT 'JSON array of summaries' CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree(created_at)
ORDER BY (tenant, model, name, version);

CREATE TABLE IF NOT EXISTS signals 
(
    tenant       LowCardinality(String),
    model        LowCardinality(String),
    version      LowCardinality(String),
    segment      LowCardinality(String),
    feature      LowCardinality(String),
    detector     LowCardinality(String),
    window_start DateTime64(3, 'UTC'),
    window_end   DateTime64(3, 'UTC'),
    score        Float64,
    unit         LowCardinality(String),
    threshold    Float64,
    p_value      Float64,
    n_reference  UInt64,
    n_window     UInt64,
    reference    LowCardinality(String),
    state        LowCardinality(String),
    reason       String CODEC(ZSTD(1)),
    evaluated_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(evaluated_at)
PARTITION BY toYYYYMM(window_start)
ORDER BY (tenant, model, version, segment, feature, detector, window_start, window_end)
SETTINGS non_replicated_deduplication_window = 100000;

CREATE TABLE IF NOT EXISTS incidents 
(
    tenant      LowCardinality(String),
    model       LowCardinality(String),
    id          String,
    revision    UInt64,
    state       LowCardinality(String),
    severity    LowCardinality(String),
    title       String,
    summary     String,
    onset       DateTime64(3, 'UTC'),
    opened_at   DateTime64(3, 'UTC'),
    updated_at  DateTime64(3, 'UTC'),
    resolved_at Nullable(DateTime64(3, 'UTC')),
    versions    Array(String),
    features    Array(String),
    signals     String COMMENT 'JSON array of signals' CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY (tenant, model, id);

CREATE TABLE IF NOT EXISTS notifications 
(
    tenant      LowCardinality(String),
    timestamp   DateTime64(3, 'UTC'),
    incident_id String,
    revision    UInt64,
    receiver    LowCardinality(String),
    kind        LowCardinality(String),
    action      LowCardinality(String),
    key         String,
    attempt     UInt32,
    status      LowCardinality(String),
    http_status Int32,
    duration_ms Float64,
    error       String
)
ENGINE = MergeTree()
PARTITION BY toYYYYMM(timestamp)
ORDER BY (tenant, incident_id, receiver, timestamp);

ALTER TABLE signals  ADD COLUMN IF NOT EXISTS minimal_effect Float64 AFTER p_value;

ALTER TABLE references  ADD COLUMN IF NOT EXISTS calibration String COMMENT 'JSON, empty: none' CODEC(ZSTD(3)) AFTER features;

ALTER TABLE incidents  ADD COLUMN IF NOT EXISTS diagnosis String COMMENT 'JSON, empty: causes were not looked for' CODEC(ZSTD(3)) AFTER signals;

CREATE TABLE IF NOT EXISTS outcomes 
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
ENGINE = ReplacingMergeTree(revision, _superseded)
PARTITION BY toDate(timestamp)
ORDER BY (tenant, model, version, timestamp, request_id)
SETTINGS ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS outcome_stats 
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
ENGINE = ReplacingMergeTree(evaluated_at)
PARTITION BY toYYYYMM(window_start)
ORDER BY (tenant, model, version, segment, metric, window_start, window_end);

CREATE TABLE IF NOT EXISTS detector_states 
(
    tenant       LowCardinality(String),
    model        LowCardinality(String),
    window_start DateTime64(3, 'UTC'),
    window_end   DateTime64(3, 'UTC'),
    state        String COMMENT 'JSON, after the window' CODEC(ZSTD(3)),
    evaluated_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(evaluated_at)
PARTITION BY toYYYYMM(window_start)
ORDER BY (tenant, model, window_start, window_end);

ALTER TABLE references  ADD COLUMN IF NOT EXISTS kind String COMMENT 'profile where it is empty' AFTER version;

ALTER TABLE references  ADD COLUMN IF NOT EXISTS model_version String COMMENT 'whose production, empty: of all versions' AFTER kind;

ALTER TABLE references  ADD COLUMN IF NOT EXISTS spans String COMMENT 'JSON array of start and end, empty: a file' CODEC(ZSTD(1)) AFTER model_version;

ALTER TABLE signals  ADD COLUMN IF NOT EXISTS importance Float64 COMMENT '0: not given' AFTER reference;

ALTER TABLE signals  ADD COLUMN IF NOT EXISTS strongest_segment LowCardinality(String) AFTER importance;

ALTER TABLE signals  ADD COLUMN IF NOT EXISTS segment_share Float64 AFTER strongest_segment;

CREATE TABLE IF NOT EXISTS silences 
(
    tenant     LowCardinality(String),
    id         String,
    matchers   Array(String),
    starts_at  DateTime64(3, 'UTC'),
    ends_at    DateTime64(3, 'UTC'),
    author     String,
    comment    String,
    updated_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(updated_at)
ORDER BY (tenant, id);

CREATE TABLE IF NOT EXISTS retrainings 
(
    tenant       LowCardinality(String),
    model        LowCardinality(String),
    incident_id  String,
    revision     UInt64,
    state        LowCardinality(String),
    reason       LowCardinality(String),
    detail       String,
    cause        LowCardinality(String),
    target       LowCardinality(String),
    key          String,
    versions     Array(String),
    reference    String,
    window_start DateTime64(3, 'UTC'),
    window_end   DateTime64(3, 'UTC'),
    rows         UInt64,
    dataset      String,
    manifest     String,
    sha256       String,
    run_id       String,
    new_version  String,
    attempts     UInt32,
    error        String,
    seen_at      DateTime64(3, 'UTC'),
    decided_at   Nullable(DateTime64(3, 'UTC')),
    served_at    Nullable(DateTime64(3, 'UTC')),
    state_at     DateTime64(3, 'UTC'),
    updated_at   DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY (tenant, model, incident_id);

CREATE TABLE IF NOT EXISTS retraining_log 
(
    timestamp   DateTime64(3, 'UTC'),
    tenant      LowCardinality(String),
    model       LowCardinality(String),
    incident_id String,
    kind        LowCardinality(String),
    state       LowCardinality(String),
    reason      LowCardinality(String),
    detail      String,
    actor       String,
    key         String,
    run_id      String,
    version     String
)
ENGINE = MergeTree()
PARTITION BY toYYYYMM(timestamp)
ORDER BY (tenant, model, incident_id, timestamp);

CREATE TABLE IF NOT EXISTS incident_actions 
(
    tenant      LowCardinality(String),
    model       LowCardinality(String),
    incident_id String,
    id          String,
    timestamp   DateTime64(3, 'UTC'),
    kind        LowCardinality(String),
    author      String,
    comment     String,
    until       Nullable(DateTime64(3, 'UTC'))
)
ENGINE = ReplacingMergeTree()
ORDER BY (tenant, incident_id, timestamp, id);

CREATE TABLE IF NOT EXISTS audit_log 
(
    chain     String COMMENT 'of one writer, from its start to its end',
    seq       UInt64 COMMENT 'in the chain, from 1',
    timestamp DateTime64(3, 'UTC'),
    tenant    LowCardinality(String) COMMENT 'empty: all',
    actor     String,
    action    LowCardinality(String),
    object    String,
    detail    String COMMENT 'JSON' CODEC(ZSTD(3)),
    previous  String COMMENT 'hash of the row before, empty for the first',
    hash      String COMMENT 'SHA-256 of all of the above, in hexadecimal'
)
ENGINE = ReplacingMergeTree()
ORDER BY (chain, seq, hash);

ALTER TABLE incidents  ADD COLUMN IF NOT EXISTS merged_into String AFTER diagnosis;
