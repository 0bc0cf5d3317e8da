package prometheus

import (
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/valyala/fastjson"

	"github.com/driftline/driftline/ingest/metricnames"
	"github.com/driftline/driftline/schemas"
)

var parsers fastjson.ParserPool

// AdapterJSON appends the sample of a record of prometheus-kafka-adapter to
// dst: an object with timestamp (RFC 3339, in whole seconds), value (a string,
// such as "0.5", "NaN" or "+Inf"; a number is taken too), name and labels.
//
// Columns are filled from labels as metricnames.Columns does. NaN and
// infinities are returned: the adapter makes no difference between a NaN and
// the end of a series. On error dst is returned as it came.
func AdapterJSON(dst []schemas.Sample, b []byte) ([]schemas.Sample, error) {
	p := parsers.Get()
	defer parsers.Put(p)
	v, err := p.ParseBytes(b)
	if err != nil {
		return dst, fmt.Errorf("adapter JSON: %.200s", err.Error())
	}
	s, err := adapterSample(v)
	if err != nil {
		return dst, fmt.Errorf("adapter JSON: %w", err)
	}
	return append(dst, s), nil
}

func adapterSample(v *fastjson.Value) (s schemas.Sample, err error) {
	if v.Type() != fastjson.TypeObject {
		return s, fmt.Errorf("the record is a JSON %s: give one object", v.Type())
	}
	if s.Labels, err = adapterLabels(v.Get("labels")); err != nil {
		return s, err
	}
	if s.Metric, err = text(v, "name"); err != nil {
		return s, err
	}
	if s.Metric == "" {
		s.Metric = s.Labels[nameLabel]
	}
	if s.Metric == "" {
		return s, fmt.Errorf("name is missing or empty, and so is label %s", nameLabel)
	}
	delete(s.Labels, nameLabel)
	if s.Value, err = adapterValue(v.Get("value")); err != nil {
		return s, err
	}
	at, err := text(v, "timestamp")
	if err != nil {
		return s, err
	}
	if s.Time, err = time.Parse(time.RFC3339, at); err != nil {
		return s, fmt.Errorf("timestamp %.64q is not RFC 3339, such as 2026-01-02T15:04:05Z", at)
	}
	s.Time = s.Time.UTC()
	metricnames.Columns(&s)
	return s, nil
}

// text is a string member, "" when there is none.
func text(v *fastjson.Value, key string) (string, error) {
	m := v.Get(key)
	if m == nil {
		return "", nil
	}
	b, err := m.StringBytes()
	if err != nil {
		return "", fmt.Errorf("%s is a JSON %s: give a string", key, m.Type())
	}
	return adapterText(key, b)
}

func adapterText(what string, b []byte) (string, error) {
	switch {
	case len(b) > maxText:
		return "", fmt.Errorf("%s %q has %d bytes, more than %d: drop or shorten it", what, clip(b), len(b), maxText)
	case !utf8.Valid(b): // the parser lets it through
		return "", fmt.Errorf("%s %q is not UTF-8", what, clip(b))
	}
	return string(b), nil
}

func adapterLabels(v *fastjson.Value) (map[string]string, error) {
	if v == nil || v.Type() == fastjson.TypeNull {
		return nil, nil
	}
	o, err := v.Object()
	if err != nil {
		return nil, fmt.Errorf("labels is a JSON %s: give an object", v.Type())
	}
	labels := make(map[string]string, o.Len())
	o.Visit(func(key []byte, v *fastjson.Value) {
		if err == nil {
			err = adapterLabel(labels, key, v)
		}
	})
	return labels, err
}

func adapterLabel(labels map[string]string, key []byte, v *fastjson.Value) error {
	name, err := adapterText("label", key)
	if err != nil {
		return err
	}
	b, err := v.StringBytes()
	if err != nil {
		return fmt.Errorf("label %.64q is a JSON %s: give a string", name, v.Type())
	}
	value, err := adapterText("value of label "+strconv.Quote(string(clip(key))), b)
	if err == nil && name != "" && value != "" { // without a value it is the same as no label
		labels[name] = value
	}
	return err
}

var errNoValue = errors.New(`value is missing: give a string such as "0.5"`)

func adapterValue(v *fastjson.Value) (float64, error) {
	if v == nil {
		return 0, errNoValue
	}
	var digits []byte
	switch v.Type() {
	case fastjson.TypeString:
		digits = v.GetStringBytes()
	case fastjson.TypeNumber:
		digits = v.MarshalTo(nil) // fastjson's own floats can be off in the last place
	default:
		return 0, fmt.Errorf("value is a JSON %s: give a string with a number", v.Type())
	}
	f, err := strconv.ParseFloat(string(digits), 64)
	if err != nil {
		return 0, fmt.Errorf(`value %.64q is not a number, "NaN", "+Inf" or "-Inf"`, digits)
	}
	return f, nil
}
