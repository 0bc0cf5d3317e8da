package capacity

import (
	"math"

	"github.com/driftline/driftline/ingest"
)

// What follows was measured by `go run ./internal/bench -costs -events 400000
// -rounds 2` on two shared cores (amd64, Go 1.26, libchdb 26.7) in November 2026,
// what concerns states and categories by one round of 200,000 events since:
// processor time of the process in question, in microseconds of one core, and
// bytes on disk after all parts were merged into one. The figures of other
// machines differ; the model takes them for all alike, and measuring on one's own
// is a matter of ten minutes.

// linear is a cost that grows with the features of an event.
type linear struct{ Base, Numeric, Categorical float64 }

func (l linear) of(in *Inputs) float64 {
	return l.Base + l.Numeric*float64(in.Numeric) + l.Categorical*float64(in.Categorical)
}

var (
	// ownCost is what Driftline spends on an event: fetching, decoding, checking
	// and encoding, all but the sums. From 4 shapes of 2 to 100 numeric and 5 to 30
	// categorical features; 20 and 5 took 3.0 µs in protobuf and 4.1 in JSON, sums
	// of 0.4 included.
	ownCost = map[string]linear{
		ingest.FormatProtobuf: {Base: 1.0, Numeric: .056, Categorical: .070},
		ingest.FormatJSON:     {Base: 1.7, Numeric: .086, Categorical: .082},
	}
	// recordBytes are exact for names such as num_00 and numbers of five digits.
	recordBytes = map[string]linear{
		ingest.FormatProtobuf: {Base: 79.5, Numeric: 19, Categorical: 14.6},
		ingest.FormatJSON:     {Base: 227, Numeric: 17.5, Categorical: 14.6},
	}

	insertRow = linear{Base: .39, Numeric: .0227, Categorical: .011} // the store, over the native protocol
	mergeRow  = linear{Base: .74, Numeric: .043, Categorical: .018}  // one merge
	// rawBytes of a row. The values are noise of five digits, which hardly
	// compresses: 3.5 of 4 bytes stay. What changes less takes less.
	rawBytes = linear{Base: 9.2, Numeric: 3.54, Categorical: .77}
)

const (
	insertBlock = 8_700. // of a batch: its two inserts, were they empty
	insertCount = .5     // of one category in a state
	mergeCount  = .25
	countBytes  = 3.7
	signalBytes = 34. // of 360,000 signals with a sentence each

	// meltedMerges is how often a state is merged before it has become one with
	// the others of its minute: merges are taken to join about ten parts, so that a
	// tenth is left after each, and 1 + 0.1 + 0.01 and so on are made.
	meltedMerges = 1.11

	// waitPerBlock is an allowance, in microseconds, for what a partition waits for
	// beside the work itself: the commit of the intent, the rows' and the sums' round
	// trips, the announcement.
	waitPerBlock = 30_000.

	// Detectors of a feature in the default set, each of which makes a signal a window.
	numericDetectors, categoricalDetectors = 6, 5
)

// A curve is a cost by the rows that are summed up, since a sketch of few values
// keeps them all and one of many does not: between its points straight over
// the logarithm of rows.
type curve []struct{ rows, cost float64 }

var (
	ownValue    = curve{{5, .090}, {50, .080}, {460, .055}, {4200, .020}, {50_000, .010}} // Driftline, by value
	insertState = curve{{5, 1.7}, {50, 3.6}, {460, 13}, {4200, 17}}                       // the store, by feature of a state
	mergeState  = curve{{5, 1.4}, {50, 7}, {460, 14}, {4200, 15}}                         // likewise
	stateBytes  = curve{{5, 50}, {50, 276}, {500, 1047}, {5000, 1505}, {50_000, 2897}}    // by feature of a merged state
)

// at is the cost at so many rows, as at the ends beyond them.
func (c curve) at(rows float64) float64 {
	if rows <= c[0].rows {
		return c[0].cost
	}
	for i := 1; i < len(c); i++ {
		if a, b := c[i-1], c[i]; rows < b.rows {
			return a.cost + (b.cost-a.cost)*math.Log(rows/a.rows)/math.Log(b.rows/a.rows)
		}
	}
	return c[len(c)-1].cost
}

// mergeLevels is how often a row is merged, by the blocks that a table takes a
// day. Blocks of 50,000 rows, one after the other, were merged 1.9 times at 30
// of them, 2.3 at 100 and 1.8 at 300; this line lies above. A server that has
// little to do merges small blocks far more often, with cores that nobody needs.
func mergeLevels(blocks float64) float64 { return 1 + .75*math.Log10(max(1, blocks)) }
