package ingest

import (
	"bytes"

	"github.com/driftline/driftline/schemas"
)

// layout finds the positions of an event's features. Producers send a model's
// features in the same order again and again, so the place of the previous
// event's i-th feature is tried before the schema's map.
type layout struct {
	schema   *schemas.FeatureSchema
	tenant   []byte
	of       *rawEvent // the newest event, whose places are below
	num, cat []place   // of the i-th feature of the newest event
}

type place struct {
	name []byte
	at   int
}

// locate sets the places of e's features, or returns those that the schema
// does not have.
func (l *layout) locate(e *rawEvent) (missing []schemas.SchemaEntry, err error) {
	l.of = e
	l.num, missing, err = locate(l.schema, schemas.Numeric, e.numNames, l.num, missing)
	if err == nil {
		l.cat, missing, err = locate(l.schema, schemas.Categorical, e.catNames, l.cat, missing)
	}
	return missing, err
}

func locate(s *schemas.FeatureSchema, kind schemas.FeatureKind, names [][]byte, memo []place, missing []schemas.SchemaEntry) ([]place, []schemas.SchemaEntry, error) {
	for i, name := range names {
		if i < len(memo) && bytes.Equal(memo[i].name, name) && memo[i].at >= 0 {
			continue
		}
		if i == len(memo) {
			memo = append(memo, place{at: -1}) // nothing is remembered of a name that is refused
		}
		switch string(name) {
		case "":
			return memo, nil, poisonf("bad_feature", "a feature has no name")
		case schemas.FeatureScore, schemas.FeatureLatency, schemas.FeaturePrediction:
			return memo, nil, poisonf("bad_feature", "feature name %s is reserved: rename it", name)
		}
		at, ok := s.Position(kind, string(name))
		if !ok {
			at = -1
			missing = append(missing, schemas.SchemaEntry{SchemaKey: s.Key, Kind: kind, Name: string(name)})
		}
		memo[i] = place{append(memo[i].name[:0], name...), at}
	}
	return memo, missing, nil
}
