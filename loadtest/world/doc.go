// Package world generates what a fleet of AI models would send: inference
// events whose outcomes follow from their features by a known law, late labels,
// telemetry of GPUs, nodes, pods, pipelines and providers that agrees with the
// traffic, jobs and changes, and known faults at known times. The same options
// give the same bytes, and memory depends on the size of the fleet, not on the
// length of the run.
package world
