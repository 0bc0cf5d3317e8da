// Package metricnames gives every telemetry sample one name and one unit,
// whatever produced it: a GPU's utilisation is gpu_utilization_ratio from 0 to
// 1, though DCGM says per cent and Triton says a fraction. What compares GPUs
// or servers across producers then needs no table of its own.
//
// Canonical names follow Prometheus: lower case, the base unit at the end
// (seconds, bytes, celsius, watts, joules, hertz, ratio), _total for counters,
// and _bucket, _sum, _count for the parts of a histogram. The producer's name
// stays in the label raw_name and its unit, where it was converted, in
// raw_unit. Names that are canonical already or that no table lists are left
// as they are.
//
// The tables are one file a source. docs/telemetry-names.md is made from them
// and says how to add one.
package metricnames
