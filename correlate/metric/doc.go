// Package metric knows what telemetry metrics mean to whoever looks for a
// cause: what kind they are, which way is worse, which change is too small to
// matter, what tells whether there was anything to measure, and by which
// mechanism a change does harm.
//
// The built-in names are those that ingest gives to the metrics of DCGM, vLLM,
// Triton, TorchServe, KServe and Ray Serve, those of Kafka's lag exporters and
// of pipeline stages. What is not listed is guessed from its name: the unit at
// its end, or words such as latency and errors.
package metric
