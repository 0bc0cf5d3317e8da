-- Users with least rights. Run it once as an administrator, with passwords of
-- your own:
--   clickhouse-client --param_service=... --param_migrate=... --param_read=... --multiquery < users.sql
-- On a cluster add ON CLUSTER to each statement.

CREATE DATABASE IF NOT EXISTS driftline;

-- Makes and alters tables: driftline migrate, run by a release.
CREATE USER IF NOT EXISTS driftline_migrate IDENTIFIED WITH sha256_password BY {migrate:String};
GRANT SELECT, INSERT, CREATE TABLE, CREATE VIEW, ALTER, DROP TABLE, DROP VIEW ON driftline.* TO driftline_migrate;
GRANT SELECT ON system.* TO driftline_migrate;

-- Writes and reads rows: driftline run. It alters nothing.
CREATE USER IF NOT EXISTS driftline IDENTIFIED WITH sha256_password BY {service:String};
GRANT SELECT, INSERT ON driftline.* TO driftline;
GRANT SELECT ON system.parts TO driftline;
GRANT SELECT ON system.tables TO driftline;
GRANT SELECT ON system.columns TO driftline;
GRANT SELECT ON system.events TO driftline;

-- Reads findings and statistics, no single events: dashboards.
CREATE SETTINGS PROFILE IF NOT EXISTS driftline_read SETTINGS
    readonly = 2, max_execution_time = 30, max_result_rows = 1000000, max_bytes_to_read = 50000000000, max_memory_usage = 4000000000;
CREATE USER IF NOT EXISTS driftline_read IDENTIFIED WITH sha256_password BY {read:String} SETTINGS PROFILE driftline_read;
GRANT SELECT ON driftline.signals TO driftline_read;
GRANT SELECT ON driftline.incidents TO driftline_read;
GRANT SELECT ON driftline.feature_sketches_1m TO driftline_read;
GRANT SELECT ON driftline.category_counts_1m TO driftline_read;
GRANT SELECT ON driftline.model_schemas TO driftline_read;
GRANT SELECT ON driftline.references TO driftline_read;
GRANT SELECT ON driftline.telemetry TO driftline_read;
GRANT SELECT ON driftline.changes TO driftline_read;
GRANT SELECT ON driftline.job_events TO driftline_read;
GRANT SELECT ON driftline.notifications TO driftline_read;
GRANT SELECT ON driftline.incident_actions TO driftline_read;
GRANT SELECT ON driftline.outcome_stats TO driftline_read;
GRANT SELECT ON driftline.retrainings TO driftline_read;
GRANT SELECT ON driftline.silences TO driftline_read;
