package ingest

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/cespare/xxhash/v2"

	"github.com/driftline/driftline/ingest/sketch"
	"github.com/driftline/driftline/schemas"
)

// groups are the parts of a batch that are summed up together: the events of
// one model version and segment in one minute.
type groups struct {
	of   []uint32 // group of each row
	list []group
	ids  map[groupKey]uint32

	last groupKey // of the newest row: runs of rows are of one group
}

type groupKey struct {
	layout  *layout
	segment string
	minute  int64
}

type group struct {
	groupKey
	rows int
}

// add puts the next row into its group.
func (g *groups) add(l *layout, segment []byte, minute int64) {
	if n := len(g.of); n > 0 && l == g.last.layout && minute == g.last.minute && string(segment) == g.last.segment {
		g.list[g.of[n-1]].rows++
		g.of = append(g.of, g.of[n-1])
		return
	}
	id, ok := g.ids[groupKey{l, string(segment), minute}] // does not allocate
	if !ok {
		if g.ids == nil {
			g.ids = map[groupKey]uint32{}
		}
		id = uint32(len(g.list))
		key := groupKey{l, string(segment), minute}
		g.ids[key] = id
		g.list = append(g.list, group{groupKey: key})
	}
	g.list[id].rows++
	g.of = append(g.of, id)
	g.last = g.list[id].groupKey
}

func (g *groups) reset() {
	clear(g.ids)
	clear(g.list)
	g.of, g.list, g.last = g.of[:0], g.list[:0], groupKey{}
}

// minutes names the groups.
func (g *groups) minutes() []schemas.Minute {
	out := make([]schemas.Minute, len(g.list))
	for i := range g.list {
		key := &g.list[i].layout.schema.Key
		out[i] = schemas.Minute{SchemaKey: *key, Segment: g.list[i].segment, Minute: g.list[i].minute}
	}
	return out
}

// needs counts the rows of each minute. A batch may have one in two groups,
// when it forgot a model version in between.
func (g *groups) needs() map[schemas.Minute]int64 {
	out := map[schemas.Minute]int64{}
	for i, m := range g.minutes() {
		out[m] += int64(g.list[i].rows)
	}
	return out
}

// owed picks the groups that a table of summaries lacks.
type owed func(table string, g *groups) ([]bool, error)

// lacking picks the groups that go into each table; nil is all of them.
type lacking struct{ states, counts []bool }

// derived is a block that follows from the rows of a batch.
type derived struct {
	table string
	block proto.Input
}

// summarizer makes the states and counts of a batch. Its memory is large and
// serves one batch after the other, of any partition.
type summarizer struct {
	maker  sketch.Maker
	order  []uint32 // rows, group by group
	ends   []uint32 // of the groups in order
	tile   []float32
	sums   []sketch.Summary
	digest []byte // states of the group in hand
	dense  []uint32
	seen   []uint32

	states stateColumns
	counts countColumns
}

// keyColumns are what both tables begin with.
type keyColumns struct {
	tenant, model, version, segment words
	minute                          proto.ColDateTime
}

func newKeyColumns() keyColumns { return keyColumns{minute: proto.ColDateTime{Location: time.UTC}} }

func (k *keyColumns) input() proto.Input {
	return proto.Input{
		{Name: "tenant", Data: &k.tenant},
		{Name: "model", Data: &k.model},
		{Name: "version", Data: &k.version},
		{Name: "segment", Data: &k.segment},
		{Name: "minute", Data: &k.minute},
	}
}

func (k *keyColumns) append(g *group) {
	key := &g.layout.schema.Key
	k.tenant.append(g.layout.tenant)
	k.model.append([]byte(key.Model))
	k.version.append([]byte(key.Version))
	k.segment.append([]byte(g.segment))
	k.minute.Append(time.Unix(g.minute*60, 0))
}

// stateColumns are rows of feature_states: the states of feature_sketches_1m as
// bytes.
type stateColumns struct {
	keyColumns
	rows                                        proto.ColUInt64
	present, integers, sums, squares, low, high proto.ColStr
	quantiles                                   proto.ColStr
}

