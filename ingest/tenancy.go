package ingest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
)

// gate is what rows pass after they are decoded and before anything else sees
// them: it tells whose they are, and takes out what may not be kept. What comes
// out depends on the record and the configuration only. One goroutine uses it.
type gate[T any] struct {
	shape[T]
	source   string // of the tenant
	header   string
	fallback []byte // tenant of records that name none
	allowed  map[string]struct{}
	policies []*Policy
	bill     *bill

	protector *protector
	plan      *plan[T] // of the newest row
	tenant    []byte   // that plan is for
	model     []byte
	plans     map[string]*plan[T]
}

// newGate makes the gate of a topic; nil when nothing is asked of it.
func newGate[T any](in *Ingester, t Topic, b *bill, s shape[T]) *gate[T] {
	g := &gate[T]{
		shape: s, source: t.TenantFrom, header: or(t.TenantHeader, DefaultTenantHeader), fallback: []byte(t.Tenant), bill: b,
		policies: in.cfg.policiesFor(t), plans: map[string]*plan[T]{},
	}
	if len(g.policies) == 0 && len(t.Tenants) == 0 && b == nil && (g.source == "" || g.source == TenantFromField) {
		return nil
	}
	if len(t.Tenants) > 0 {
		g.allowed = map[string]struct{}{}
	}
	for _, tenant := range t.Tenants {
		g.allowed[tenant] = struct{}{}
	}
	if len(g.policies) > 0 {
		g.protector = newProtector(in.cfg.HashKey.Value())
	}
	return g
}

// policiesFor are the policies that rows of a topic can meet.
func (c *Config) policiesFor(t Topic) (out []*Policy) {
	for i := range c.Policies {
		p := &c.Policies[i]
		if covers(p.Topics, t.Topic) && covers(texts(p.Kinds), string(t.Kind)) {
			out = append(out, p)
		}
	}
	return out
}

// privacyRules is what gates go by beside the topic's own configuration. It
// ends up in Kafka, so of the key it holds nothing that one could try keys on
// any faster than on the hashes themselves.
func (in *Ingester) privacyRules(t Topic) string {
	models := map[string]int{}
	for tenant, q := range in.cfg.Quotas {
		models[tenant] = q.MaxModels
	}
	var text strings.Builder
	fmt.Fprint(&text, in.cfg.MaxModels, models) // maps print in the order of their keys
	for _, p := range in.cfg.policiesFor(t) {
		fmt.Fprintf(&text, "%+v", *p)
	}
	if in.cfg.HashKey != "" {
		text.Write(newProtector(in.cfg.HashKey.Value()).hash([]byte("rules")))
	}
	return text.String()
}

// pass takes the rows of a record through the gate. A nil gate lets all pass
// as they are.
func (g *gate[T]) pass(r *kgo.Record, rows []T) error {
	if g == nil {
		return nil
	}
	given := g.given(r)
	if g.protector != nil {
		g.protector.begin()
	}
	for i := range rows {
		tenant := g.settle(&rows[i], given)
		if g.allowed != nil {
			if _, ok := g.allowed[string(tenant)]; !ok {
				return ofSeveral("row", i, len(rows), poisonf("unknown_tenant", "tenant %.64q is not among the tenants of the topic", tenant))
			}
		}
		g.bill.row(tenant)
		if g.protector != nil {
			g.protect(&rows[i], tenant)
		}
	}
	return nil
}

// given is the tenant of all rows of a record; nil when each has its own.
func (g *gate[T]) given(r *kgo.Record) []byte {
	switch g.source {
	case TenantFromTopic:
		return g.fallback
	case TenantFromHeader:
		for _, h := range slices.Backward(r.Headers) { // the last one counts
			if h.Key == g.header && len(h.Value) > 0 {
				return h.Value
			}
		}
		return g.fallback
	}
	return nil
}

// settle gives a row its tenant.
func (g *gate[T]) settle(row *T, given []byte) []byte {
	if given != nil {
		g.setTenant(row, given)
		return given
	}
	if own := g.tenantOf(row); len(own) > 0 {
		return own
	}
	return g.fallback
}

// plan is what the policies do to the rows of one tenant and model.
type plan[T any] struct {
	fields []planned[T]
	names  *names // nil when nothing that the producer names is touched
}

type planned[T any] struct {
	apply func(p *protector, t *treatment, row *T)
	t     *treatment
}

func (g *gate[T]) protect(row *T, tenant []byte) {
	g.choose(tenant, g.modelOf(row))
	g.protector.tenant = tenant
	for i := range g.plan.fields {
		f := &g.plan.fields[i]
		f.apply(g.protector, f.t, row)
	}
	if g.plan.names != nil {
		g.named(g.plan.names, g.protector, row)
	}
}

// maxPlans bounds the tenants and models remembered by one partition.
const maxPlans = maxLayouts

// choose makes g.plan that of a tenant and model.
func (g *gate[T]) choose(tenant, model []byte) {
	if g.plan != nil && bytes.Equal(tenant, g.tenant) && bytes.Equal(model, g.model) {
		return
	}
	g.tenant, g.model = append(g.tenant[:0], tenant...), append(g.model[:0], model...)
	key := string(tenant) + "\x00" + string(model)
	if g.plan = g.plans[key]; g.plan == nil {
		if len(g.plans) >= maxPlans {
			clear(g.plans)
		}
		g.plan = g.made(string(tenant), string(model))
		g.plans[key] = g.plan
	}
}

func (g *gate[T]) made(tenant, model string) *plan[T] {
	var policies []*Policy
	for _, p := range g.policies {
		if covers(p.Tenants, tenant) && covers(p.Models, model) {
			policies = append(policies, p)
		}
	}
	out := &plan[T]{}
	for _, f := range g.fields {
		if t := treatmentOf(policies, f.name); !t.none() {
			out.fields = append(out.fields, planned[T]{f.apply, t})
		}
	}
	for _, p := range policies {
		touches := func(name string) bool { return pattern(name).mayMatchIn(g.group) }
		if g.group != "" && (p.Action == ActionAllowFields || slices.ContainsFunc(p.Fields, touches)) {
			out.names = &names{policies: policies, group: g.group, by: map[string]*treatment{}}
		}
	}
	return out
}

// guarded puts a gate before columns of records that are decoded whole.
func guarded[T any](cols *recordColumns[T], g *gate[T]) columns {
	cols.gate = g
	return cols
}
