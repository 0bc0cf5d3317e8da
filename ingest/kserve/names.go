package kserve

import "strconv"

// names keeps texts that come again and again, so that features of all records
// share theirs.
type names struct {
	known   map[string]string
	columns map[string][]string // by prefix: prefix[0], prefix[1] …
}

// maxNames bounds what is kept; producers of endless names cost time only.
const maxNames = 1 << 14

// maxColumns bounds the prefixes that are kept, each with as many columns as
// an instance may have features.
const maxColumns = 64

// trim forgets all if it has become too much. It is called between records.
func (n *names) trim() {
	if n.known == nil || len(n.known) > maxNames {
		n.known = map[string]string{}
	}
	if n.columns == nil || len(n.columns) > maxColumns {
		n.columns = map[string][]string{}
	}
}

func (n *names) intern(b []byte) string {
	if s, ok := n.known[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(n.known) <= maxNames {
		n.known[s] = s
	}
	return s
}

// join makes the name of a key inside an object.
func (n *names) join(prefix string, key []byte) string {
	if prefix == "" {
		return n.intern(key)
	}
	return prefix + "." + string(key)
}

// column names the i-th of several values. Its caller bounds i by
// [Limits.Features].
func (n *names) column(prefix string, i int) string {
	all := n.columns[prefix]
	if i < len(all) {
		return all[i]
	}
	name := prefix + "[" + strconv.Itoa(i) + "]"
	if i == len(all) && (i > 0 || len(n.columns) <= maxColumns) {
		n.columns[prefix] = append(all, name)
	}
	return name
}
