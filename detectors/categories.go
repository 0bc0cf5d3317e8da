package detectors

import (
	"fmt"
	"slices"

	"github.com/driftline/driftline/schemas"
)

// tally is one category with its counts in the reference and in the window.
type tally struct {
	value    string
	ref, cur float64
}

// tallies joins the ascending categories of two summaries.
func tallies(ref, cur *schemas.Summary) []tally {
	out := make([]tally, 0, max(len(ref.Categories), len(cur.Categories)))
	a, b := ref.Categories, cur.Categories
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].Value < b[0].Value:
			out = append(out, tally{a[0].Value, float64(a[0].Count), 0})
			a = a[1:]
		case len(a) == 0 || b[0].Value < a[0].Value:
			out = append(out, tally{b[0].Value, 0, float64(b[0].Count)})
			b = b[1:]
		default:
			out = append(out, tally{a[0].Value, float64(a[0].Count), float64(b[0].Count)})
			a, b = a[1:], b[1:]
		}
	}
	return out
}

// totals are the rows with a value, 0 for both when either has none.
func totals(ts []tally) (n, m float64) {
	for _, t := range ts {
		n, m = n+t.ref, m+t.cur
	}
	if n == 0 || m == 0 {
		return 0, 0
	}
	return n, m
}

// pooled joins categories too rare for a χ² approximation, those with fewer
// than five rows expected on either side, into one; that one, if it is still
// too rare, takes in the next rarest.
func pooled(ts []tally, n, m float64) []tally {
	least := 5 * (n + m) / min(n, m) // total count that expects five on the smaller side
	sorted := slices.Clone(ts)
	slices.SortStableFunc(sorted, func(a, b tally) int {
		switch x, y := a.ref+a.cur, b.ref+b.cur; {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	var rest tally
	k := 0
	for k < len(sorted) && (sorted[k].ref+sorted[k].cur < least || rest.ref+rest.cur > 0 && rest.ref+rest.cur < least) {
		rest.ref += sorted[k].ref
		rest.cur += sorted[k].cur
		k++
	}
	if k == 0 {
		return sorted
	}
	return append(sorted[k:], rest)
}

// widest is the category whose share moved most, the first by name of equals.
func widest(ts []tally, n, m float64) (at tally, gap float64) {
	for _, t := range ts {
		if d := abs(t.ref/n - t.cur/m); d > gap {
			at, gap = t, d
		}
	}
	return at, gap
}

// shifted is the clause about the category whose share moved most.
func shifted(ts []tally, n, m float64) string {
	at, gap := widest(ts, n, m)
	if gap == 0 {
		return "shares as before"
	}
	return fmt.Sprintf("%s went from %s to %s", quoted(at.value), percent(at.ref/n), percent(at.cur/m))
}

func abs(x float64) float64 {
	if x < 0 {
		return -x
	}
	return x
}
