// Package alerting tells people and machines about incidents.
//
// A Router decides who is told of what, with what else, and when: a state
// machine without a clock. An Alerter drives it, stores and journals what it
// takes before anything is sent, and goes on after a crash where it stopped. A
// Dispatcher journals every attempt before it is made and after it ended, and
// sends with keys that are the same on every retry, so that nothing is lost and
// nothing counted twice. Burns judges the share of bad windows.
package alerting
