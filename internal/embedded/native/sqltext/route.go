package sqltext

// Word is the statement's first word, upper case ("(" for a bracket).
func Word(s string) string {
	t := next(s, 0)
	if t.word == "" {
		return s[t.from:t.to]
	}
	return t.word
}

// IsSelect reports a statement that yields rows as a SELECT does.
func IsSelect(s string) bool {
	switch Word(s) {
	case "SELECT", "WITH", "(", "FROM":
		return true
	}
	return false
}

// HasResult reports a statement other than SELECT that yields rows, for which
// a client expects a header even if there are none.
func HasResult(s string) bool {
	switch Word(s) {
	case "SHOW", "DESCRIBE", "DESC", "EXISTS", "EXPLAIN", "CHECK", "KILL":
		return true
	}
	return false
}

// MayChangeTables reports a statement after which a table may have other
// columns, or a name mean another table. When in doubt it says yes.
func MayChangeTables(s string) bool {
	switch Word(s) {
	case "SET", "USE":
		return false
	case "INSERT":
		return Multiple(s)
	}
	return !IsSelect(s) && !HasResult(s)
}

// Multiple reports more than one statement. Inline data of an INSERT may look
// like one.
func Multiple(s string) bool {
	depth := 0
	for t := next(s, 0); !t.end(); t = next(s, t.to) {
		switch s[t.from:t.to] {
		case "(", "[", "{":
			depth++
		case ")", "]", "}":
			depth--
		case ";":
			if n := next(s, t.to); depth == 0 && !n.end() && s[n.from:n.to] != ";" {
				return true
			}
		}
	}
	return false
}

// Trim drops what the native protocol leaves to the client: the final ";" and
// FORMAT clause. The data of an INSERT is left alone.
func Trim(s string) string {
	if Word(s) == "INSERT" {
		return s
	}
	depth, format, end := 0, -1, 0
	var prev token
	for t := next(s, 0); !t.end(); t = next(s, t.to) {
		switch s[t.from:t.to] {
		case "(", "[":
			depth++
		case ")", "]":
			depth--
		case ";":
			if depth == 0 && next(s, t.to).end() {
				continue
			}
		}
		if prev.word == "FORMAT" && depth == 0 && t.word != "" && format < 0 {
			if n := next(s, t.to); n.end() || s[n.from:n.to] == ";" {
				format = prev.from
			}
		}
		prev, end = t, t.to
	}
	if format >= 0 {
		return s[:format]
	}
	return s[:end]
}
