// Package sketch sums up values the way ClickHouse's aggregate functions do,
// and writes the binary states that ClickHouse merges. Ingest makes the states
// of a batch while its rows are at hand: a pass over values in the cache of one
// core costs a fraction of what a materialized view spends on the same rows,
// and the states are as mergeable as the view's.
//
// A digest is ClickHouse's t-digest (Dunning and Ertl, "Computing extremely
// accurate quantiles using t-digests", 2019): centroids of a mean and a weight.
// Here they are not grown value by value. Values are counted into fine bins of
// equal width, neighbours are joined while they stay lighter than their rank
// allows, and only bins that are too heavy are sorted. The merge is
// ClickHouse's own.
package sketch

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
)

// Centroid stands for Weight values around Mean.
type Centroid struct {
	Mean   float32
	Weight float32
}

// Summary of the values of one feature. NaN is no value.
type Summary struct {
	Present  uint64 // values
	Integers uint64 // of them without a fraction
	Sum      float64
	Squares  float64 // sum of squares
	Min, Max float32 // +Inf and -Inf without values
	Digest   []Centroid
}

// Maker makes summaries. Its memory serves the next one; it is not safe for
// concurrent use.
type Maker struct {
	levels [depth]level
	digest []Centroid
	weight float64 // of the centroids in digest
	total  float64
	run    uint64  // values that wait for a centroid
	sum    float64 // of them
}

// level is the memory of one division into bins.
type level struct {
	counts [bins]uint32
	sums   [bins]float64
	ends   [bins]uint32 // one more than where the next value of a heavy bin goes in heavy; 0 is a light bin
	heavy  []uint32     // values of the bins that are divided further, bin by bin
}

const (
	// bins is how many parts a range is cut into: as many as fit into a core's
	// first cache.
	bins = 1024
	// depth is how often a range is cut into bins before values are sorted.
	depth = 4
	// share is the largest part of all values that one centroid in the middle
	// stands for; towards both ends it shrinks with the rank, so that tails
	// stay sharp.
	share = 1. / 100
	// tail is how far from the ends shares are full: below rank 1/tail and
	// above 1-1/tail they shrink.
	tail = 16
	// few values are kept one by one.
	few = 256
	// sortable is up to where sorting is cheaper than bins.
	sortable = 512
)

// Of sums up values. The digest in it holds until the next call.
func (m *Maker) Of(values []float32) Summary {
	s := moments(values)
	m.digest, m.weight, m.total = m.digest[:0], 0, float64(s.Present)
	switch {
	case s.Present == 0:
	case s.Min == s.Max:
		m.equal(s.Min, s.Present)
	case s.Present <= sortable:
		m.sorted(keysOf(&m.levels[0], values))
	default:
		m.linear(values, s)
	}
	m.end()
	s.Digest = m.digest
	return s
}

func moments(values []float32) Summary {
	s := Summary{Min: float32(math.Inf(1)), Max: float32(math.Inf(-1))}
	for _, v := range values {
		if v != v { // NaN
			continue
		}
		s.Present++
		x := float64(v)
		s.Sum += x
		s.Squares += x * x
		s.Min, s.Max = min(s.Min, v), max(s.Max, v)
		if x == math.Trunc(x) {
			s.Integers++
		}
	}
	return s
}

// keyOf is an integer in the order of the values; -0 and 0 are one.
func keyOf(v float32) uint32 {
	b := math.Float32bits(v + 0)
	return b ^ (uint32(int32(b)>>31) | 1<<31)
}

func valueOf(key uint32) float32 {
	return math.Float32frombits(key ^ (uint32(int32(^key)>>31) | 1<<31))
}

func keysOf(l *level, values []float32) []uint32 {
	l.heavy = l.heavy[:0]
	for _, v := range values {
		if v == v {
			l.heavy = append(l.heavy, keyOf(v))
		}
	}
	return l.heavy
}

// allowed is the weight that a centroid may have which begins at a rank.
func (m *Maker) allowed(before float64) float64 {
	rank := before / m.total
	return max(1, m.total*share*min(1, min(rank, 1-rank)*tail+share))
}

// add takes n values, equal ones or neighbours, into the open centroid while
// it stays light enough. Values come in ascending order.
func (m *Maker) add(n uint64, sum float64) {
	if float64(m.run+n) > m.allowed(m.weight) || m.total <= few {
		m.end()
	}
	m.run += n
	m.sum += sum
}

// equal takes n values that are the same. Whoever reads a digest takes the
// weight of a centroid for spread out to its neighbours, so that many equal
// values have to be several centroids.
func (m *Maker) equal(value float32, n uint64) {
	if float64(m.run+n) <= m.allowed(m.weight) {
		m.add(n, float64(n)*float64(value))
		return
	}
	m.end()
	for n > 0 {
		part := min(n, uint64(m.allowed(m.weight)))
		m.add(part, float64(part)*float64(value))
		m.end()
		n -= part
	}
}

// end closes the open centroid.
func (m *Maker) end() {
	if m.run > 0 {
		m.digest = append(m.digest, Centroid{float32(m.sum / float64(m.run)), float32(m.run)})
		m.weight += float64(m.run)
		m.run, m.sum = 0, 0
	}
}

