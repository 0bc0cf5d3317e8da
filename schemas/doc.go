// Package schemas is Driftline's vocabulary: the records that producers send,
// the summaries that detectors read and the signals and incidents that come
// out. Its sub-folders hold the same vocabulary in its other forms: ddl
// (ClickHouse tables), proto and json (wire forms). Tests prove that the forms
// agree.
//
// Everything else may import schemas; schemas imports only the standard
// library and wire codecs.
package schemas
