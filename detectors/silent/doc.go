// Package silent finds failures that raise no error: a job that stopped
// beating, an answer that is empty, labels that no longer come. It has four
// layers, each usable without the next:
//
//   - inputs: counts and times of a job, a model, a telemetry feed, a consumer
//     or the monitor itself, as queries give them;
//   - rules: pure functions from one input to findings, one rule a file, listed
//     in the register (All, Lookup);
//   - verdict: Judge runs the enabled rules over a Snapshot and gives signals;
//   - runner: asks the store for snapshots when event time has moved on, judges
//     them and publishes what there is to say.
//
// "No data" is a state of its own. A subject that was never seen gives no_data,
// too little of it gives insufficient, and neither is ever a score of zero; a
// subject that was there and is not any more is what these rules are for.
//
// Time. Each stream of a tenant (events, labels, telemetry, jobs) is judged at
// its own watermark, its newest event time, as long as it moves: data that are
// replayed, or that ingest is behind with, are judged at their own time. A
// stream that has stood still for [Config.Stall] of wall-clock time is judged
// at the tenant's watermark, the newest of all its streams: that is how the
// silence of a whole stream is seen. Either is at most the wall clock, less a
// lateness, down to a whole step. When all streams stop, event time stands
// still and so do the rules that go by it: then it is the turn of
// monitor_blind, which goes by the wall clock, as clock_ahead does.
//
// Where counts allow it a verdict is an effect and its significance, as
// everywhere in detectors; a rule about times has a limit learned from the
// subject's own past, never below a fixed one.
package silent
