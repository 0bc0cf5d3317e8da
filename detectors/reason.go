package detectors

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/driftline/driftline/schemas"
)

// reason is the one sentence of a signal that was computed.
func reason(d *Detector, s *schemas.Signal, detail string, level float64) string {
	sign := "<"
	if s.Score >= s.Threshold {
		sign = "≥"
	}
	if s.Feature != "" {
		detail = featureName(s.Feature) + " " + detail
	}
	text := fmt.Sprintf("%s %s %s %s: %s (n=%s vs %s), p%s", d.Title, number(s.Score), sign, number(s.Threshold), detail, count(s.NWindow), count(s.NReference), chance(s.PValue))
	if s.Score >= s.Threshold && s.PValue > level {
		text += fmt.Sprintf(", not significant at %s", number(level))
	}
	return text
}

// tooFew is the reason of a signal without enough rows.
func tooFew(d *Detector, s *schemas.Signal, least uint64) string {
	side, n := "window", s.NWindow
	if n >= least {
		side, n = "reference", s.NReference
	}
	return fmt.Sprintf("%s of %s needs %s rows, the %s has %s", d.Title, featureName(s.Feature), count(least), side, count(n))
}

// featureName quotes a feature; the detectors over rows look at several.
func featureName(name string) string {
	if name == "" {
		return "all features"
	}
	return "'" + name + "'"
}

// number shows three significant digits.
func number(v float64) string { return strconv.FormatFloat(v, 'g', 3, 64) }

// chance shows a p-value with its relation; below the smallest float it is not 0.
func chance(p float64) string {
	if p < 1e-300 {
		return "<1e-300"
	}
	return "=" + number(p)
}

// percent shows a share, with enough digits to tell small ones from none.
func percent(share float64) string { return number(100*share) + "%" }

// quoted shows a category, cut to a length that a sentence bears.
func quoted(value string) string {
	if r := []rune(value); len(r) > 40 {
		value = string(r[:39]) + "…"
	}
	return strconv.Quote(value)
}

// count shows a whole number in groups of three.
func count(n uint64) string {
	s := strconv.FormatUint(n, 10)
	var b strings.Builder
	for i, c := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	return b.String()
}
