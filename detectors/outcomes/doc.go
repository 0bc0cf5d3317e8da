// Package outcomes judges a model by its labels while it runs: predictions
// joined with labels that come late, twice, corrected and in any order.
//
// An Engine hears of touched events and labels, and judges every window of a
// model that has a performance section: how well it did (performance_METRIC),
// how well it should have done by its inputs (estimated_METRIC), whether the two
// have parted (concept_gap_METRIC), what sequential detectors say of its errors
// in event order (sequential_METHOD), and whether one version does worse than
// another (challenger). A window is provisional until its labels are final, and
// every judgement of it replaces the former one.
//
// What a window says depends on the stored events and labels alone: a label
// counts if it became known within the horizon of its prediction, by its own
// time, whenever it was received. So any order of arrival leads to the same
// signals. The arithmetic is that of detectors/performance and
// detectors/sequential.
package outcomes
