// Package testkit helps tests to find real data and expected values.
package testkit
