// Package outcomes judges running models by their labels: predictions are held
// against truths that come late, twice, corrected or never.
//
// A Runner makes rounds. In each it asks a Source which minutes have got new
// events or labels, and judges the windows of these anew: realised performance
// with the share of predictions that have a label, performance estimated without
// labels, and estimated minus realised, which alarms when labels are not what
// the reference promises (concept drift). Signals of a window replace earlier
// ones, so that whatever the order in which labels come, the last word is the
// same. Until its horizon has passed a window is provisional. Then it is final,
// and its outcomes go, in the order of their events, to sequential detectors
// and to the comparison of champion and challenger, whose state is stored.
package outcomes
