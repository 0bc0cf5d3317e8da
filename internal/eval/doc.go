// Package eval measures the sequential detectors, and runs them over a column
// of a file.
//
// Benchmark plays labelled streams to every detector and tells how long each
// takes to find a change, how long it lasts from false alarm to false alarm,
// and what it misses, with a dummy beside them that alarms by the clock alone.
// Synthetic streams are made from a seed; real ones are read from a folder, and
// where they are classification data an online naive Bayes classifier, which
// begins anew at each alarm, makes the errors.
//
// Positions gives the alarms of each detector in a file's column.
package eval
