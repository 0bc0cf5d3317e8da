// Package fleet plays scenarios of a whole fleet through the pipeline, on the
// embedded engines, and holds what was found, named and decided against the
// truth.
package fleet
