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

CREATE MATERIALIZED VIEW IF NOT EXISTS {{local "feature_sketches_1m_view"}} {{onCluster}}
TO {{local "feature_sketches_1m"}} AS
SELECT
    tenant, model, version, segment,
    toStartOfMinute(toDateTime(timestamp, 'UTC')) AS minute,
    count() AS rows,
    sumForEachState(arrayMap(x -> toUInt8(NOT isNaN(x)), num)) AS present,
    sumForEachState(arrayMap(x -> toUInt8(x = round(x)), num)) AS integers,
    sumForEachState(arrayMap(x -> if(isNaN(x), 0., toFloat64(x)), num)) AS sums,
    sumForEachState(arrayMap(x -> if(isNaN(x), 0., toFloat64(x) * x), num)) AS squares,
    minForEachState(arrayMap(x -> if(isNaN(x), toFloat32(inf), x), num)) AS minima,
    maxForEachState(arrayMap(x -> if(isNaN(x), toFloat32(-inf), x), num)) AS maxima,
    quantilesTDigestForEachState({{levels}})(num) AS quantiles
FROM {{local "inference_events"}}
GROUP BY tenant, model, version, segment, minute;

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

CREATE MATERIALIZED VIEW IF NOT EXISTS {{local "category_counts_1m_view"}} {{onCluster}}
TO {{local "category_counts_1m"}} AS
SELECT
    tenant, model, version, segment,
    toStartOfMinute(toDateTime(timestamp, 'UTC')) AS minute,
    toUInt16(place - 1) AS position,
    value,
    count() AS rows
FROM {{local "inference_events"}}
ARRAY JOIN cat AS value, arrayEnumerate(cat) AS place
GROUP BY tenant, model, version, segment, minute, position, value;

{{distributed "model_schemas" "cityHash64(tenant, model)"}}
{{distributed "feature_sketches_1m" "cityHash64(tenant, model)"}}
{{distributed "category_counts_1m" "cityHash64(tenant, model)"}}
