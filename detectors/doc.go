// Package detectors decides whether a window of a model's traffic still looks
// like its reference. It has three layers, each usable without the next:
//
//   - statistics: pure functions over two schemas.Summary values, one detector
//     a file, listed in the register (All, Lookup);
//   - verdict: EvaluateWindow runs the detectors of a Plan over all features
//     and versions of a window, adjusts their p-values for having asked many
//     questions and says ok, alarm, no_data or insufficient with a reason;
//   - engine: keeps track of which event-time windows changed and evaluates
//     each when it is complete.
//
// An alarm needs three things at once: an effect of at least the threshold, an
// adjusted p-value within the level that the false-alarm budget allows, and
// enough rows. Effect alone alarms on small windows, significance alone alarms
// on large ones.
//
// Rows of real traffic depend on each other and follow the hour, and then the
// p-values of independent rows are far too small. Where a reference has a
// history, its own windows say how far scores stray when nothing is wrong
// (Plan.Score, Plan.Calibrate), and the p-value of a verdict is the larger of
// the two. See docs/adr/0008-calibrated-levels.md.
//
// All numeric statistics read weighted points, so a summary counted exactly
// from rows and one merged from sketches take the same path. Values are
// compared at float32 precision, which is what the store keeps: a reference
// read from a file at float64 must still tie with the same value from a window.
package detectors