// linear cuts the range of values into bins of equal width.
func (m *Maker) linear(values []float32, s Summary) {
	l := &m.levels[0]
	l.reset()
	from := float64(s.Min)
	scale := (bins - 1) / (float64(s.Max) - from)
	for _, v := range values {
		if v == v {
			i := int((float64(v)-from)*scale) & (bins - 1)
			l.counts[i]++
			l.sums[i] += float64(v)
		}
	}
	if m.weigh(l) {
		for _, v := range values {
			if v == v {
				l.collect(int((float64(v)-from)*scale)&(bins-1), keyOf(v))
			}
		}
	}
	m.walk(l, 0)
}

// spread cuts the range of keys, which is finer the closer values are to 0.
func (m *Maker) spread(keys []uint32, at int) {
	low, high := slices.Min(keys), slices.Max(keys)
	if low == high {
		m.equal(valueOf(low), uint64(len(keys)))
		return
	}
	if len(keys) <= sortable || at == depth {
		m.sorted(keys)
		return
	}
	l := &m.levels[at]
	l.reset()
	shift := max(0, bits.Len32(high-low)-bits.Len32(bins-1))
	for _, k := range keys {
		i := (k - low) >> shift & (bins - 1)
		l.counts[i]++
		l.sums[i] += float64(valueOf(k))
	}
	if m.weigh(l) {
		for _, k := range keys {
			l.collect(int((k-low)>>shift&(bins-1)), k)
		}
	}
	m.walk(l, at)
}

// walk makes centroids of bins in their order.
func (m *Maker) walk(l *level, at int) {
	for i, n := range l.counts {
		switch end := l.ends[i]; {
		case n == 0:
		case end > 0:
			m.spread(l.heavy[end-1-n:end-1], at+1)
		default:
			m.add(uint64(n), l.sums[i])
		}
	}
}

func (l *level) reset() {
	clear(l.counts[:])
	clear(l.sums[:])
	clear(l.ends[:])
}

// weigh finds the bins that are too heavy for their rank, and makes room for
// their values. It tells whether there are any.
func (m *Maker) weigh(l *level) bool {
	before, room := m.weight+float64(m.run), uint32(0)
	for i, n := range l.counts {
		if n > 1 && float64(n) > m.allowed(before) {
			l.ends[i] = room + 1
			room += n
		}
		before += float64(n)
	}
	l.heavy = slices.Grow(l.heavy[:0], int(room))[:room]
	return room > 0
}

// collect puts a value of a heavy bin to the others.
func (l *level) collect(bin int, key uint32) {
	if at := l.ends[bin]; at > 0 {
		l.heavy[at-1] = key
		l.ends[bin]++
	}
}

// sorted makes centroids of a few values. Equal ones stay together.
func (m *Maker) sorted(keys []uint32) {
	slices.Sort(keys)
	for i := 0; i < len(keys); {
		k := i + 1
		for k < len(keys) && keys[k] == keys[i] {
			k++
		}
		m.equal(valueOf(keys[i]), uint64(k-i))
		i = k
	}
}

// The states of an array of features, as the ForEach combinator of ClickHouse
// writes them: the number of elements, then the state of each.

// AppendCounts writes the state of sumForEach over Array(UInt8).
func AppendCounts(b []byte, all []Summary, of func(*Summary) uint64) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(len(all)))
	for i := range all {
		b = binary.LittleEndian.AppendUint64(b, of(&all[i]))
	}
	return b
}

// AppendSums writes the state of sumForEach over Array(Float64).
func AppendSums(b []byte, all []Summary, of func(*Summary) float64) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(len(all)))
	for i := range all {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(of(&all[i])))
	}
	return b
}

// AppendExtremes writes the state of minForEach or maxForEach over
// Array(Float32).
func AppendExtremes(b []byte, all []Summary, of func(*Summary) float32) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(len(all)))
	for i := range all {
		b = append(b, 1) // there is a value
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(of(&all[i])))
	}
	return b
}

// AppendLen begins a state of n features: AppendDigest follows for each of them,
// or AppendMapLen and its counts.
func AppendLen(b []byte, n int) []byte {
	return binary.LittleEndian.AppendUint64(b, uint64(n))
}

// AppendMapLen begins one element of sumMapForEach over
// Array(Map(String, UInt64)), of n keys: AppendMapCount follows for each.
func AppendMapLen(b []byte, n int) []byte { return binary.AppendUvarint(b, uint64(n)) }

// AppendMapCount writes the count of one key. A map must have no key twice.
func AppendMapCount(b []byte, key []byte, n uint64) []byte {
	b = append(binary.AppendUvarint(b, uint64(len(key))), key...)
	return binary.LittleEndian.AppendUint64(b, n)
}

// AppendDigest writes one t-digest: an element of quantilesTDigestForEach over
// Array(Float32).
func AppendDigest(b []byte, digest []Centroid) []byte {
	b = binary.AppendUvarint(b, uint64(len(digest)))
	for _, c := range digest {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(c.Mean))
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(c.Weight))
	}
	return b
}
