// Package graph holds what depends on what: models on deployments, pods on
// GPUs, features on the topics and jobs that make them.
//
// An edge leads from what calls or depends to what it calls or depends on, so
// that trouble travels against the edges and causes are found along them.
// Cycles are allowed. Whatever order edges come in, the graph is the same.
package graph
