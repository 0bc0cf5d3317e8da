package ingest

import (
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/driftline/driftline/internal/config"
)

// PolicySource is the Go source of Policy, Quota and LetterKey, from which
// their manual is made.
//
//go:embed policy_config.go
var PolicySource string

// Policy says what becomes of fields before anything of a record is checked,
// logged, agreed with other instances or stored. All policies that match a
// field act on it, in the order of the file.
//
// Fields are named as in JSON: request_id, segment, features.income, labels.user.
// An asterisk stands for any text, dots included. Tenant, model, timestamp and
// what else says which series a row belongs to cannot be touched. A number can
// be kept or dropped; one that hash, truncate or allow_values would act on is
// dropped.
type Policy struct {
	Action  string       `yaml:"action"`  // drop: the value is missing. hash: 32 hexadecimal digits of HMAC-SHA256 under ingest.hash_key, the same for equal values of one tenant, so that labels still find their events. truncate: the beginning stays. allow_values: other values become "other". allow_fields: all fields but these are dropped
	Fields  []string     `yaml:"fields"`  // names or patterns; under allow_fields those that stay
	Bytes   config.Bytes `yaml:"bytes"`   // of truncate: the most that stays of a text, cut between characters
	Values  []string     `yaml:"values"`  // of allow_values
	Topics  []string     `yaml:"topics"`  // names or patterns of the topics it holds for. Default all
	Kinds   []Kind       `yaml:"kinds"`   // kinds of record that it holds for. Default all
	Tenants []string     `yaml:"tenants"` // names or patterns of the tenants it holds for. Default all
	Models  []string     `yaml:"models"`  // names or patterns of the models it holds for, as the record names them. Default all
}

// The actions of a [Policy].
const (
	ActionDrop        = "drop"
	ActionHash        = "hash"
	ActionTruncate    = "truncate"
	ActionAllowValues = "allow_values"
	ActionAllowFields = "allow_fields"
)

// Actions are all actions, in the order of the manual.
var Actions = []string{ActionDrop, ActionHash, ActionTruncate, ActionAllowValues, ActionAllowFields}

// Quota bounds what a tenant may send. Nothing is lost to it: partitions that
// hold more wait. Every instance counts for itself.
type Quota struct {
	RowsPerSecond  int          `yaml:"rows_per_second"`  // rows that one instance takes, over all its partitions; 0 is no limit. Default 0
	BytesPerSecond config.Bytes `yaml:"bytes_per_second"` // bytes of record values that one instance takes; 0 is no limit. Default 0B
	MaxModels      int          `yaml:"max_models"`       // as ingest.max_models, for this tenant; 0 takes that. Default 0
}

// LetterKey encrypts dead letters.
type LetterKey struct {
	ID  string        `yaml:"id"`  // name of the key, which stands in the letters
	Key config.Secret `yaml:"key"` // 32 random bytes in base64: openssl rand -base64 32
}

// What becomes of the contents of a record that cannot be stored.
const (
	LettersKeep    = "keep"
	LettersRedact  = "redact"
	LettersEncrypt = "encrypt"
)

// Where the tenant of a record is found.
const (
	TenantFromField  = "field"
	TenantFromHeader = "header"
	TenantFromTopic  = "topic"
)

// DefaultTenantHeader is the Kafka header that names the tenant.
const DefaultTenantHeader = "driftline-tenant"

// faults collects mistakes.
type faults []error

func (f *faults) unless(ok bool, key, format string, args ...any) {
	if !ok {
		*f = append(*f, config.Faultf(key, format, args...))
	}
}

// Validate reports every mistake.
func (p Policy) Validate() error {
	var f faults
	f.unless(p.Action != "", "action", "is missing; give one of %s", strings.Join(Actions, ", "))
	f.unless(p.Action == "" || slices.Contains(Actions, p.Action), "action", "unsupported action %q%s; supported: %s",
		p.Action, meant(p.Action, Actions), strings.Join(Actions, ", "))
	f.unless(len(p.Fields) > 0, "fields", "is missing; give names of fields such as request_id or features.*")
	f.unless(p.Action != ActionTruncate || p.Bytes > 0, "bytes", "is missing; say how much of the text stays, such as 8")
	f.unless(p.Action == ActionTruncate || p.Bytes == 0, "bytes", "holds for action truncate only; remove it")
	f.unless(p.Action != ActionAllowValues || len(p.Values) > 0, "values", "is missing; give the values that stay")
	f.unless(p.Action == ActionAllowValues || len(p.Values) == 0, "values", "holds for action allow_values only; remove it")
	for i, k := range p.Kinds {
		f.unless(slices.Contains(Kinds, k), fmt.Sprintf("kinds[%d]", i), "unsupported kind %q%s; supported: %s", k, meant(string(k), texts(Kinds)), list(Kinds))
	}
	return errors.Join(f...)
}

// Validate reports every mistake.
func (q Quota) Validate() error {
	var f faults
	f.unless(q.RowsPerSecond >= 0, "rows_per_second", "is %d; give 1 or more, or 0 for no limit", q.RowsPerSecond)
	f.unless(q.BytesPerSecond >= 0, "bytes_per_second", "is %d; give a size such as 1MiB, or 0 for no limit", q.BytesPerSecond)
	f.unless(q.MaxModels >= 0, "max_models", "is %d; give 1 or more, or 0 for ingest.max_models", q.MaxModels)
	return errors.Join(f...)
}

