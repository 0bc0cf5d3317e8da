-- What a reference was made of: production of some versions in some spans of
-- event time, or a file. One that serves a single window has no features: the
-- states of its spans have them.

ALTER TABLE {{local "references"}} {{onCluster}} ADD COLUMN IF NOT EXISTS kind String COMMENT 'profile where it is empty' AFTER version;

ALTER TABLE {{local "references"}} {{onCluster}} ADD COLUMN IF NOT EXISTS model_version String COMMENT 'whose production, empty: of all versions' AFTER kind;

ALTER TABLE {{local "references"}} {{onCluster}} ADD COLUMN IF NOT EXISTS spans String COMMENT 'JSON array of start and end, empty: a file' CODEC(ZSTD(1)) AFTER model_version;

{{addColumn "references" "kind String AFTER version"}}
{{addColumn "references" "model_version String AFTER kind"}}
{{addColumn "references" "spans String AFTER model_version"}}
