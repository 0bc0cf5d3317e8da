package native

import "sync/atomic"

// Stats are the counts of a server since it started, save Connections, which
// is how many are open now.
type Stats struct {
	Connections     int64  // open client connections
	Accepted        uint64 // connections taken
	Refused         uint64 // connections over the limit
	Queries         uint64 // statements received
	Inserts         uint64 // inserts of blocks that were committed
	InsertedRows    uint64 // rows that clients sent in them
	Exceptions      uint64 // errors sent to clients
	Cancelled       uint64 // statements stopped because the client cancelled or left
	DescribeHits    uint64 // inserts that needed no DESCRIBE
	DescribeMisses  uint64 // inserts that did
	BytesReceived   uint64 // from clients, as on the wire
	BytesSent       uint64 // to clients, as on the wire
	RecoveredPanics uint64 // connections ended by a defect of this server
}

type metrics struct {
	accepted, refused, queries, inserts, insertedRows atomic.Uint64
	exceptions, cancelled, panics                     atomic.Uint64
	describeHits, describeMisses                      atomic.Uint64
	received, sent                                    atomic.Uint64
}

// Stats reads the counters. They are read one by one, so they may be apart by
// what happens meanwhile.
func (s *Server) Stats() Stats {
	s.clients.Lock()
	open := s.clients.admitted
	s.clients.Unlock()
	m := &s.metrics
	return Stats{
		Connections: int64(open), Accepted: m.accepted.Load(), Refused: m.refused.Load(),
		Queries: m.queries.Load(), Inserts: m.inserts.Load(), InsertedRows: m.insertedRows.Load(),
		Exceptions: m.exceptions.Load(), Cancelled: m.cancelled.Load(),
		DescribeHits: m.describeHits.Load(), DescribeMisses: m.describeMisses.Load(),
		BytesReceived: m.received.Load(), BytesSent: m.sent.Load(), RecoveredPanics: m.panics.Load(),
	}
}
