-- One-minute states that any window and any reference is a merge of. They are
-- independent of references, and as exactly-once as the rows they come from:
-- view targets have deduplication windows of their own.

CREATE TABLE IF NOT EXISTS {{local "model_schemas"}} {{onCluster}}
(
    tenant   LowCardinality(String),
    model    LowCardinality(String),
    version  LowCardinality(String),
    kind     LowCardinality(String),
    position UInt16,
    name     String
)
ENGINE = {{engine "ReplacingMergeTree"}}
ORDER BY (tenant, model, version, kind, position);

CREATE TABLE IF NOT EXISTS {{local "feature_sketches_1m"}} {{onCluster}}
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
    quantiles AggregateFunction(quantilesTDigestForEach({{levels}}), Array(Float32))
)
ENGINE = {{engine "AggregatingMergeTree"}}
PARTITION BY toDate(minute)
ORDER BY (tenant, model, version, segment, minute)
SETTINGS {{dedup}}, ttl_only_drop_parts = 1;

-- Ingest makes the states of a batch itself and sends them as bytes: what the
-- aggregate functions above would serialise, at a fraction of a view's cost
-- (docs/adr/0007). This table keeps nothing; the view turns bytes into states.
CREATE TABLE IF NOT EXISTS {{local "feature_states"}} {{onCluster}}
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
    quantiles String
)
ENGINE = Null;

CREATE MATERIALIZED VIEW IF NOT EXISTS {{local "feature_states_view"}} {{onCluster}}
TO {{local "feature_sketches_1m"}} AS
SELECT
    tenant, model, version, segment, minute, rows,
    CAST(present AS AggregateFunction(sumForEach, Array(UInt8))) AS present,
    CAST(integers AS AggregateFunction(sumForEach, Array(UInt8))) AS integers,
    CAST(sums AS AggregateFunction(sumForEach, Array(Float64))) AS sums,
    CAST(squares AS AggregateFunction(sumForEach, Array(Float64))) AS squares,
    CAST(minima AS AggregateFunction(minForEach, Array(Float32))) AS minima,
    CAST(maxima AS AggregateFunction(maxForEach, Array(Float32))) AS maxima,
    CAST(quantiles AS AggregateFunction(quantilesTDigestForEach({{levels}}), Array(Float32))) AS quantiles
FROM {{local "feature_states"}};

CREATE TABLE IF NOT EXISTS {{local "category_counts_1m"}} {{onCluster}}
(
    tenant   LowCardinality(String),
    model    LowCardinality(String),
    version  LowCardinality(String),
    segment  LowCardinality(String),
    minute   DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    position UInt16,
    value    LowCardinality(String),
    rows     UInt64
)
ENGINE = {{engine "SummingMergeTree"}}
PARTITION BY toDate(minute)
ORDER BY (tenant, model, version, segment, minute, position, value)
SETTINGS {{dedup}}, ttl_only_drop_parts = 1;

{{distributed "model_schemas" "cityHash64(tenant, model)"}}
{{distributed "feature_sketches_1m" "cityHash64(tenant, model)"}}
{{distributed "category_counts_1m" "cityHash64(tenant, model)"}}
