package otlp

import (
	"encoding/hex"
	"strings"

	"github.com/driftline/driftline/schemas"
)

// Traces appends to dst the events of the spans in one record that are calls
// to models: all of them, or none and an error. Other spans are counted.
//
// A span is a call to a model if it names one, by the GenAI conventions of
// OpenTelemetry or by OpenInference, and neither says that it is something
// else (an agent, a tool, a retrieval). It becomes
//
//   - Model: the model that was asked for; where only the answering one is
//     named, that one;
//   - Version: the model that answered (gen_ai.response.model), which names
//     the release behind an alias. It is empty if the span does not tell, as
//     after most errors. service.version is of the caller, and not used;
//   - RequestID: gen_ai.response.id, which applications know when they get
//     feedback; without it trace id and span id in hex, with a hyphen between;
//   - Time: the end of the span, when tokens and latency were known; the
//     start, if it has no end;
//   - LatencyMS: from start to end, milliseconds;
//   - Tenant and Segment: the attributes driftline.tenant (or tenant.id) and
//     driftline.segment; the tenant may be the resource's too;
//   - Deployment: k8s.deployment.name or service.name of the resource, and its
//     Pod, Node and GPU as for metrics;
//   - numeric features: input_tokens, output_tokens, total_tokens,
//     cached_input_tokens, reasoning_tokens, time_to_first_token_ms,
//     time_in_queue_ms, temperature, top_p, top_k, max_tokens,
//     frequency_penalty, presence_penalty, choices;
//   - categorical features: provider, operation, finish_reason (of the first
//     choice), status (ok or error), error_type.
//
// Prompts and completions are never read.
func (d *Decoder) Traces(dst []schemas.Event, b []byte) ([]schemas.Event, error) {
	d.begin()
	out := dst
	err := each(b, 1, "resource_spans", func(b []byte) error {
		r, err := d.resourceIn(b)
		if err != nil {
			return err
		}
		return each(b, 2, "scope_spans", func(scope []byte) error {
			return each(scope, 2, "spans", func(b []byte) error {
				if out, err = d.appendEvent(out, r, b); err != nil {
					return err
				}
				return checkRows(len(out) - len(dst))
			})
		})
	})
	d.span = span{} // it holds views into the record
	if err != nil {
		clear(out[len(dst):])
		return dst, err
	}
	d.done()
	return out, nil
}

func (d *Decoder) appendEvent(out []schemas.Event, r *resource, b []byte) ([]schemas.Event, error) {
	s := &d.span
	if err := s.parse(b); err != nil {
		return out, err
	}
	if !s.isModelCall() {
		d.now.SkippedSpans++
		return out, nil
	}
	if s.failed && len(s.word(errorWord)) == 0 {
		if err := s.exception(b); err != nil {
			return out, err
		}
	}
	s.invocation(&d.json)
	return append(out, d.event(s, r)), nil
}

func (d *Decoder) event(s *span, r *resource) schemas.Event {
	w, base := &d.words, &r.base
	e := schemas.Event{
		Tenant: w.of(s.word(tenantWord)), Model: w.of(s.model()), Version: w.of(s.word(responseModelWord)),
		Segment: w.of(s.word(segmentWord)), RequestID: requestID(s), Time: timeOf(s.end),
		Deployment: base.Deployment, Pod: base.Pod, Node: base.Node, GPU: base.GPU,
		Features: schemas.Features{Numeric: s.numeric(), Categorical: d.categorical(s)},
	}
	if e.Tenant == "" {
		e.Tenant = base.Tenant
	}
	if e.Deployment == "" {
		e.Deployment = base.Source
	}
	switch {
	case s.end == 0:
		e.Time = timeOf(s.start)
	case s.start != 0 && s.end >= s.start:
		ms := float64(s.end-s.start) / 1e6
		e.LatencyMS = &ms
	}
	return e
}

func requestID(s *span) string {
	if id := s.word(responseIDWord); len(id) > 0 {
		return strings.ToValidUTF8(string(id), "\uFFFD")
	}
	var buf [49]byte // of 16 and 8 bytes, as the W3C trace context has them
	id := hex.AppendEncode(buf[:0], s.trace)
	if len(id) > 0 && len(s.id) > 0 {
		id = append(id, '-')
	}
	return string(hex.AppendEncode(id, s.id))
}

// numeric adds the total of tokens where only its parts were sent.
func (s *span) numeric() map[string]float64 {
	in, hasIn := s.number(inputTokens)
	out, hasOut := s.number(outputTokens)
	if _, ok := s.number(totalTokens); !ok && hasIn && hasOut {
		s.set(totalTokens, 0, in+out)
	}
	n := 0
	for _, rank := range s.numberRanks {
		if rank > 0 {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	all := make(map[string]float64, n)
	for i, name := range numberNames {
		if v, ok := s.number(number(i)); ok {
			all[name] = v
		}
	}
	return all
}

func (d *Decoder) categorical(s *span) map[string]string {
	all := make(map[string]string, 5)
	if operation := s.word(operationWord); len(operation) > 0 {
		d.category(all, "operation", operation)
	} else if operation := kindOperations[string(s.word(kindWord))]; operation != "" {
		all["operation"] = operation
	}
	d.category(all, "provider", s.word(providerWord))
	d.category(all, "finish_reason", s.word(finishWord))
	d.category(all, "error_type", s.word(errorWord))
	all["status"] = "ok"
	if s.failed || len(s.word(errorWord)) > 0 {
		all["status"] = "error"
	}
	return all
}

func (d *Decoder) category(all map[string]string, name string, value []byte) {
	if len(value) > 0 && len(value) <= maxWord {
		all[name] = d.words.of(value)
	}
}
