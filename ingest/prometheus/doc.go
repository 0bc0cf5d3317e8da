// Package prometheus decodes what Prometheus and its helpers write to Kafka
// into telemetry samples: remote-write requests and the JSON of
// prometheus-kafka-adapter.
//
// Both give values as they come. Names and units are made common by package
// metricnames, which also drops and counts NaN and infinities; only staleness
// markers, which say that a series ended and are no values at all, are left
// out here.
package prometheus
