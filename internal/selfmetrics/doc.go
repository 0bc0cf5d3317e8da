// Package selfmetrics is how the process shows itself: the admin listener with
// metrics, health, version and profiles, the list of all metrics, and logging
// that cannot flood.
package selfmetrics