// Validate reports every mistake.
func (k LetterKey) Validate() error {
	var f faults
	f.unless(k.ID != "" && !strings.ContainsAny(k.ID, "/ \t\n"), "id", "is %q; give a name without spaces and slashes", k.ID)
	_, err := k.bytes()
	f.unless(err == nil, "key", "is no key: give 32 random bytes in base64, such as openssl rand -base64 32 prints")
	return errors.Join(f...)
}

func (k LetterKey) bytes() ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(k.Key.Value()))
	if err == nil && len(b) != 32 {
		err = fmt.Errorf("%d bytes, not 32", len(b))
	}
	return b, err
}

// minHashKey is a key that nobody guesses, were it only hexadecimal digits.
const minHashKey = 32

// validatePrivacy finds what no policy, topic or quota can see alone.
func (c Config) validatePrivacy() error {
	var f faults
	f.unless(c.MaxModels > 0, "max_models", "is %d; give 1 or more", c.MaxModels)
	f.unless(c.HashKey == "" || len(c.HashKey.Value()) >= minHashKey, "hash_key", "is shorter than %d characters, so that it can be guessed; openssl rand -hex 32 makes one", minHashKey)
	for i, p := range c.Policies {
		f.policy(c, i, p)
	}
	ids := map[string]bool{}
	for i, k := range c.LetterKeys {
		f.unless(!ids[k.ID], fmt.Sprintf("dead_letter_keys[%d].id", i), "%q is given twice", k.ID)
		ids[k.ID] = true
	}
	for i, t := range c.Topics {
		f.unless(t.DeadLetters != LettersEncrypt || len(c.LetterKeys) > 0, fmt.Sprintf("topics[%d].dead_letters", i), "is encrypt, but ingest.dead_letter_keys is empty; give a key")
	}
	for _, tenant := range slices.Sorted(maps.Keys(c.Quotas)) {
		f.unless(tenant != "", "quotas", `a tenant without a name; "*" stands for those that are not named`)
	}
	return errors.Join(f...)
}

// policy finds what a policy gets wrong about its surroundings.
func (f *faults) policy(c Config, i int, p Policy) {
	at := func(key string, j int) string { return fmt.Sprintf("policies[%d].%s[%d]", i, key, j) }
	f.unless(p.Action != ActionHash || c.HashKey != "", fmt.Sprintf("policies[%d].action", i), "is hash, but ingest.hash_key is missing; give a secret of at least %d characters", minHashKey)
	var topics []string
	for _, t := range c.Topics {
		topics = append(topics, t.Topic)
	}
	for j, name := range p.Topics {
		f.unless(slices.ContainsFunc(topics, pattern(name).match), at("topics", j), "%q is none of ingest.topics%s", name, meant(name, topics))
	}
	kinds := c.kindsOf(p)
	if len(kinds) == 0 {
		if len(p.Kinds) > 0 {
			f.unless(false, fmt.Sprintf("policies[%d].kinds", i), "none of the topics is of this kind, so the policy protects nothing")
		}
		return
	}
	for j, name := range p.Fields {
		if err := checkField(p.Action, name, kinds); err != nil {
			f.unless(false, at("fields", j), "%s", err)
		}
	}
	if p.Action == ActionAllowFields {
		f.unless(len(needed(p.Fields, kinds, false)) == 0, fmt.Sprintf("policies[%d].fields", i), "would drop %s: name it, or choose other kinds", strings.Join(needed(p.Fields, kinds, false), ", "))
	}
}

// kindsOf are the kinds of record that a policy can meet.
func (c Config) kindsOf(p Policy) []Kind {
	kinds := p.Kinds
	if len(kinds) == 0 {
		kinds = Kinds
	}
	if len(p.Topics) == 0 {
		return kinds
	}
	var met []Kind
	for _, t := range c.Topics {
		if anyMatch(p.Topics, t.Topic) && slices.Contains(kinds, t.Kind) && !slices.Contains(met, t.Kind) {
			met = append(met, t.Kind)
		}
	}
	return met
}

// validateTenancy finds what a topic gets wrong about tenants and dead letters.
func (t Topic) validateTenancy() error {
	var f faults
	sources := []string{TenantFromField, TenantFromHeader, TenantFromTopic}
	f.unless(t.TenantFrom == "" || slices.Contains(sources, t.TenantFrom), "tenant_from", "unsupported source %q%s; supported: %s", t.TenantFrom, meant(t.TenantFrom, sources), strings.Join(sources, ", "))
	f.unless(t.TenantFrom != TenantFromTopic || len(t.Tenants) == 0 || slices.Contains(t.Tenants, t.Tenant), "tenants", "%q, which all records of the topic belong to, is not among them", t.Tenant)
	modes := []string{LettersKeep, LettersRedact, LettersEncrypt}
	f.unless(t.DeadLetters == "" || slices.Contains(modes, t.DeadLetters), "dead_letters", "unsupported choice %q%s; supported: %s", t.DeadLetters, meant(t.DeadLetters, modes), strings.Join(modes, ", "))
	return errors.Join(f...)
}

// meant guesses what was mistyped.
func meant(name string, candidates []string) string {
	if near := config.Nearest(name, candidates); near != "" && near != name {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}

func texts[T ~string](all []T) []string {
	out := make([]string, len(all))
	for i, a := range all {
		out[i] = string(a)
	}
	return out
}
