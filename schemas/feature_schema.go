package schemas

import (
	"maps"
	"slices"
)

// FeatureSchema gives every feature of a model version its position in the
// stored arrays. It only ever grows: a position, once given, is never changed
// or reused, so arrays written under an older schema stay readable. A value of
// this type is immutable; Extended makes the next one.
type FeatureSchema struct {
	Key         SchemaKey
	Numeric     []string // names by position; 0 is FeatureScore, 1 is FeatureLatency
	Categorical []string // names by position; 0 is FeaturePrediction
	Rank        int      // model versions of the tenant that the schema topic named before this one

	numeric, categorical map[string]int
}

// SchemaEntry is one position of a FeatureSchema: the record of the schema
// topic and the row of the model_schemas table.
type SchemaEntry struct {
	SchemaKey
	Kind     FeatureKind `json:"kind"`
	Name     string      `json:"name"`
	Position int         `json:"position"` // given by the order of the log
}

// NewFeatureSchema makes a schema that has the reserved positions only.
func NewFeatureSchema(key SchemaKey) *FeatureSchema {
	return &FeatureSchema{
		Key:         key,
		Numeric:     []string{FeatureScore, FeatureLatency},
		Categorical: []string{FeaturePrediction},
		numeric:     map[string]int{FeatureScore: 0, FeatureLatency: 1},
		categorical: map[string]int{FeaturePrediction: 0},
	}
}

// Position of a feature, false when the schema does not have it.
func (s *FeatureSchema) Position(kind FeatureKind, name string) (int, bool) {
	p, ok := s.positions(kind)[name]
	return p, ok
}

func (s *FeatureSchema) positions(kind FeatureKind) map[string]int {
	if kind == Numeric {
		return s.numeric
	}
	return s.categorical
}

// Names by position of one kind; not to be changed.
func (s *FeatureSchema) Names(kind FeatureKind) []string {
	if kind == Numeric {
		return s.Numeric
	}
	return s.Categorical
}

// Extended is the schema with one more feature at the next free position; the
// receiver itself when it has the feature already.
func (s *FeatureSchema) Extended(kind FeatureKind, name string) *FeatureSchema {
	if _, ok := s.Position(kind, name); ok {
		return s
	}
	next := *s
	grow := func(names []string, index map[string]int) ([]string, map[string]int) {
		index = maps.Clone(index)
		index[name] = len(names)
		return append(slices.Clip(names), name), index
	}
	if kind == Numeric {
		next.Numeric, next.numeric = grow(s.Numeric, s.numeric)
	} else {
		next.Categorical, next.categorical = grow(s.Categorical, s.categorical)
	}
	return &next
}

// Entries of the schema in the order of their positions, numeric ones first.
func (s *FeatureSchema) Entries() []SchemaEntry {
	var out []SchemaEntry
	for _, kind := range []FeatureKind{Numeric, Categorical} {
		for i, name := range s.Names(kind) {
			out = append(out, SchemaEntry{s.Key, kind, name, i})
		}
	}
	return out
}
