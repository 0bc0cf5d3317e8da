// Package alerting tells people and machines about incidents: PagerDuty and
// signed webhooks.
//
// A Dispatcher journals every attempt before it is made and after it ended, so
// that nothing is lost in a crash, and sends with keys that are the same on
// every retry, so that nothing is counted twice.
package alerting
