package sqltext

import "strings"

// Insert is an INSERT whose rows come as blocks.
type Insert struct {
	Head     string   // up to the data: "INSERT INTO t (a, b) SETTINGS x = 1"
	Target   string   // what DESCRIBE TABLE takes
	Function bool     // the target is a table function
	Columns  []string // named columns, unquoted
	List     string   // the column list as written, if it is not plain names
}

// ParseInsert reports an INSERT that waits for blocks; ok is false for
// anything else, INSERT SELECT and INSERT with inline data included.
func ParseInsert(s string) (ins Insert, ok bool) {
	t := next(s, 0)
	if t.word != "INSERT" {
		return ins, false
	}
	if t = next(s, t.to); t.word != "INTO" {
		return ins, false
	}
	end := ins.target(s, next(s, t.to))
	if t = next(s, end); s[t.from:t.to] == "(" {
		if n := next(s, t.to); n.word == "SELECT" || n.word == "WITH" {
			return ins, false
		}
		end = bracket(s, t)
		ins.Columns, ins.List = columns(s[t.from+1 : max(t.from+1, end-1)])
	}
	head, waits := dataHead(s, end)
	ins.Head = s[:head]
	return ins, waits
}

// target reads the table or table function at t and returns where it ends.
func (ins *Insert) target(s string, t token) (end int) {
	if n := next(s, t.to); t.word == "TABLE" && s[n.from:n.to] != "." && s[n.from:n.to] != "(" {
		t = n
	}
	from, end := t.from, t.to
	if n := next(s, t.to); t.word == "FUNCTION" && n.word != "" {
		ins.Function = true
		from, end = n.from, bracket(s, next(s, n.to))
	} else {
		for n := next(s, end); s[n.from:n.to] == "."; n = next(s, end) {
			end = next(s, n.to).to
		}
	}
	ins.Target = s[from:end]
	return end
}

// dataHead looks from i on for what the INSERT takes its rows from. head is
// where the part before the data ends; waits is false if the statement brings
// its rows along.
func dataHead(s string, i int) (head int, waits bool) {
	head = i
	for t := next(s, i); !t.end(); t = next(s, t.to) {
		switch t.word {
		case "SELECT", "WITH", "FROM":
			return head, false
		case "VALUES", "FORMAT":
			rest := t.to
			if t.word == "FORMAT" {
				rest = next(s, t.to).to
			}
			return head, strings.Trim(s[rest:], " \t\r\n;") == ""
		}
		switch s[t.from:t.to] {
		case "(":
			t.to = bracket(s, t)
			head = t.to
		case ";":
		default:
			head = t.to
		}
	}
	return head, true
}

// columns splits a column list; anything but plain names comes back as text.
func columns(s string) (names []string, list string) {
	name := ""
	for t := next(s, 0); !t.end(); t = next(s, t.to) {
		switch c := s[t.from:t.to]; {
		case c == ",":
			names, name = append(names, name), ""
		case c == ".":
			name += "."
		case t.word != "" || c[0] == '`' || c[0] == '"':
			if name != "" && !strings.HasSuffix(name, ".") {
				return nil, s
			}
			name += unquoteName(c)
		default: // * EXCEPT (...)
			return nil, s
		}
	}
	if name != "" {
		names = append(names, name)
	}
	return names, ""
}
