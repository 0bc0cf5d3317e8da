// Package multivariate compares a window with its reference over several
// features at once: what each feature alone does not show, because every
// distribution stayed and only their relation changed.
//
// It works on matrices of rows, one column a feature, and so needs the rows
// themselves; the summaries that the store merges do not hold them. A Comparer
// samples them, from files and from a store. The detectors are pure: randomness
// comes from a seed, rows may come in any order, and the same input gives the
// same bits.
//
// A missing value is NaN (infinities count as missing). It is imputed by the
// reference's median of its column, so that missing rows stand where most rows
// are and a null spike, which the missing rate tells exactly, is no drift here;
// only the correlations leave such rows out pair by pair. Columns that are
// constant or empty in the reference are left out.
package multivariate
