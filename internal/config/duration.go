package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// ParseDuration reads a duration as time.ParseDuration does, and days before
// the rest: "7d", "1d12h".
func ParseDuration(s string) (time.Duration, error) {
	days, rest, found := strings.Cut(s, "d")
	if !found {
		return parseRest(s)
	}
	n, err := strconv.ParseUint(days, 10, 16)
	if err != nil {
		return 0, errDuration
	}
	if rest == "" {
		rest = "0s"
	}
	d, err := parseRest(rest)
	if err != nil || d < 0 || time.Duration(n) > (math.MaxInt64-d)/day {
		return 0, errDuration
	}
	return time.Duration(n)*day + d, nil
}

var errDuration = fmt.Errorf("want a duration with a unit, such as 500ms, 30s, 5m, 12h or 7d")

func parseRest(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, errDuration
	}
	return d, nil
}

// FormatDuration writes a duration in the form that ParseDuration reads, as
// short as can be: whole days as "7d", and no trailing "0s".
func FormatDuration(d time.Duration) string {
	if d != 0 && d%day == 0 && d > 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
