package ingest

import "github.com/driftline/driftline/schemas"

// shape tells a gate how a kind of record looks.
type shape[T any] struct {
	tenantOf  func(*T) []byte
	setTenant func(*T, []byte)
	modelOf   func(*T) []byte
	fields    []field[T]
	group     string // of kindInfo
	named     func(n *names, p *protector, row *T)
}

var eventShape = shape[rawEvent]{
	tenantOf:  func(e *rawEvent) []byte { return e.tenant },
	setTenant: func(e *rawEvent, tenant []byte) { e.tenant = tenant },
	modelOf:   func(e *rawEvent) []byte { return e.model },
	fields:    eventFields, group: featuresGroup,
	named: func(n *names, p *protector, e *rawEvent) { n.features(p, e) },
}

var labelShape = textShape(func(l *schemas.Label) (tenant, model *string) { return &l.Tenant, &l.Model }, labelFields)

var sampleShape = shape[schemas.Sample]{
	tenantOf:  func(s *schemas.Sample) []byte { return []byte(s.Tenant) },
	setTenant: func(s *schemas.Sample, tenant []byte) { s.Tenant = string(tenant) },
	modelOf:   func(s *schemas.Sample) []byte { return []byte(s.Model) },
	fields:    sampleFields, group: labelsGroup,
	named: func(n *names, p *protector, s *schemas.Sample) { n.labels(p, s.Labels) },
}

var jobShape = textShape(func(j *schemas.JobEvent) (tenant, model *string) { return &j.Tenant, &j.Model }, jobFields)

var changeShape = textShape(func(c *schemas.Change) (tenant, model *string) { return &c.Tenant, &c.Model }, changeFields)

// textShape is the shape of records without names of the producer's.
func textShape[T any](of func(*T) (tenant, model *string), fields []field[T]) shape[T] {
	return shape[T]{
		tenantOf:  func(row *T) []byte { tenant, _ := of(row); return []byte(*tenant) },
		setTenant: func(row *T, to []byte) { tenant, _ := of(row); *tenant = string(to) },
		modelOf:   func(row *T) []byte { _, model := of(row); return []byte(*model) },
		fields:    fields,
	}
}
