package sequential

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"

	"gonum.org/v1/gonum/mathext/prng"
)

// sampler draws k of n positions without replacement, the same ones in the same
// order as Python's random.Random(seed).sample(range(n), k), so that results
// can be compared with libraries written in it.
type sampler struct {
	seed [1]uint32
	n    int
	rng  *prng.MT19937
	pool []int  // for large shares: positions still to be drawn
	used []bool // for small shares: positions already drawn
	out  []int
}

func newSampler(seed uint32, n, k int) *sampler {
	s := &sampler{seed: [1]uint32{seed}, n: n, rng: prng.NewMT19937(), out: make([]int, k)}
	// Python draws from a list when that is smaller than a set of k would be.
	set := 21.0
	if k > 5 {
		set += math.Pow(4, math.Ceil(math.Log(3*float64(k))/math.Log(4)))
	}
	if float64(n) <= set {
		s.pool = make([]int, n)
	} else {
		s.used = make([]bool, n)
	}
	return s
}

func (s *sampler) reset() { s.rng.SeedFromKeys(s.seed[:]) }

// sample draws; the result is valid until the next call.
func (s *sampler) sample() []int {
	if s.pool == nil {
		return s.fromSet()
	}
	for i := range s.pool {
		s.pool[i] = i
	}
	for i := range s.out {
		left := s.n - i
		j := s.below(left)
		s.out[i] = s.pool[j]
		s.pool[j] = s.pool[left-1]
	}
	return s.out
}

func (s *sampler) fromSet() []int {
	for i := range s.out {
		j := s.below(s.n)
		for s.used[j] {
			j = s.below(s.n)
		}
		s.used[j], s.out[i] = true, j
	}
	for _, j := range s.out {
		s.used[j] = false
	}
	return s.out
}

// below is a number under n, by the least bits that hold n.
func (s *sampler) below(n int) int {
	shift := 32 - bits.Len(uint(n))
	for {
		if v := int(s.rng.Uint32() >> shift); v < n {
			return v
		}
	}
}

// generatorWords is the length of the generator's state; the position follows it.
const generatorWords = 624

func (s *sampler) fields(c *codec) {
	if !c.reading {
		state, _ := s.rng.MarshalBinary() // it has no errors
		c.buf = append(c.buf, state...)
		return
	}
	state := c.take(4 * (generatorWords + 1))
	if state == nil {
		return
	}
	if err := s.rng.UnmarshalBinary(state); err != nil {
		c.fail("random numbers: %w", err)
	}
	if position := binary.BigEndian.Uint32(state[4*generatorWords:]); position > generatorWords {
		c.fail("random numbers at position %d of %d", position, generatorWords)
	}
	// A state of zeros gives zeros for ever; of the first word one bit counts.
	if state[0] < 0x80 && !slices.ContainsFunc(state[4:4*generatorWords], func(b byte) bool { return b != 0 }) {
		c.fail("random numbers without a state")
	}
}