func (c *stateColumns) input() proto.Input {
	return append(c.keyColumns.input(),
		proto.InputColumn{Name: "rows", Data: &c.rows},
		proto.InputColumn{Name: "present", Data: &c.present},
		proto.InputColumn{Name: "integers", Data: &c.integers},
		proto.InputColumn{Name: "sums", Data: &c.sums},
		proto.InputColumn{Name: "squares", Data: &c.squares},
		proto.InputColumn{Name: "minima", Data: &c.low},
		proto.InputColumn{Name: "maxima", Data: &c.high},
		proto.InputColumn{Name: "quantiles", Data: &c.quantiles},
	)
}

// countColumns are rows of category_counts_1m.
type countColumns struct {
	keyColumns
	position proto.ColUInt16
	value    words
	rows     proto.ColUInt64
}

func (c *countColumns) input() proto.Input {
	return append(c.keyColumns.input(),
		proto.InputColumn{Name: "position", Data: &c.position},
		proto.InputColumn{Name: "value", Data: &c.value},
		proto.InputColumn{Name: "rows", Data: &c.rows},
	)
}

func resetAll(in proto.Input) {
	for _, col := range in {
		col.Data.(proto.Resettable).Reset()
	}
}

// summarize makes the blocks that follow from the rows in c. They hold until
// the next call.
func (s *summarizer) summarize(c *eventColumns, lack lacking) []derived {
	states, counts := s.states.input(), s.counts.input()
	resetAll(states)
	resetAll(counts)
	s.sort(&c.groups)
	from := uint32(0)
	for i := range c.groups.list {
		rows := s.order[from:s.ends[i]]
		if lack.states == nil || lack.states[i] {
			s.features(c, &c.groups.list[i], rows)
		}
		if lack.counts == nil || lack.counts[i] {
			s.categories(c, &c.groups.list[i], rows)
		}
		from = s.ends[i]
	}
	// States come last: they tell how many rows a window has, of which a reader must not miss categories.
	return []derived{{"category_counts_1m", counts}, {"feature_states", states}}
}

func newSummarizer() *summarizer {
	return &summarizer{states: stateColumns{keyColumns: newKeyColumns()}, counts: countColumns{keyColumns: newKeyColumns()}}
}

// sort puts the rows of each group together, in their order.
func (s *summarizer) sort(g *groups) {
	s.order = slices.Grow(s.order[:0], len(g.of))[:len(g.of)]
	s.ends = s.ends[:0]
	at := uint32(0)
	for i := range g.list {
		s.ends = append(s.ends, at)
		at += uint32(g.list[i].rows)
	}
	for row, id := range g.of {
		s.order[s.ends[id]] = uint32(row)
		s.ends[id]++
	}
}

// tileSize is how many values are turned from rows to features at once: what
// fits into a core's second cache.
const tileSize = 128 << 10

// features appends the states of a group's numeric features.
func (s *summarizer) features(c *eventColumns, g *group, rows []uint32) {
	offsets, values := c.num.Offsets, *c.num.Data.(*proto.ColFloat32)
	width := 0
	for _, row := range rows {
		width = max(width, int(offsets[row]-start(offsets, row)))
	}
	s.sums = s.sums[:0]
	s.digest = sketch.AppendDigestsHead(s.digest[:0], width)
	step := max(1, tileSize/len(rows))
	for from := 0; from < width; from += step {
		to := min(width, from+step)
		s.tile = slices.Grow(s.tile[:0], (to-from)*len(rows))[:(to-from)*len(rows)]
		for k, row := range rows {
			all := values[start(offsets, row):offsets[row]]
			for i := from; i < to; i++ {
				v := float32(math.NaN())
				if i < len(all) {
					v = all[i]
				}
				s.tile[(i-from)*len(rows)+k] = v
			}
		}
		for i := range to - from {
			sum := s.maker.Of(s.tile[i*len(rows) : (i+1)*len(rows)])
			s.digest = sketch.AppendDigest(s.digest, sum.Digest)
			sum.Digest = nil // the next one overwrites it
			s.sums = append(s.sums, sum)
		}
	}
	s.appendStates(g, len(rows))
}

