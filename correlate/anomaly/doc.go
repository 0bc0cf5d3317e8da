// Package anomaly says of telemetry series what changed, when, and by how much
// beside what is usual for them, and of what kind the events in them are.
//
// It is arithmetic over series that are at hand: no clock, no input or output.
// Medians and the median absolute deviation stand for mean and deviation, so
// that a baseline which holds some of the trouble already is still one.
package anomaly
