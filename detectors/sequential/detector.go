package sequential

import (
	"fmt"
	"math"
)

// Status is what a detector makes of the values up to now.
type Status uint8

// The states, from the calmest.
const (
	None    Status = iota
	Warning        // a change may be under way
	Drift          // a change was found; the detector begins anew with the next value
)

// String is the state's name.
func (s Status) String() string {
	switch s {
	case None:
		return "none"
	case Warning:
		return "warning"
	case Drift:
		return "drift"
	}
	return fmt.Sprintf("Status(%d)", uint8(s))
}

// machine is the arithmetic of one method.
type machine interface {
	// step takes a value of the method's domain. A machine that answers Drift
	// has already begun anew.
	step(x float64) Status
	// reset forgets all values.
	reset()
	// fields names every field of the state to c, always in the same order,
	// which is the snapshot's. Reading refuses what step cannot work on.
	fields(c *codec)
}

// Detector is one method at work on one stream. Make it with New.
type Detector struct {
	entry   *Entry
	params  Params
	machine machine

	steps   uint64 // values taken
	refused uint64 // values outside the domain
}

// Name of the method, as in the register.
func (d *Detector) Name() string { return d.entry.Name }

// Entry of the register.
func (d *Detector) Entry() Entry { return *d.entry }

// Params are all parameters with their values.
func (d *Detector) Params() Params { return d.params.clone() }

// Step takes the next value. One outside the method's domain (NaN always is)
// is refused: it changes nothing but Refused, and the answer is None.
func (d *Detector) Step(x float64) Status {
	if !d.entry.Domain.Holds(x) {
		d.refused++
		return None
	}
	d.steps++
	return d.machine.step(x)
}

// Steps is the number of values taken since New or Reset.
func (d *Detector) Steps() uint64 { return d.steps }

// Refused is the number of values outside the domain since New or Reset.
func (d *Detector) Refused() uint64 { return d.refused }

// Reset forgets all values: the detector is as New made it.
func (d *Detector) Reset() {
	d.steps, d.refused = 0, 0
	d.machine.reset()
}

// Domain is the set of values that a method takes.
type Domain uint8

// The domains, from the smallest.
const (
	Bits Domain = iota // 0 and 1: 1 is an error
	Unit               // [0,1]: errors, or losses scaled into it
	Real               // any number up to ±1e100, beyond which squares overflow
)

// String is the domain in words.
func (d Domain) String() string {
	switch d {
	case Bits:
		return "0 or 1"
	case Unit:
		return "0 to 1"
	case Real:
		return "any number"
	}
	return fmt.Sprintf("Domain(%d)", uint8(d))
}

// largest is the largest absolute value of a Real.
const largest = 1e100

// Holds tells whether x is of the domain.
func (d Domain) Holds(x float64) bool {
	switch d {
	case Bits:
		return x == 0 || x == 1
	case Unit:
		return x >= 0 && x <= 1
	case Real:
		return math.Abs(x) <= largest
	}
	return false
}
