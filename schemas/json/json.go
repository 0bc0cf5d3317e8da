// Package jsonschema holds the JSON Schemas (2020-12) of the records that
// producers send and of those that Driftline publishes.
package jsonschema

import "embed"

// FS has one file for every record, such as event.schema.json. A schema refers
// to others by the $id that they carry.
//
//go:embed *.schema.json
var FS embed.FS
