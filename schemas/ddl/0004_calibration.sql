-- What a window could have seen, and what a reference's history says of chance.

ALTER TABLE {{local "signals"}} {{onCluster}} ADD COLUMN IF NOT EXISTS minimal_effect Float64 AFTER p_value;

ALTER TABLE {{local "references"}} {{onCluster}} ADD COLUMN IF NOT EXISTS calibration String COMMENT 'JSON, empty: none' CODEC(ZSTD(3)) AFTER features;

{{addColumn "signals" "minimal_effect Float64 AFTER p_value"}}
{{addColumn "references" "calibration String AFTER features"}}
