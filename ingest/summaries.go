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

// owed picks the groups whose states the store lacks.
type owed func(g *groups) ([]bool, error)

// derived is a block that follows from the rows of a batch.
type derived struct {
	table string
	block proto.Input
}

// summarizer makes the states of a batch. Its memory is large and
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
}

// stateColumns are rows of feature_states: the states of feature_sketches_1m as
// bytes.
type stateColumns struct {
	tenant, model, version, segment             words
	minute                                      proto.ColDateTime
	rows                                        proto.ColUInt64
	present, integers, sums, squares, low, high proto.ColStr
	quantiles, categories                       proto.ColStr
}

func (c *stateColumns) input() proto.Input {
	return proto.Input{
		{Name: "tenant", Data: &c.tenant},
		{Name: "model", Data: &c.model},
		{Name: "version", Data: &c.version},
		{Name: "segment", Data: &c.segment},
		{Name: "minute", Data: &c.minute},
		{Name: "rows", Data: &c.rows},
		{Name: "present", Data: &c.present},
		{Name: "integers", Data: &c.integers},
		{Name: "sums", Data: &c.sums},
		{Name: "squares", Data: &c.squares},
		{Name: "minima", Data: &c.low},
		{Name: "maxima", Data: &c.high},
		{Name: "quantiles", Data: &c.quantiles},
		{Name: "categories", Data: &c.categories},
	}
}

func (c *stateColumns) append(g *group) {
	key := &g.layout.schema.Key
	c.tenant.append(g.layout.tenant)
	c.model.append([]byte(key.Model))
	c.version.append([]byte(key.Version))
	c.segment.append([]byte(g.segment))
	c.minute.Append(time.Unix(g.minute*60, 0))
	c.rows.Append(uint64(g.rows))
}

func resetAll(in proto.Input) {
	for _, col := range in {
		col.Data.(proto.Resettable).Reset()
	}
}

// summarize makes the block that follows from the rows in c, of the groups that
// are lacking, or of all with nil. It holds until the next call.
func (s *summarizer) summarize(c *eventColumns, lacking []bool) derived {
	states := s.states.input()
	resetAll(states)
	s.sort(&c.groups)
	from := uint32(0)
	for i := range c.groups.list {
		if g, rows := &c.groups.list[i], s.order[from:s.ends[i]]; lacking == nil || lacking[i] {
			s.states.append(g)
			s.features(c, rows)
			s.categories(c, g, rows)
		}
		from = s.ends[i]
	}
	return derived{"feature_states", states}
}

func newSummarizer() *summarizer {
	return &summarizer{states: stateColumns{minute: proto.ColDateTime{Location: time.UTC}}}
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
func (s *summarizer) features(c *eventColumns, rows []uint32) {
	offsets, values := c.num.Offsets, *c.num.Data.(*proto.ColFloat32)
	width := 0
	for _, row := range rows {
		width = max(width, int(offsets[row]-start(offsets, row)))
	}
	s.sums = s.sums[:0]
	s.digest = sketch.AppendLen(s.digest[:0], width)
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
	s.appendStates()
}

func start(offsets proto.ColUInt64, row uint32) uint64 {
	if row == 0 {
		return 0
	}
	return offsets[row-1]
}

func (s *summarizer) appendStates() {
	c := &s.states
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
	col := &s.states.categories
	from := len(col.Buf)
	col.Buf = sketch.AppendLen(col.Buf, width)
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
		col.Buf = s.appendCounts(col.Buf, c, g, i)
	}
	col.Pos = append(col.Pos, proto.Position{Start: from, End: len(col.Buf)})
}

// appendCounts appends the counts of the categories in seen and empties dense.
// Of very many categories the same ones are kept in every batch, by their hash,
// and the others counted together.
func (s *summarizer) appendCounts(b []byte, c *eventColumns, g *group, position int) []byte {
	dict, limit := &c.cat.words.dict, c.in.cfg.MaxCategories
	others := uint64(0)
	if len(s.seen) > limit {
		slices.SortFunc(s.seen, func(a, b uint32) int {
			return cmp.Compare(xxhash.Sum64(dict.RowBytes(int(a))), xxhash.Sum64(dict.RowBytes(int(b))))
		})
		c.in.crowded(c.topic, g.layout.schema, position, len(s.seen))
		for k, id := range s.seen {
			if k >= limit || string(dict.RowBytes(int(id))) == schemas.OtherCategories { // a map has each key once
				others += uint64(s.dense[id])
				s.dense[id] = 0
			}
		}
		s.seen = slices.DeleteFunc(s.seen, func(id uint32) bool { return s.dense[id] == 0 })
	}
	n := len(s.seen)
	if others > 0 {
		n++
	}
	b = sketch.AppendMapLen(b, n)
	for _, id := range s.seen {
		b = sketch.AppendMapCount(b, dict.RowBytes(int(id)), uint64(s.dense[id]))
		s.dense[id] = 0
	}
	if others > 0 {
		b = sketch.AppendMapCount(b, []byte(schemas.OtherCategories), others)
	}
	return b
}
