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
    quantiles AggregateFunction(quantilesTDigestForEach({{levels}}), Array(Float32)),
    categories AggregateFunction(sumMapForEach, Array(Map(String, UInt64))) COMMENT 'rows of each category, by position'
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
    quantiles String,
    categories String
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
    CAST(quantiles AS AggregateFunction(quantilesTDigestForEach({{levels}}), Array(Float32))) AS quantiles,
    CAST(categories AS AggregateFunction(sumMapForEach, Array(Map(String, UInt64)))) AS categories
FROM {{local "feature_states"}};

{{distributed "model_schemas" "cityHash64(tenant, model)"}}
{{distributed "feature_sketches_1m" "cityHash64(tenant, model)"}}

-- The categories of those states, a row each.
CREATE VIEW IF NOT EXISTS category_counts_1m {{onCluster}} AS
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
