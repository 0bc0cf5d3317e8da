package kserve

// Cause is why a half became an event without its partner.
type Cause int

// The causes of halves without partners.
const (
	Passed  Cause = iota // the partner did not come within [Config.Window] records
	Aged                 // it did not come within [Config.MaxAge]
	Crowded              // more waited than [Config.MaxRows] or [Config.MaxBytes] allow
	Stray                // the half came when its partner had been given up
	causes
)

func (c Cause) String() string {
	switch c {
	case Passed:
		return "window"
	case Aged:
		return "age"
	case Crowded:
		return "crowded"
	default:
		return "stray"
	}
}

// Causes lists all causes, for the labels of counters.
func Causes() []Cause { return []Cause{Passed, Aged, Crowded, Stray} }

// Counts of what a joiner was given and what became of it. They count from the
// joiner's first record: who reads back to rebuild its state takes the
// difference. At any time
//
//	Halves = 2·Joined + ΣUnmatched + ΣOrphans + Repeats + Held
//
// Orphans tell that requests and responses are not in the same partition, or
// that requests are not logged: failed requests never make any. Crowded and
// Stray tell that the joiner's room is too small.
type Counts struct {
	Halves    int
	Joined    int // pairs
	Unpaired  int // of them, those whose numbers of instances differ
	Unmatched [causes]int
	Orphans   [causes]int
	Repeats   int // the same half again

	Held      int   // waiting now
	HeldRows  int   // of these
	HeldBytes int64 // of these, estimated
	Visible   int   // remembered now to tell repeats, with those that wait
}

// Counts returns the joiner's figures.
func (j *Joiner) Counts() Counts { return j.counts }

// The estimates of memory, all upwards: a feature is an entry of a map.
const (
	halfBytes    = 512
	rowBytes     = 192
	featureBytes = 64
)

// sizeOf estimates the memory of a half. The same half always has the same
// size, as the joiner's room is part of what decides its events.
func sizeOf(h *Half) int64 {
	n := halfBytes + len(h.ID) + len(h.Rows)*rowBytes
	for i := range h.Rows {
		f := &h.Rows[i].Features
		n += (len(f.Numeric) + len(f.Categorical)) * featureBytes
		for _, text := range f.Categorical {
			n += len(text)
		}
		n += len(h.Rows[i].Prediction)
	}
	return int64(n)
}
