//go:build race

package testkit

// Race tells whether the race detector is on: it makes arithmetic ten times as
// slow and has nothing to find in it, so that long statistical runs are shorter.
const Race = true
