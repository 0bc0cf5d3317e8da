package metricnames

import "strings"

// unit is one in which producers count, and its way to the base unit: times
// num, over den. One of the two is 1. Dividing by 100 and not multiplying by
// 0.01 keeps 57 % at 0.57.
type unit struct {
	name     string
	base     string
	num, den float64
}

func (u unit) convert(v float64) float64 { return v * u.num / u.den }
func (u unit) factor() float64           { return u.num / u.den }
func (u unit) isBase() bool              { return u.name == u.base }

// Units that tables name. Base units come first: they are those of canonical
// metrics.
const (
	ratio          = "ratio" // 0 to 1
	inBytes        = "bytes"
	bytesPerSecond = "bytes_per_second"
	seconds        = "seconds"
	celsius        = "celsius"
	watts          = "watts"
	joules         = "joules"
	hertz          = "hertz"
	number         = "count"      // of things
	perSecond      = "per_second" // of things
	code           = "code"       // an identifier, which no mean makes sense of
	bitmask        = "bitmask"
	zeroOrOne      = "flag" // 0 or 1

	percent      = "percent"
	kibibytes    = "KiB"
	mebibytes    = "MiB"
	gibibytes    = "GiB"
	milliseconds = "ms"
	microseconds = "us"
	nanoseconds  = "ns"
	milliwatts   = "mW"
	millijoules  = "mJ"
	megahertz    = "MHz"
)

var units = func() map[string]unit {
	all := map[string]unit{}
	for _, base := range []string{ratio, inBytes, bytesPerSecond, seconds, celsius, watts, joules, hertz, number, perSecond, code, bitmask, zeroOrOne} {
		all[base] = unit{base, base, 1, 1}
	}
	for _, u := range []unit{
		{percent, ratio, 1, 100},
		{kibibytes, inBytes, 1 << 10, 1},
		{mebibytes, inBytes, 1 << 20, 1},
		{gibibytes, inBytes, 1 << 30, 1},
		{"kB", inBytes, 1e3, 1},
		{"MB", inBytes, 1e6, 1},
		{"GB", inBytes, 1e9, 1},
		{milliseconds, seconds, 1, 1e3},
		{microseconds, seconds, 1, 1e6},
		{nanoseconds, seconds, 1, 1e9},
		{milliwatts, watts, 1, 1e3},
		{millijoules, joules, 1, 1e3},
		{"kHz", hertz, 1e3, 1},
		{megahertz, hertz, 1e6, 1},
		{"GHz", hertz, 1e9, 1},
	} {
		all[u.name] = u
	}
	return all
}()

// spellings of units in UCUM, which OpenTelemetry uses, and in plain English.
// "1" is missing on purpose: it is what is written when nobody thought of a
// unit.
var spellings = map[string]string{
	"%":  percent,
	"By": inBytes, "B": inBytes, "byte": inBytes, "KiBy": kibibytes, "MiBy": mebibytes, "GiBy": gibibytes,
	"kBy": "kB", "MBy": "MB", "GBy": "GB", "By/s": bytesPerSecond, "B/s": bytesPerSecond,
	"s": seconds, "sec": seconds, "second": seconds,
	"millisecond": milliseconds, "microsecond": microseconds, "µs": microseconds, "nanosecond": nanoseconds,
	"milliseconds": milliseconds, "microseconds": microseconds, "nanoseconds": nanoseconds,
	"C": celsius, "°C": celsius, "Cel": celsius,
	"W": watts, "watt": watts, "J": joules, "joule": joules, "Hz": hertz,
}

// stated is the unit that a sample gives, or the table's where it gives none
// or one that measures something else.
func stated(given, tables string) unit {
	known := units[tables]
	if given == "" || given == tables {
		return known
	}
	u, ok := units[given]
	if !ok {
		u, ok = units[spellings[given]]
	}
	if !ok {
		u, ok = units[spellings[strings.ToLower(given)]]
	}
	if ok && u.base == known.base {
		return u
	}
	return known
}
