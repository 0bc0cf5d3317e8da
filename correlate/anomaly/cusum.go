package anomaly

// CUSUM watches standardised values for a shift up or down, value by value
// (Page 1954): S⁺ = max(0, S⁺ + z − K), S⁻ = max(0, S⁻ − z − K), an alarm above
// H. The zero value with K and H set is ready.
type CUSUM struct {
	K float64 // half the shift that is looked for, in deviations
	H float64 // alarm above

	n                  int
	up, down           float64
	upSince, downSince int
}

// DefaultCUSUM looks for shifts of a deviation and more, with one false alarm in
// about 10,000 independent normal values.
func DefaultCUSUM() CUSUM { return CUSUM{K: 0.5, H: 8} }

// Step takes the next value; +1 and −1 are alarms of a shift up and down.
func (c *CUSUM) Step(z float64) int {
	c.up, c.down = c.up+z-c.K, c.down-z-c.K
	if c.up <= 0 {
		c.up, c.upSince = 0, c.n+1
	}
	if c.down <= 0 {
		c.down, c.downSince = 0, c.n+1
	}
	c.n++
	switch {
	case c.up > c.H && c.up >= c.down:
		return 1
	case c.down > c.H:
		return -1
	default:
		return 0
	}
}

// Onset is the number, from 0, of the value at which the shift in a direction
// began: the one after the sum was last 0.
func (c *CUSUM) Onset(direction int) int {
	if direction < 0 {
		return c.downSince
	}
	return c.upSince
}
