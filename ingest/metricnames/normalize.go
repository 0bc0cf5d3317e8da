package metricnames

import (
	"math"
	"strconv"
	"strings"

	"github.com/driftline/driftline/schemas"
)

// Reason says why a sample must not be stored. It is short and stable: a label
// of counters.
type Reason string

// What Normalize answers.
const (
	Kept      Reason = ""           // store the sample
	Blank     Reason = "blank"      // the producer's mark for "no value"
	NotFinite Reason = "not_finite" // NaN or an infinity, as given or after conversion
)

// The labels that keep what was renamed and converted.
const (
	RawName = "raw_name"
	RawUnit = "raw_unit"
)

// rule is what becomes of one raw name.
type rule struct {
	source *source
	name   string // canonical, with the suffix of a histogram's part
	unit   string // canonical
	raw    string // key of units: what the value comes in
	part   part
	cumul  bool // only ever grows
}

// part of a histogram or summary.
type part uint8

const (
	none     part = iota
	quantile      // the bare name of a summary
	bucket        // a count; the bound is in the label le
	sum
	count
)

// Normalize renames and converts a known sample, fills its columns from
// well-known labels, and says whether to keep it. Doing it twice does as once.
// A sample that is not kept is left as it was. The Labels of the sample must be
// its own, for they change.
//
// A unit stated by the sample beats the table's, provided that it measures the
// same: somebody converted and said so.
func Normalize(s *schemas.Sample) Reason {
	if !finite(s.Value) {
		return NotFinite
	}
	r, known := table[s.Metric]
	known = known && (r.source.applies == nil || r.source.applies(s))
	if strings.HasPrefix(s.Metric, "DCGM_") && blank(s.Value, r.cumul) {
		return Blank
	}
	if known {
		if !r.apply(s) {
			return NotFinite
		}
	}
	Columns(s)
	return Kept
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// apply reports false when the converted value is not finite.
func (r rule) apply(s *schemas.Sample) bool {
	if r.part == quantile && s.Labels["le"] != "" { // Triton's manual shows buckets without the suffix
		r.name, r.unit, r.part = r.name+"_bucket", number, bucket
	}
	from := stated(s.Unit, r.raw)
	value := s.Value
	if r.part != bucket && r.part != count {
		value = from.convert(value)
	}
	if !finite(value) {
		return false
	}
	if s.Labels == nil {
		s.Labels = make(map[string]string, 2)
	}
	s.Labels[RawName] = s.Metric
	if r.part == bucket {
		rebound(s.Labels, from)
	}
	if !from.isBase() && r.part != count {
		s.Labels[RawUnit] = from.name
	}
	if s.Source == "" {
		s.Source = r.source.name
	}
	s.Metric, s.Value, s.Unit = r.name, value, r.unit
	return true
}

// rebound converts the upper bound of a bucket along with the sums.
func rebound(labels map[string]string, from unit) {
	le, err := strconv.ParseFloat(labels["le"], 64)
	if err != nil || from.isBase() || !finite(le) || !finite(from.convert(le)) {
		return
	}
	labels["le"] = strconv.FormatFloat(from.convert(le), 'g', -1, 64)
}

// blank recognises the values by which DCGM says that there is none
// (dcgm_structs.h): 0x7ffffffffffffff0 and the 15 above it in 64 bits, 2^47 and
// the three above it in float64, 0x7ffffff0 and the 15 above it in 32 bits.
// Some exporters print them through float32 or with few digits, hence the
// margins. Counters can pass through the two smaller ones, and are 64-bit.
func blank(v float64, counter bool) bool {
	const int64Blank, fp64Blank, int32Blank = 9.2233e18, 1 << 47, 0x7ffffff0
	switch {
	case v >= int64Blank:
		return true
	case counter:
		return false
	case v >= fp64Blank && v <= fp64Blank+3:
		return true
	}
	return v >= int32Blank && v <= 1<<31
}
