package otlp

import (
	"fmt"
	"maps"
	"math"

	"github.com/driftline/driftline/schemas"
)

// maxSeries bounds the bytes of remembered label sets, as they are estimated.
const maxSeries = 16 << 20

// series remembers what encoded attributes mean, by their bytes: an exporter
// that is scraped every 15 s sends the same ones each time.
type series struct {
	resources map[string]*resource
	bytes     int
	used      int // label entries, by the present record
	scratch   []attr
}

// resource is what sends: a service, a pod, an exporter.
type resource struct {
	attrs []attr
	base  schemas.Sample // its columns
	sets  map[string]*labelSet
}

// labelSet is a sample without metric, time and value, and its variants.
type labelSet struct {
	sample   schemas.Sample
	variants map[variant]map[string]string
}

// variant is a label set with more labels, the le of a bucket or the quantile
// of a summary, and a mark for values that count from the last report.
type variant struct {
	name  string
	bits  uint64
	delta bool
}

func (s *series) trim() {
	s.used = 0
	if s.bytes > maxSeries {
		clear(s.resources)
		s.bytes = 0
	}
}

// use counts the labels of one more point or bucket, remembered or not: whether
// a record is too large must not depend on the records before it.
func (s *series) use(labels int) error {
	if s.used += labels + 1; s.used > maxLabels {
		return fmt.Errorf("%w: the labels of the record come to more than %d; send smaller batches or fewer attributes", errLimit, maxLabels)
	}
	return nil
}

// remember estimates the memory of a map of labels and its key, as measured
// with maps of one to thirty entries.
func (s *series) remember(labels, key int) { s.bytes += 40*labels + key + 600 }

// resource finds the resource that is encoded in b as
// opentelemetry.proto.resource.v1.Resource.
func (d *Decoder) resource(b []byte) (*resource, error) {
	s := &d.series
	r := s.resources[string(b)]
	if r == nil {
		attrs, err := d.words.attributes(nil, b, 1)
		if err != nil {
			return nil, in("resource", err)
		}
		r = &resource{attrs: attrs, base: d.words.sampleOf(attrs, nil), sets: map[string]*labelSet{}}
		if s.resources == nil {
			s.resources = map[string]*resource{}
		}
		s.resources[string(b)] = r
		s.remember(2*len(attrs), len(b))
	}
	if err := s.use(len(r.attrs)); err != nil {
		return nil, in("resource", err)
	}
	return r, nil
}

// labels finds the label set of a point of r whose attributes are encoded in
// raw as the repeated field field.
func (d *Decoder) labels(r *resource, raw []byte, field int32) (*labelSet, error) {
	s := &d.series
	set := r.sets[string(raw)]
	if set == nil {
		var err error
		if s.scratch, err = d.words.attributes(s.scratch[:0], raw, field); err != nil {
			return nil, err
		}
		set = &labelSet{sample: d.words.sampleOf(r.attrs, s.scratch)}
		r.sets[string(raw)] = set
		s.remember(len(set.sample.Labels), len(raw))
	}
	return set, s.use(len(set.sample.Labels))
}

// with gives the labels of a variant.
func (d *Decoder) with(set *labelSet, v variant) (map[string]string, error) {
	n := len(set.sample.Labels)
	if err := d.series.use(n); err != nil {
		return nil, err
	}
	if labels, ok := set.variants[v]; ok {
		return labels, nil
	}
	d.series.remember(n+2, 0)
	labels := make(map[string]string, n+2)
	maps.Copy(labels, set.sample.Labels)
	if v.name != "" {
		labels[v.name] = d.words.of([]byte(decimal(math.Float64frombits(v.bits))))
	}
	if v.delta {
		labels[temporalityLabel] = "delta"
	}
	if set.variants == nil {
		set.variants = map[variant]map[string]string{}
	}
	set.variants[v] = labels
	return labels, nil
}
