// Package loadtest is a small fleet of models that never was: it generates
// what three models, their GPUs and a batch job would send, with known faults,
// the same bytes for the same seed, and produces it to Kafka at a given pace.
package loadtest
