-- What people keep back. Rows are replaced by newer ones of the same key: read
-- them with FINAL.

CREATE TABLE IF NOT EXISTS {{local "silences"}} {{onCluster}}
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
ENGINE = {{engine "ReplacingMergeTree" "updated_at"}}
ORDER BY (tenant, id);

{{distributed "silences" "cityHash64(tenant, id)"}}
