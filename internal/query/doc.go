// Package query answers what dashboards, alert rules of Grafana and the console
// ask: a few kinds of question, each bounded in time and in rows, whose answers
// are Grafana's data frames. It reads ClickHouse and nothing else. The data
// source of Grafana and the API (POST /api/v1/query) share it, so both hosts
// show the same.
package query
