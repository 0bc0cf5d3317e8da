package kafka

import (
	"math"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kgo"
)

// room gives decompression as much memory as the batches before needed, so that
// it neither grows step by step nor is copied. What is given is never taken
// back: records are views into it for as long as somebody wants them.
type room struct{ ratio atomic.Uint64 } // bits of the bytes that a compressed byte became, the most of late

var (
	_ kgo.PoolDecompressBytes = (*room)(nil)
	_ kgo.HookFetchBatchRead  = (*room)(nil)
)

// fading is how fast the largest ratio is forgotten, by batch.
const fading = 0.98

func (r *room) OnFetchBatchRead(_ kgo.BrokerMetadata, _ string, _ int32, m kgo.FetchBatchMetrics) {
	if m.CompressionType == 0 || m.CompressedBytes == 0 {
		return
	}
	of := float64(m.UncompressedBytes) / float64(m.CompressedBytes)
	r.ratio.Store(math.Float64bits(max(of, fading*math.Float64frombits(r.ratio.Load()))))
}

// Batches of a producer differ a little, and a reader wants room beyond the
// last byte, to find that it was. A guess is not to be trusted far: one batch
// of nothing but zeros must not make the next one's room a thousandfold.
const (
	margin   = 1.05
	slack    = 1 << 10
	usual    = 1<<20 + 1<<16 // bytes of a full batch, as clients make them
	farthest = 8             // bytes that a compressed byte may claim beyond that
)

func (r *room) GetDecompressBytes(compressed []byte, _ kgo.CompressionCodecType) []byte {
	n := float64(len(compressed))
	guess := margin*math.Float64frombits(r.ratio.Load())*n + slack
	return make([]byte, 0, int(min(guess, max(usual, farthest*n))))
}

func (r *room) PutDecompressBytes([]byte) {}
