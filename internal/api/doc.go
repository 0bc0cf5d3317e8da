// Package api is the HTTP API under /api/v1: models, signals, incidents and what
// people do about them, silences, retrainings, the entity graph, the audit, and a
// live stream. Its OpenAPI 3.1 description is served at /api/v1/openapi.json;
// errors are problem details (RFC 9457).
//
// Who asks is known by a bearer token with a role and, if it is so configured, a
// tenant beyond which nothing is seen. Every question is bounded in time, rows
// and duration; every action is written to the audit before it is done.
package api
