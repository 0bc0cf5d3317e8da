// Package correlate turns signals into incidents: what began together in one
// model is one incident, told when it opens, when it changes in a way that a
// reader cares about, and when it is over.
//
// A Correlator is a state machine without a clock and without input or output.
// Fed with the same evaluations it gives the same incidents with the same ids
// and revisions, so a replay after a crash is harmless.
package correlate
