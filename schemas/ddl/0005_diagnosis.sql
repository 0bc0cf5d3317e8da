-- What the correlator makes of an incident.

ALTER TABLE {{local "incidents"}} {{onCluster}} ADD COLUMN IF NOT EXISTS diagnosis String COMMENT 'JSON, empty: causes were not looked for' CODEC(ZSTD(3)) AFTER signals;

{{addColumn "incidents" "diagnosis String AFTER signals"}}
