package wire

import (
	"strconv"
	"strings"
	"sync"
)

// UnsupportedTypeError reports a type whose end cannot be found without
// decoding its values.
type UnsupportedTypeError struct{ Type string }

// Error implements the error interface.
func (e *UnsupportedTypeError) Error() string {
	return "type " + e.Type + " is not supported by the embedded ClickHouse endpoint"
}

// maxDepth bounds nested types. Real ones stay below ten.
const maxDepth = 64

var fixedSizes = map[string]int{
	"Int8": 1, "UInt8": 1, "Bool": 1, "Enum8": 1, "Nothing": 1,
	"Int16": 2, "UInt16": 2, "Date": 2, "Enum16": 2, "BFloat16": 2,
	"Int32": 4, "UInt32": 4, "Float32": 4, "Date32": 4, "DateTime": 4, "IPv4": 4, "Decimal32": 4, "Time": 4,
	"Int64": 8, "UInt64": 8, "Float64": 8, "DateTime64": 8, "Decimal64": 8, "Time64": 8,
	"Int128": 16, "UInt128": 16, "UUID": 16, "IPv6": 16, "Decimal128": 16,
	"Int256": 32, "UInt256": 32, "Decimal256": 32,
}

var aliases = map[string]string{
	"Point": "Tuple(Float64, Float64)", "Ring": "Array(Point)", "LineString": "Array(Point)",
	"Polygon": "Array(Ring)", "MultiLineString": "Array(LineString)", "MultiPolygon": "Array(Polygon)",
}

// known caches layouts by type name, since every block repeats its types. It
// is bounded because clients choose the names.
var known struct {
	sync.RWMutex
	layouts map[string]*layout
}

const maxKnown = 10_000

func layoutOf(typ string) (*layout, error) {
	known.RLock()
	l, ok := known.layouts[typ]
	known.RUnlock()
	if ok {
		return l, nil
	}
	l, err := parseType(typ, 0)
	if err != nil {
		return nil, err
	}
	known.Lock()
	defer known.Unlock()
	if known.layouts == nil || len(known.layouts) >= maxKnown {
		known.layouts = map[string]*layout{}
	}
	known.layouts[strings.Clone(typ)] = l
	return l, nil
}

func parseType(typ string, depth int) (*layout, error) {
	typ = strings.TrimSpace(typ)
	name, args := typ, ""
	if i := strings.IndexByte(typ, '('); i >= 0 && strings.HasSuffix(typ, ")") {
		name, args = typ[:i], typ[i+1:len(typ)-1]
	}
	if depth > maxDepth {
		return nil, &UnsupportedTypeError{typ}
	}
	if a, ok := aliases[name]; ok {
		return parseType(a, depth+1)
	}
	if n, ok := fixedSizes[name]; ok {
		return &layout{kind: fixed, size: n}, nil
	}
	if strings.HasPrefix(name, "Interval") {
		return &layout{kind: fixed, size: 8}, nil
	}
	switch name {
	case "String":
		return &layout{kind: text}, nil
	case "FixedString":
		if n, err := strconv.Atoi(strings.TrimSpace(args)); err == nil && n > 0 && n <= maxBytes {
			return &layout{kind: fixed, size: n}, nil
		}
	case "Decimal":
		p, _ := strconv.Atoi(splitArgs(args)[0])
		return &layout{kind: fixed, size: decimalSize(p)}, nil
	case "SimpleAggregateFunction":
		parts := splitArgs(args)
		return parseType(parts[len(parts)-1], depth+1)
	case "Nullable":
		return parent(nullable, depth, args)
	case "LowCardinality":
		return parent(lowCard, depth, dictionaryType(args))
	case "Array":
		return parent(array, depth, args)
	case "Map", "Nested":
		return parent(array, depth, "Tuple("+args+")")
	case "Tuple":
		return parseTuple(args, depth)
	}
	return nil, &UnsupportedTypeError{typ} // AggregateFunction, JSON, Dynamic, Variant, ...
}

// parent makes a layout over the types of its parts.
func parent(k kind, depth int, parts ...string) (*layout, error) {
	l := &layout{kind: k}
	for _, p := range parts {
		kid, err := parseType(p, depth+1)
		if err != nil {
			return nil, err
		}
		l.kids = append(l.kids, kid)
	}
	return l, nil
}

func parseTuple(args string, depth int) (*layout, error) {
	if strings.TrimSpace(args) == "" { // one placeholder byte a row
		return &layout{kind: fixed, size: 1}, nil
	}
	parts := splitArgs(args)
	for i, p := range parts {
		parts[i] = dropName(p)
	}
	return parent(tuple, depth, parts...)
}

// dictionaryType is the type of a LowCardinality's keys: that of
// LowCardinality(Nullable(T)) holds plain T.
func dictionaryType(args string) string {
	if in, ok := strings.CutPrefix(strings.TrimSpace(args), "Nullable("); ok {
		return strings.TrimSuffix(in, ")")
	}
	return args
}

// decimalSize is the width of a Decimal by its precision.
func decimalSize(precision int) int {
	switch {
	case precision <= 9:
		return 4
	case precision <= 18:
		return 8
	case precision <= 38:
		return 16
	}
	return 32
}

// separators calls at with the positions of sep outside brackets and quotes,
// until it says stop.
func separators(s string, sep byte, at func(i int) (stop bool)) {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\'' || c == '`' || c == '"':
			for i++; i < len(s) && s[i] != c; i++ {
				if s[i] == '\\' {
					i++
				}
			}
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == sep && depth == 0:
			if at(i) {
				return
			}
		}
	}
}

func splitArgs(s string) (parts []string) {
	from := 0
	separators(s, ',', func(i int) bool {
		parts, from = append(parts, strings.TrimSpace(s[from:i])), i+1
		return false
	})
	return append(parts, strings.TrimSpace(s[from:]))
}

// dropName turns "name Type" into "Type".
func dropName(s string) string {
	separators(s, ' ', func(i int) bool { s = s[i+1:]; return true })
	return s
}
