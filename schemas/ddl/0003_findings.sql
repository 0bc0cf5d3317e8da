-- What Driftline found and told. Rows are replaced by newer ones of the same
-- key: read them with FINAL.

CREATE TABLE IF NOT EXISTS {{local "references"}} {{onCluster}}
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
ENGINE = {{engine "ReplacingMergeTree" "created_at"}}
ORDER BY (tenant, model, name, version);

CREATE TABLE IF NOT EXISTS {{local "signals"}} {{onCluster}}
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
ENGINE = {{engine "ReplacingMergeTree" "evaluated_at"}}
PARTITION BY toYYYYMM(window_start)
ORDER BY (tenant, model, version, segment, feature, detector, window_start, window_end)
SETTINGS {{dedup}};

CREATE TABLE IF NOT EXISTS {{local "incidents"}} {{onCluster}}
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
ENGINE = {{engine "ReplacingMergeTree" "revision"}}
ORDER BY (tenant, model, id);

CREATE TABLE IF NOT EXISTS {{local "notifications"}} {{onCluster}}
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
ENGINE = {{engine "MergeTree"}}
PARTITION BY toYYYYMM(timestamp)
ORDER BY (tenant, incident_id, receiver, timestamp);

{{distributed "references" "cityHash64(tenant, model)"}}
{{distributed "signals" "cityHash64(tenant, model)"}}
{{distributed "incidents" "cityHash64(tenant, model)"}}
{{distributed "notifications" "cityHash64(tenant, incident_id)"}}
