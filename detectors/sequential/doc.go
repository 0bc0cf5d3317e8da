// Package sequential finds changes in a stream of values, one value at a time:
// the errors of a model in the order in which its labels arrive, or any other
// series whose level should not move.
//
// A Detector is made by name and parameters from the register (All, Lookup,
// New). Step takes the next value and says None, Warning or Drift; a detector
// that found a drift begins anew with the next value. Detectors are arithmetic
// only: no clock, and randomness (KSWIN) comes from a seed, so that two runs
// over the same values agree bit for bit. A snapshot (MarshalBinary) restores
// to the same state: the rest of a stream gives the same results as if it had
// never been interrupted.
//
// Formulas and defaults are those of the libraries and papers that each file
// names, so that alarm positions can be compared with theirs. Where a source
// would alarm by rounding or by a slip, ours does not, and its file says so.
//
// A Detector is for one goroutine at a time.
package sequential
