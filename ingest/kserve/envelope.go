package kserve

import (
	"bytes"
	"encoding/base64"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/valyala/fastjson"
)

// Attributes of a CloudEvent that are read, with the names they have in JSON;
// Kafka headers have ce_ in front.
const (
	attrID        = "id"
	attrType      = "type"
	attrTime      = "time"
	attrService   = "inferenceservicename"
	attrNamespace = "namespace"
	attrComponent = "component"
	attrEndpoint  = "endpoint"
)

// Suffixes of the types. What is before them has changed hands with the project.
const (
	requestType  = ".inference.request"
	responseType = ".inference.response"
)

// maxAttribute bounds an attribute in bytes: ids are kept while their window is
// open.
const maxAttribute = 512

// envelope is a CloudEvent taken out of its record; its texts are views.
type envelope struct {
	id, kind, time                          []byte
	service, namespace, component, endpoint []byte
	body                                    []byte          // unless parsed
	parsed                                  *fastjson.Value // of a structured event
}

func (e *envelope) field(name string) *[]byte {
	switch name {
	case attrID:
		return &e.id
	case attrType:
		return &e.kind
	case attrTime:
		return &e.time
	case attrService:
		return &e.service
	case attrNamespace:
		return &e.namespace
	case attrComponent:
		return &e.component
	case attrEndpoint:
		return &e.endpoint
	}
	return nil
}

const structuredType = "application/cloudevents"

// unwrap finds out the content mode, as the Kafka binding tells them apart: a
// content type of CloudEvents is structured, all else binary. Relays lose
// headers, so a record without any attribute is taken for structured too.
func (d *Decoder) unwrap(r *kgo.Record) (e envelope, err error) {
	e.body = r.Value
	binary := false
	for _, h := range r.Headers {
		switch {
		case len(h.Key) > 3 && strings.EqualFold(h.Key[:3], "ce_"):
			binary = true
			if into := e.field(strings.ToLower(h.Key[3:])); into != nil {
				*into = h.Value
			}
		case strings.EqualFold(h.Key, "content-type") && hasFold(h.Value, structuredType):
			return d.structured(r.Value, h.Value)
		}
	}
	if !binary {
		if e, err := d.structured(r.Value, []byte(structuredType)); err == nil && e.kind != nil {
			return e, nil
		}
		return e, bad(BadEvent, "the record is no CloudEvent: it has no ce_ headers and no content-type application/cloudevents+json")
	}
	return e, nil
}

func hasFold(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && strings.EqualFold(string(b[:len(prefix)]), prefix)
}

// structured reads an event whose attributes are in its JSON.
func (d *Decoder) structured(value, contentType []byte) (e envelope, err error) {
	format := contentType[len(structuredType):]
	if len(format) > 0 && format[0] != ';' && !hasFold(format, "+json") {
		return e, bad(BadEvent, "content-type %.64q is not supported: send application/cloudevents+json or binary mode", contentType)
	}
	v, err := parse(&d.outer, value)
	if err != nil {
		return e, err
	}
	o, err := v.Object()
	if err != nil {
		return e, bad(BadEvent, "the CloudEvent is %s, not an object", v.Type())
	}
	o.Visit(func(key []byte, v *fastjson.Value) {
		if into := e.field(string(key)); into != nil && v.Type() == fastjson.TypeString {
			*into = v.GetStringBytes()
		}
	})
	return e, e.data(o)
}

// data finds the body of a structured event.
func (e *envelope) data(o *fastjson.Object) error {
	if v := o.Get("data"); v != nil {
		if v.Type() == fastjson.TypeString { // the body as text
			e.body = v.GetStringBytes()
		} else {
			e.parsed = v
		}
		return nil
	}
	text := o.Get("data_base64").GetStringBytes()
	body := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(body, text)
	if err != nil {
		return bad(BadEvent, "data_base64 is not base64")
	}
	e.body = body[:n]
	return nil
}

// parse reads JSON, whose texts are used as they are: they must be UTF-8.
func parse(p *fastjson.Parser, b []byte) (*fastjson.Value, error) {
	if len(bytes.TrimSpace(b)) == 0 {
		return nil, bad(BadJSON, "the body is empty: a request that was no inference, or a truncated record")
	}
	if !utf8.Valid(b) {
		return nil, bad(BadJSON, "the body is not UTF-8: binary tensors are not supported, send JSON")
	}
	v, err := p.ParseBytes(b)
	if err != nil {
		return nil, bad(BadJSON, "the body is no JSON, or has binary tensors after it")
	}
	return v, nil
}

// half makes a half of the attributes.
func (d *Decoder) half(e *envelope, received time.Time) (h Half, err error) {
	for _, a := range []struct {
		name     string
		value    []byte
		required bool
		into     *string
	}{
		{attrID, e.id, true, &h.ID},
		{attrService, e.service, true, &h.Target.Service},
		{attrNamespace, e.namespace, false, &h.Target.Namespace},
		{attrComponent, e.component, false, &h.Target.Component},
		{attrEndpoint, e.endpoint, false, &h.Target.Endpoint},
	} {
		switch {
		case a.required && len(a.value) == 0:
			return h, bad(BadEvent, "attribute %s is missing or empty", a.name)
		case len(a.value) > maxAttribute || !utf8.Valid(a.value):
			return h, bad(BadEvent, "attribute %s has %d bytes, more than %d, or is not UTF-8", a.name, len(a.value), maxAttribute)
		case a.name == attrID:
			*a.into = string(a.value)
		default:
			*a.into = d.names.intern(a.value)
		}
	}
	switch {
	case bytes.HasSuffix(e.kind, []byte(requestType)):
		h.Kind = Request
	case bytes.HasSuffix(e.kind, []byte(responseType)):
		h.Kind = Response
	default:
		return h, bad(BadEvent, "type %.64q is neither …%s nor …%s", e.kind, requestType, responseType)
	}
	h.Time = received.UTC()
	if len(e.time) > 0 {
		t, err := time.Parse(time.RFC3339Nano, string(e.time))
		if err != nil {
			return h, bad(BadTime, "attribute time %.64q is not RFC 3339", e.time)
		}
		h.Time = t.UTC()
	}
	return h, nil
}
