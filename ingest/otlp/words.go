package otlp

import "strings"

// maxWords bounds the bytes of remembered strings.
const maxWords = 4 << 20

// words remembers strings that come again, so that they are allocated once.
type words struct {
	all   map[string]string
	bytes int
	join  []byte
}

// of gives b as a valid UTF-8 string: Collectors pass on what they were given,
// and not every store and reader takes other bytes.
func (w *words) of(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if s, ok := w.all[string(b)]; ok {
		return s
	}
	if w.all == nil {
		w.all = map[string]string{}
	}
	key := string(b)
	s := strings.ToValidUTF8(key, "\uFFFD")
	w.all[key] = s
	w.bytes += len(key) + 64 // two string headers and their place in the map
	return s
}

// joined gives a and b as one string.
func (w *words) joined(a, b string) string {
	w.join = append(append(w.join[:0], a...), b...)
	return w.of(w.join)
}

// trim forgets all when it became too much; what is needed comes back.
func (w *words) trim() {
	if w.bytes > maxWords {
		clear(w.all)
		w.bytes = 0
	}
}
