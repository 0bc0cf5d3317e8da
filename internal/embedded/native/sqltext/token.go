// Package sqltext looks at just enough of a statement to route it. It is no
// parser: the engine judges what is valid. What it promises is to look through
// comments, quotes and brackets, and never to fail on any input.
package sqltext

import "strings"

// token is a lexical unit of a statement: s[from:to]. At the end of the
// statement from == to.
type token struct {
	from, to int
	word     string // upper case, for bare words
}

func (t token) end() bool { return t.from == t.to }

func isSpace(c byte) bool { return c <= ' ' }

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80
}

// next returns the token at or after i.
func next(s string, i int) token {
	for i < len(s) {
		switch {
		case isSpace(s[i]):
			i++
		case comment(s[i:]) > 0:
			i += comment(s[i:])
		case isWord(s[i]):
			j := i
			for j < len(s) && isWord(s[j]) {
				j++
			}
			return token{i, j, strings.ToUpper(s[i:j])}
		default:
			return token{i, i + max(1, quoted(s[i:])), ""}
		}
	}
	return token{i, i, ""}
}

// comment is the length of the comment that s starts with, 0 if none.
func comment(s string) int {
	end, from := "\n", 2
	switch {
	case strings.HasPrefix(s, "/*"):
		end = "*/"
	case strings.HasPrefix(s, "--"), strings.HasPrefix(s, "# "), strings.HasPrefix(s, "#!"):
	default:
		return 0
	}
	if n := strings.Index(s[from:], end); n >= 0 {
		return from + n + len(end)
	}
	return len(s)
}

// quoted is the length of the string or quoted name that s starts with, 0 if
// none. A doubled quote ends one and begins the next, which is as good here.
func quoted(s string) int {
	switch s[0] {
	case '\'', '"', '`':
		j := 1
		for j < len(s) && s[j] != s[0] {
			if s[j] == '\\' {
				j++
			}
			j++
		}
		return min(j+1, len(s))
	case '$': // $tag$ ... $tag$
		j := 1
		for j < len(s) && isWord(s[j]) {
			j++
		}
		if j == len(s) || s[j] != '$' {
			return 0
		}
		tag := s[:j+1]
		if n := strings.Index(s[len(tag):], tag); n >= 0 {
			return n + 2*len(tag)
		}
	}
	return 0
}

// bracket returns the end of the bracketed part that opens at t.
func bracket(s string, t token) int {
	for depth := 0; !t.end(); t = next(s, t.to) {
		switch s[t.from:t.to] {
		case "(":
			depth++
		case ")":
			if depth--; depth == 0 {
				return t.to
			}
		}
	}
	return len(s)
}
