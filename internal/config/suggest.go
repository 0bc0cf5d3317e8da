package config

import (
	"strings"

	"github.com/agnivade/levenshtein"
)

// Nearest is the candidate that a mistyped name most likely meant, empty when
// none is near.
func Nearest(name string, candidates []string) string { return nearest(name, candidates) }

// nearest is the candidate that a mistyped key most likely meant, empty when
// none is near: at most a third of the letters may differ, and at least two.
func nearest(key string, candidates []string) string {
	best, least := "", max(2, len(key)/3)+1
	folded := fold(key)
	for _, c := range candidates {
		if d := levenshtein.ComputeDistance(folded, fold(c)); d < least && d < len(c) {
			best, least = c, d
		}
	}
	return best
}

// fold makes flushInterval, flush-interval and flush_interval alike.
func fold(key string) string {
	return strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(key))
}

func unknownKey(near string, valid []string) string {
	if near != "" {
		return `unknown key; did you mean "` + near + `"?`
	}
	if len(valid) == 0 {
		return "unknown key; none is valid here"
	}
	return "unknown key; valid keys: " + strings.Join(valid, ", ")
}
