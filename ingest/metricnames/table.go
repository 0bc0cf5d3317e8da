package metricnames

import (
	"maps"
	"slices"
	"strings"

	"github.com/driftline/driftline/schemas"
)

// kind of a raw metric.
type kind uint8

const (
	gauge     kind = iota
	counter        // also accepted with _total, which some exporters add or leave out
	histogram      // or summary: with its parts _bucket, _sum and _count
)

var kindNames = map[kind]string{gauge: "gauge", counter: "counter", histogram: "histogram"}

// entry says what a raw name means.
type entry struct {
	name string // canonical
	unit string // of the raw value: a key of units
	kind kind
}

// source is a producer of telemetry and its names.
type source struct {
	name    string
	about   string // for the manual
	prefix  string // of names that are also written with each of others instead
	others  []string
	applies func(*schemas.Sample) bool // nil is always; for names that anybody could use
	entries map[string]entry
}

// sources in the order of the manual.
var sources = []*source{&dcgm, &nvidiaSMI, &triton, &vllm, &torchServe, &kserve, &ray, &openTelemetry}

// table has every raw name in each of its spellings.
var table, conflicts = expand(sources)

// expand also lists names with two meanings; a test wants none.
func expand(from []*source) (map[string]rule, []string) {
	all := map[string]rule{}
	var twice []string
	for _, src := range from {
		for raw, e := range src.entries {
			for _, name := range src.spellings(raw) {
				if e.kind == counter {
					name = strings.TrimSuffix(name, "_total")
				}
				for part, r := range e.rules(src) {
					if _, ok := all[name+part]; ok {
						twice = append(twice, name+part)
					}
					all[name+part] = r
				}
			}
		}
	}
	slices.Sort(twice)
	return all, twice
}

func (src *source) spellings(raw string) []string {
	names := []string{raw}
	if rest, ok := strings.CutPrefix(raw, src.prefix); ok {
		for _, other := range src.others {
			names = append(names, other+rest)
		}
	}
	return names
}

// rules of an entry by the suffix of the raw name.
func (e entry) rules(src *source) map[string]rule {
	r := rule{source: src, name: e.name, unit: units[e.unit].base, raw: e.unit, cumul: e.kind == counter}
	switch e.kind {
	case counter:
		return map[string]rule{"": r, "_total": r}
	case histogram:
		part := func(suffix, unit string, p part) rule {
			r := r
			r.name, r.unit, r.part = r.name+suffix, unit, p
			return r
		}
		return map[string]rule{
			"": part("", r.unit, quantile), "_sum": part("_sum", r.unit, sum),
			"_bucket": part("_bucket", number, bucket), "_count": part("_count", number, count),
		}
	case gauge:
	}
	return map[string]rule{"": r}
}

// sorted names of a source's entries.
func (src *source) sorted() []string { return slices.Sorted(maps.Keys(src.entries)) }
