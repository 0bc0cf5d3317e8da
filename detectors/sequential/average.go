package sequential

import "math"

// average is a running mean. A constant stream's is that constant exactly: no
// rounding gathers that could pass for a change.
type average struct {
	n    uint64
	mean float64
}

func (a *average) add(x float64) {
	a.n++
	a.mean += (x - a.mean) / float64(a.n)
}

func (a *average) fields(c *codec) {
	c.count(&a.n)
	c.finite(&a.mean)
}

// moments are a running mean and variance (B. P. Welford, Technometrics 1962).
type moments struct {
	average
	squares float64 // sum of squared deviations from the mean
}

func (m *moments) add(x float64) {
	before := x - m.mean
	m.average.add(x)
	m.squares += before * (x - m.mean)
}

// deviation is the sample's standard deviation (n−1), 0 of fewer than two values.
func (m *moments) deviation() float64 {
	if m.n < 2 {
		return 0
	}
	return math.Sqrt(max(0, m.squares) / float64(m.n-1))
}

func (m *moments) fields(c *codec) {
	m.average.fields(c)
	c.finite(&m.squares)
}

// smoothed is an exponentially weighted mean that begins at the first value.
type smoothed struct {
	begun bool
	mean  float64
}

func (s *smoothed) add(x, weight float64) {
	if !s.begun {
		s.begun, s.mean = true, x
		return
	}
	s.mean += weight * (x - s.mean)
}

func (s *smoothed) fields(c *codec) {
	c.flag(&s.begun)
	c.finite(&s.mean)
}
