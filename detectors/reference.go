package detectors

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"math"
	"slices"

	"github.com/driftline/driftline/internal/tabular"
	"github.com/driftline/driftline/schemas"
)

// MakeReference freezes summaries under a name. Features are reduced and put
// in order; Version depends on their content alone, so the same data give the
// same version on every machine. CreatedAt is left to whoever stores it.
func MakeReference(key schemas.ModelKey, name, source string, features []schemas.Summary) schemas.Reference {
	r := schemas.Reference{ModelKey: key, Name: name, Source: source}
	for _, f := range features {
		r.Features = append(r.Features, Reduce(f))
		r.Rows = max(r.Rows, f.Rows)
	}
	sortFeatures(r.Features)
	h := sha256.New()
	for i := range r.Features {
		hashSummary(h, &r.Features[i])
	}
	r.Version = hex.EncodeToString(h.Sum(nil))[:12]
	return r
}

// LoadReference reads a model's reference file, and calibrates on it: with a
// timestamp column on the windows that the plan would have cut it into. Stored
// gives the calibration that a reference was stored with, nil for none, which
// is taken where it was made by the same plan; it may be nil.
func LoadReference(p *Plan, m *Model, stored func(*schemas.Reference) (*schemas.Calibration, error)) (schemas.Reference, error) {
	file := m.Reference
	t, err := tabular.Open(file.File, tabular.Options{Timestamp: file.Timestamp, Categorical: file.Categorical, Skip: file.Exclude})
	if err != nil {
		return schemas.Reference{}, fmt.Errorf("load reference of model %q: %w", m.Name, err)
	}
	features, err := SummarizeTable(t, file)
	if err != nil {
		return schemas.Reference{}, fmt.Errorf("load reference of model %q: %s: %w", m.Name, file.File, err)
	}
	ref := MakeReference(m.Key(), cmp.Or(file.Name, "training"), file.File, features)
	var known *schemas.Calibration
	if stored != nil {
		if known, err = stored(&ref); err != nil {
			return schemas.Reference{}, fmt.Errorf("look up calibration of reference %s of model %q: %w", ref.ID(), m.Name, err)
		}
	}
	if err := p.calibrateOn(t, file, &ref, known); err != nil {
		return schemas.Reference{}, fmt.Errorf("load reference of model %q: %s: %w", m.Name, file.File, err)
	}
	return ref, nil
}

func sortFeatures(fs []schemas.Summary) {
	slices.SortStableFunc(fs, func(a, b schemas.Summary) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Feature, b.Feature))
	})
}

// hashSummary writes a summary in a form that has one reading: strings with
// their length, numbers as bits.
func hashSummary(h hash.Hash, s *schemas.Summary) {
	var buf [8]byte
	whole := func(v uint64) {
		binary.LittleEndian.PutUint64(buf[:], v)
		h.Write(buf[:])
	}
	text := func(v string) {
		whole(uint64(len(v)))
		h.Write([]byte(v))
	}
	text(string(s.Kind))
	text(s.Feature)
	whole(s.Rows)
	whole(s.Missing)
	whole(uint64(len(s.Points)))
	for _, p := range s.Points {
		whole(math.Float64bits(p.Value))
		whole(math.Float64bits(p.Weight))
	}
	whole(uint64(len(s.Categories)))
	for _, c := range s.Categories {
		text(c.Value)
		whole(c.Count)
	}
}
