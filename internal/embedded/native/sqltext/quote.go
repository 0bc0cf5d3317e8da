package sqltext

import "strings"

var (
	quoter       = strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	nameQuoter   = strings.NewReplacer(`\`, `\\`, "`", "\\`")
	nameUnquoter = strings.NewReplacer("\\`", "`", `\"`, `"`, `\\`, `\`)
)

// Quote makes a string literal.
func Quote(s string) string { return "'" + quoter.Replace(s) + "'" }

// QuoteName makes a quoted identifier.
func QuoteName(s string) string { return "`" + nameQuoter.Replace(s) + "`" }

func unquoteName(s string) string {
	if len(s) > 1 && (s[0] == '`' || s[0] == '"') {
		return nameUnquoter.Replace(s[1 : len(s)-1])
	}
	return s
}

// PlainName reports an identifier that needs no quotes.
func PlainName(s string) bool {
	for i := range len(s) {
		if !isWord(s[i]) || s[i] >= 0x80 {
			return false
		}
	}
	return s != ""
}

// Undump reads a dumped string ('...' with escapes), the form parameters and
// custom settings have on the wire; anything else comes back as it is.
func Undump(s string) string {
	if len(s) < 2 || s[0] != '\'' || s[len(s)-1] != '\'' {
		return s
	}
	s = s[1 : len(s)-1]
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		if k := strings.IndexByte("ntr0bfav", s[i]); k >= 0 {
			b.WriteByte("\n\t\r\x00\b\f\a\v"[k])
		} else {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}
