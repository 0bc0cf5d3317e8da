// Package budget measures two promises of verdicts by simulation: that false
// alarms stay within the budget that the user declared, on streams whose rows
// depend on each other and follow the hour as well as on independent ones, and
// what changes a window of so many rows can see.
//
// Rows are drawn, summarised and compared as in the service, by the same
// functions; only the pooled reference is reduced to as many points as the
// store's sketches have, and Kafka and ClickHouse have no part. The rates with
// thresholds that do not know a budget come from the same windows.
package budget
