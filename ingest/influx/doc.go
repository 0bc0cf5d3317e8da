// Package influx decodes InfluxDB's line protocol, which Telegraf writes to
// Kafka unless told otherwise, into telemetry samples.
package influx
