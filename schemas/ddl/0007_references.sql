-- What a reference was made of: production of some versions in some spans of
-- event time, or a file. One that serves a single window has no features: the
-- states of its spans have them.

ALTER TABLE {{local "references"}} {{onCluster}} ADD COLUMN IF NOT EXISTS kind String COMMENT 'profile where it is empty' AFTER version;

ALTER TABLE {{local "references"}} {{onCluster}} ADD COLUMN IF NOT EXISTS model_version String COMMENT 'whose production, empty: of all versions' AFTER kind;

ALTER TABLE {{local "references"}} {{onCluster}} ADD COLUMN IF NOT EXISTS spans String COMMENT 'JSON array of start and end, empty: a file' CODEC(ZSTD(1)) AFTER model_version;

-- How much a signal counts, and where the change is strongest.

ALTER TABLE {{local "signals"}} {{onCluster}} ADD COLUMN IF NOT EXISTS importance Float64 COMMENT '0: not given' AFTER reference;

ALTER TABLE {{local "signals"}} {{onCluster}} ADD COLUMN IF NOT EXISTS strongest_segment LowCardinality(String) AFTER importance;

ALTER TABLE {{local "signals"}} {{onCluster}} ADD COLUMN IF NOT EXISTS segment_share Float64 AFTER strongest_segment;

{{addColumn "references" "kind String AFTER version"}}
{{addColumn "references" "model_version String AFTER kind"}}
{{addColumn "references" "spans String AFTER model_version"}}
{{addColumn "signals" "importance Float64 AFTER reference"}}
{{addColumn "signals" "strongest_segment LowCardinality(String) AFTER importance"}}
{{addColumn "signals" "segment_share Float64 AFTER strongest_segment"}}
