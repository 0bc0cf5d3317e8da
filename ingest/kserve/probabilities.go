package kserve

import (
	"math"
	"strconv"

	"github.com/valyala/fastjson"
)

// sumTolerance is how far probabilities may add up beside 1: a thousand halves
// of 11 bits are each off by 2^-12 of themselves, and some models round to two
// digits.
const sumTolerance = 0.01

// simplex tells whether numbers are probabilities, and which is the highest,
// the first one of equals.
type simplex struct {
	n, top  int
	sum     float64
	highest float64
	broken  bool
}

func (s *simplex) add(v *fastjson.Value) {
	p, err := v.Float64()
	if err != nil || !(p >= 0 && p <= 1) {
		s.broken = true
		return
	}
	if s.n == 0 || p > s.highest {
		s.top, s.highest = s.n, p
	}
	s.sum += p
	s.n++
}

func (s *simplex) ok() bool {
	return !s.broken && s.n > 1 && math.Abs(s.sum-1) <= sumTolerance
}

// probabilities takes the values if they are probabilities of classes.
func (a *answer) probabilities(leaves []*fastjson.Value) bool {
	var s simplex
	for _, v := range leaves {
		if s.add(v); s.broken {
			return false
		}
	}
	if !s.ok() {
		return false
	}
	a.top, a.topClass = &s.highest, strconv.Itoa(s.top)
	return true
}

// classes takes an object if it gives probabilities by class.
func (a *answer) classes(o *fastjson.Object) bool {
	if a.top != nil {
		return false
	}
	var s simplex
	var class string
	o.Visit(func(key []byte, v *fastjson.Value) {
		if s.broken {
			return
		}
		if s.add(v); !s.broken && s.top == s.n-1 {
			class = string(key)
		}
	})
	if !s.ok() {
		return false
	}
	a.top, a.topClass = &s.highest, class
	return true
}
