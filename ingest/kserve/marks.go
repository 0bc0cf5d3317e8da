package kserve

// mark of a half while it is visible. It outlives the half's rows, since it
// tells repeats.
type mark struct {
	of       *visible
	kind     Kind
	offset   int64
	deadline int64 // record time in milliseconds at which it becomes invisible
	opened   bool
	answered bool
	half     *Half // while held
	bytes    int64 // of the half, while held

	age   int // place in ages
	links [3]link
}

// link of a mark in one of its lists.
type link struct{ before, after *mark }

// The lists in which a mark may be, all by offset.
const (
	inOrder = iota // of all marks
	inID           // of marks with the same id
	inHeld         // of marks whose half is held
)

// list of marks, linked through them.
type list struct{ first, last *mark }

func (l *list) push(which int, m *mark) {
	m.links[which] = link{before: l.last}
	if l.last == nil {
		l.first = m
	} else {
		l.last.links[which].after = m
	}
	l.last = m
}

func (l *list) remove(which int, m *mark) {
	at := m.links[which]
	if at.before == nil {
		l.first = at.after
	} else {
		at.before.links[which].after = at.after
	}
	if at.after == nil {
		l.last = at.before
	} else {
		at.after.links[which].before = at.before
	}
	m.links[which] = link{}
}

// visible are the marks of one id.
type visible struct {
	id    id
	marks list
	kinds [2]int // how many of each kind
}

// ages is a heap of marks by deadline: timestamps come in any order.
type ages []*mark

func (a ages) Len() int           { return len(a) }
func (a ages) Less(i, k int) bool { return a[i].deadline < a[k].deadline }
func (a ages) Swap(i, k int)      { a[i], a[k] = a[k], a[i]; a[i].age, a[k].age = i, k }

func (a *ages) Push(m any) {
	mark := m.(*mark)
	mark.age = len(*a)
	*a = append(*a, mark)
}

func (a *ages) Pop() any {
	last := len(*a) - 1
	m := (*a)[last]
	(*a)[last] = nil
	*a = (*a)[:last]
	return m
}