func start(offsets proto.ColUInt64, row uint32) uint64 {
	if row == 0 {
		return 0
	}
	return offsets[row-1]
}

func (s *summarizer) appendStates(g *group, rows int) {
	c := &s.states
	c.append(g)
	c.rows.Append(uint64(rows))
	buf := func(col *proto.ColStr, state func(b []byte) []byte) {
		from := len(col.Buf)
		col.Buf = state(col.Buf)
		col.Pos = append(col.Pos, proto.Position{Start: from, End: len(col.Buf)})
	}
	buf(&c.present, func(b []byte) []byte {
		return sketch.AppendCounts(b, s.sums, func(f *sketch.Summary) uint64 { return f.Present })
	})
	buf(&c.integers, func(b []byte) []byte {
		return sketch.AppendCounts(b, s.sums, func(f *sketch.Summary) uint64 { return f.Integers })
	})
	buf(&c.sums, func(b []byte) []byte {
		return sketch.AppendSums(b, s.sums, func(f *sketch.Summary) float64 { return f.Sum })
	})
	buf(&c.squares, func(b []byte) []byte {
		return sketch.AppendSums(b, s.sums, func(f *sketch.Summary) float64 { return f.Squares })
	})
	buf(&c.low, func(b []byte) []byte {
		return sketch.AppendExtremes(b, s.sums, func(f *sketch.Summary) float32 { return f.Min })
	})
	buf(&c.high, func(b []byte) []byte {
		return sketch.AppendExtremes(b, s.sums, func(f *sketch.Summary) float32 { return f.Max })
	})
	c.quantiles.AppendBytes(s.digest)
}

// categories appends how often each category of a group's features came.
func (s *summarizer) categories(c *eventColumns, g *group, rows []uint32) {
	offsets, keys, dict := c.cat.offsets, c.cat.words.keys, &c.cat.words.dict
	width := 0
	for _, row := range rows {
		width = max(width, int(offsets[row]-start(offsets, row)))
	}
	if n := dict.Rows(); len(s.dense) < n {
		s.dense = make([]uint32, n)
	}
	for i := range width {
		s.seen = s.seen[:0]
		for _, row := range rows {
			if at := start(offsets, row) + uint64(i); at < offsets[row] {
				id := keys[at]
				if s.dense[id] == 0 {
					s.seen = append(s.seen, id)
				}
				s.dense[id]++
			}
		}
		s.appendCounts(c, g, i)
	}
}

// appendCounts appends the counts of the categories in seen and empties dense.
// Of very many categories the same ones are kept in every batch, by their hash,
// and the others counted together.
func (s *summarizer) appendCounts(c *eventColumns, g *group, position int) {
	dict, limit := &c.cat.words.dict, c.in.cfg.MaxCategories
	others := uint64(0)
	if len(s.seen) > limit {
		slices.SortFunc(s.seen, func(a, b uint32) int {
			return cmp.Compare(xxhash.Sum64(dict.RowBytes(int(a))), xxhash.Sum64(dict.RowBytes(int(b))))
		})
		for _, id := range s.seen[limit:] {
			others += uint64(s.dense[id])
			s.dense[id] = 0
		}
		c.in.crowded(c.topic, g.layout.schema, position, len(s.seen))
		s.seen = s.seen[:limit]
	}
	add := func(value []byte, rows uint64) {
		s.counts.append(g)
		s.counts.position.Append(uint16(position))
		s.counts.value.append(value)
		s.counts.rows.Append(rows)
	}
	for _, id := range s.seen {
		add(dict.RowBytes(int(id)), uint64(s.dense[id]))
		s.dense[id] = 0
	}
	if others > 0 {
		add([]byte(schemas.OtherCategories), others)
	}
}
