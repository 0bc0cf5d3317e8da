-- What people do about incidents, and the audit: rows are only ever added.

CREATE TABLE IF NOT EXISTS {{local "incident_actions"}} {{onCluster}}
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
ENGINE = {{engine "ReplacingMergeTree"}}
ORDER BY (tenant, incident_id, timestamp, id);

CREATE TABLE IF NOT EXISTS {{local "audit_log"}} {{onCluster}}
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
ENGINE = {{engine "ReplacingMergeTree"}}
ORDER BY (chain, seq, hash);

{{distributed "incident_actions" "cityHash64(tenant, incident_id)"}}
{{distributed "audit_log" "cityHash64(chain)"}}
