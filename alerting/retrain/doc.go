// Package retrain asks a training pipeline to train a model again when, and
// only when, that is what mends an incident: when data or concept moved, for
// long enough, with enough labelled rows to learn from.
//
// A pure guard decides, every decision is written down with its reason, and
// the machine that follows keeps all of its state in the store: whoever goes
// on after a crash sends the same key again.
package retrain
