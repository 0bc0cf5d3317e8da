package ingest

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/driftline/driftline/schemas"
)

// field is one field of a kind of record, as policies may touch it.
type field[T any] struct {
	fieldInfo
	apply func(p *protector, t *treatment, row *T)
}

type fieldInfo struct {
	name   string // in JSON
	number bool   // there is no text to hash or cut
	needed bool   // a record without it is refused
}

// kindInfo is what a kind of record holds.
type kindInfo struct {
	fields []fieldInfo
	group  string   // prefix of what is named by the producer; empty when nothing is
	fixed  []string // what no policy touches
}

// kindInfos are all fields by kind of record.
var kindInfos = map[Kind]kindInfo{
	Events:    {infosOf(eventFields), featuresGroup, []string{"tenant", "model", "timestamp"}},
	Labels:    {infosOf(labelFields), "", []string{"tenant", "model", "timestamp"}},
	Telemetry: {infosOf(sampleFields), labelsGroup, []string{"tenant", "model", "timestamp", "metric", "value"}},
	Jobs: {infosOf(jobFields), "", []string{
		"tenant", "model", "timestamp", "state", "attempt", "items_in", "items_out", "bytes_out", "duration_ms",
	}},
	Changes: {infosOf(changeFields), "", []string{"tenant", "model", "timestamp", "kind"}},
}

const (
	featuresGroup = "features."
	labelsGroup   = "labels."
)

func infosOf[T any](fields []field[T]) []fieldInfo {
	out := make([]fieldInfo, len(fields))
	for i, f := range fields {
		out[i] = f.fieldInfo
	}
	return out
}

var eventFields = []field[rawEvent]{
	onBytes("version", func(e *rawEvent) *[]byte { return &e.version }),
	onBytes("segment", func(e *rawEvent) *[]byte { return &e.segment }),
	onBytes("request_id", func(e *rawEvent) *[]byte { return &e.requestID }),
	onBytes("deployment", func(e *rawEvent) *[]byte { return &e.deployment }),
	onBytes("pod", func(e *rawEvent) *[]byte { return &e.pod }),
	onBytes("node", func(e *rawEvent) *[]byte { return &e.node }),
	onBytes("gpu", func(e *rawEvent) *[]byte { return &e.gpu }),
	onBytes("prediction", func(e *rawEvent) *[]byte { return &e.prediction }),
	onNumber("score", func(e *rawEvent) { e.score = math.NaN() }),
	onNumber("latency_ms", func(e *rawEvent) { e.latency = math.NaN() }),
}

var labelFields = []field[schemas.Label]{
	mandatory(onText("request_id", func(l *schemas.Label) *string { return &l.RequestID })),
	onText("label", func(l *schemas.Label) *string { return &l.Label }),
	onNumber("value", func(l *schemas.Label) { l.Value = nil }),
}

var sampleFields = []field[schemas.Sample]{
	onText("source", func(s *schemas.Sample) *string { return &s.Source }),
	onText("unit", func(s *schemas.Sample) *string { return &s.Unit }),
	onText("deployment", func(s *schemas.Sample) *string { return &s.Deployment }),
	onText("pod", func(s *schemas.Sample) *string { return &s.Pod }),
	onText("node", func(s *schemas.Sample) *string { return &s.Node }),
	onText("gpu", func(s *schemas.Sample) *string { return &s.GPU }),
}

var jobFields = []field[schemas.JobEvent]{
	mandatory(onText("job", func(j *schemas.JobEvent) *string { return &j.Job })),
	mandatory(onText("run_id", func(j *schemas.JobEvent) *string { return &j.RunID })),
	onText("node", func(j *schemas.JobEvent) *string { return &j.Node }),
	onText("gpu", func(j *schemas.JobEvent) *string { return &j.GPU }),
	onText("error", func(j *schemas.JobEvent) *string { return &j.Error }),
}

var changeFields = []field[schemas.Change]{
	mandatory(onText("id", func(c *schemas.Change) *string { return &c.ID })),
	mandatory(onText("entity", func(c *schemas.Change) *string { return &c.Entity })),
	onText("from", func(c *schemas.Change) *string { return &c.From }),
	onText("to", func(c *schemas.Change) *string { return &c.To }),
	onText("author", func(c *schemas.Change) *string { return &c.Author }),
	onText("description", func(c *schemas.Change) *string { return &c.Description }),
}

func onBytes[T any](name string, at func(*T) *[]byte) field[T] {
	return field[T]{fieldInfo{name: name}, func(p *protector, t *treatment, row *T) {
		v := at(row)
		*v = p.text(t, *v)
	}}
}

func onText[T any](name string, at func(*T) *string) field[T] {
	return field[T]{fieldInfo{name: name}, func(p *protector, t *treatment, row *T) {
		v := at(row)
		*v = string(p.text(t, []byte(*v)))
	}}
}

// onNumber is a number that can be missing. Whatever would act on it drops it.
func onNumber[T any](name string, drop func(*T)) field[T] {
	return field[T]{fieldInfo{name: name, number: true}, func(_ *protector, _ *treatment, row *T) { drop(row) }}
}

func mandatory[T any](f field[T]) field[T] {
	f.needed = true
	return f
}

// checkField says what is wrong with the name of a field, nil when nothing is.
func checkField(action, name string, kinds []Kind) error {
	var candidates []string
	for _, k := range kinds {
		info := kindInfos[k]
		if group := info.group; group != "" {
			candidates = append(candidates, group+"*")
			if pattern(name).mayMatchIn(group) && name != group {
				return refuseNeeded(action, name, kinds)
			}
		}
		for _, f := range info.fields {
			candidates = append(candidates, f.name)
			if pattern(name).match(f.name) {
				return errors.Join(refuseNumber(action, name, f), refuseNeeded(action, name, kinds))
			}
		}
	}
	for _, k := range kinds {
		if slices.ContainsFunc(kindInfos[k].fixed, pattern(name).match) {
			if action == ActionAllowFields {
				return nil
			}
			return fmt.Errorf("%s cannot be touched: without it a row of %s belongs nowhere", name, k)
		}
	}
	slices.Sort(candidates)
	candidates = slices.Compact(candidates)
	return fmt.Errorf("no field %q in %s%s; fields: %s", name, list(kinds), meant(name, candidates), strings.Join(candidates, ", "))
}

func refuseNumber(action, name string, f fieldInfo) error {
	if !f.number || f.name != name || action == ActionDrop || action == ActionAllowFields {
		return nil
	}
	return fmt.Errorf("%s is a number, which %s cannot be applied to: drop it or leave it", name, action)
}

// refuseNeeded keeps a policy from making dead letters of all records.
func refuseNeeded(action, name string, kinds []Kind) error {
	if action != ActionDrop {
		return nil
	}
	if hit := needed([]string{name}, kinds, true); len(hit) > 0 {
		return fmt.Errorf("would drop %s, which is required: hash it, or choose other kinds", strings.Join(hit, ", "))
	}
	return nil
}

// needed are the required fields that the patterns match, or do not match.
func needed(patterns []string, kinds []Kind, match bool) (out []string) {
	for _, k := range kinds {
		for _, f := range kindInfos[k].fields {
			if f.needed && anyMatch(patterns, f.name) == match {
				out = append(out, fmt.Sprintf("%s of %s", f.name, k))
			}
		}
	}
	return out
}
