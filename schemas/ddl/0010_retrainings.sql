-- Whether models were to be trained again, why (not), and what came of it. Of
-- a retraining the highest revision counts: read it with FINAL. The log is
-- only ever added to: every decision, and what people and pipelines said.

CREATE TABLE IF NOT EXISTS {{local "retrainings"}} {{onCluster}}
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
ENGINE = {{engine "ReplacingMergeTree" "revision"}}
ORDER BY (tenant, model, incident_id);

CREATE TABLE IF NOT EXISTS {{local "retraining_log"}} {{onCluster}}
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
ENGINE = {{engine "MergeTree"}}
PARTITION BY toYYYYMM(timestamp)
ORDER BY (tenant, model, incident_id, timestamp);

{{distributed "retrainings" "cityHash64(tenant, model)"}}
{{distributed "retraining_log" "cityHash64(tenant, model)"}}
