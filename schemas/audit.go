package schemas

import "time"

// AuditEntry is one line of the audit: who did what to what. The entries of one
// writer are a chain: each holds the hash of the one before it.
type AuditEntry struct {
	Chain    string    `json:"chain"` // of one writer, from its start to its end
	Seq      uint64    `json:"seq"`   // in the chain, from 1
	Time     time.Time `json:"timestamp"`
	Tenant   string    `json:"tenant"` // empty: all
	Actor    string    `json:"actor"`
	Action   string    `json:"action"` // such as config.load or incident.acknowledge
	Object   string    `json:"object"` // such as incident/inc-0123
	Detail   string    `json:"detail"` // JSON
	Previous string    `json:"previous"`
	Hash     string    `json:"hash"` // SHA-256 of all of the above, in hexadecimal
}
