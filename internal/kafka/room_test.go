package kafka

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// What is decompressed does not depend on how good the guess of its size was,
// and no batch makes the room of later ones much larger than they need.
func TestRoomFitsWhateverComes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	batches := [][]byte{bytes.Repeat([]byte{0}, 1<<20), nil, {1}}
	for range 20 {
		b := make([]byte, rng.IntN(1<<20))
		for i := range b {
			b[i] = byte(rng.IntN(1 + rng.IntN(255)))
		}
		batches = append(batches, b)
	}
	for _, codec := range []kgo.CompressionCodec{kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression()} {
		room := new(room)
		d := kgo.DefaultDecompressor(room)
		c, err := kgo.DefaultCompressor(codec)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range batches {
			var w bytes.Buffer
			packed, typ := c.Compress(&w, want)
			if given := cap(room.GetDecompressBytes(packed, typ)); given > max(usual, farthest*len(packed)) {
				t.Errorf("codec %d, batch %d: %d bytes of room for %d compressed", typ, i, given, len(packed))
			}
			got, err := d.Decompress(packed, typ)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("codec %d, batch %d: %d bytes became %d: %v", typ, i, len(want), len(got), err)
			}
			room.OnFetchBatchRead(kgo.BrokerMetadata{}, "", 0, kgo.FetchBatchMetrics{UncompressedBytes: len(want), CompressedBytes: len(packed), CompressionType: uint8(typ)})
		}
	}
}
