package graph

import (
	"time"

	"github.com/driftline/driftline/schemas"
)

// Place is where a record says that something ran.
type Place struct {
	Model, Version, Deployment, Pod, Node, GPU string
}

// SeePlace adds the edges that a place shows: model → deployment → version,
// deployment → pod → node and GPU, GPU → node. What is missing is skipped
// over: a model without a deployment leads to its pods.
func (g *Graph) SeePlace(p Place, at time.Time) {
	model, version := Of(Model, p.Model), VersionOf(p.Model, p.Version)
	deployment, pod, node, gpu := Of(Deployment, p.Deployment), Of(Pod, p.Pod), Of(Node, p.Node), Of(GPU, p.GPU)
	chain := []Entity{model, deployment, pod}
	last := Entity("")
	for _, e := range chain {
		if e != "" {
			g.See(last, e, at)
			last = e
		}
	}
	g.See(model, version, at)
	g.See(deployment, version, at)
	g.See(last, gpu, at)
	g.See(last, node, at)
	g.See(gpu, node, at)
}

// SeeEvent adds the edges of an inference event.
func (g *Graph) SeeEvent(e *schemas.Event) {
	g.SeePlace(Place{e.Model, e.Version, e.Deployment, e.Pod, e.Node, e.GPU}, e.Time)
}

// Labels of samples that name further entities.
const (
	LabelLink     = "link"
	LabelPipeline = "pipeline"
	LabelStage    = "stage"
	LabelTopic    = "topic"
	LabelProvider = "provider"
	LabelJob      = "job_name" // not job, which Prometheus fills with the scrape's
	LabelVersion  = "version"
)

// SampleLabels are all of them.
var SampleLabels = []string{LabelLink, LabelPipeline, LabelStage, LabelTopic, LabelProvider, LabelJob, LabelVersion}

// SeeSample adds the edges of a telemetry sample: those of its place, GPU →
// link, model → provider, and model → pipeline → stage → topic with whatever
// of them is named.
func (g *Graph) SeeSample(s *schemas.Sample) {
	g.SeePlace(Place{s.Model, s.Labels[LabelVersion], s.Deployment, s.Pod, s.Node, s.GPU}, s.Time)
	label := func(kind Kind, name string) Entity { return Of(kind, s.Labels[name]) }
	g.See(Of(GPU, s.GPU), label(Link, LabelLink), s.Time)
	g.See(Of(Model, s.Model), label(Provider, LabelProvider), s.Time)
	last := Of(Model, s.Model)
	for _, e := range []Entity{label(Pipeline, LabelPipeline), label(Stage, LabelStage), label(Topic, LabelTopic), label(Job, LabelJob)} {
		if e != "" {
			g.See(last, e, s.Time)
			last = e
		}
	}
}

// SeeJob adds the edges of a job's step: the model that it works for depends
// on it, and it on its node and GPU.
func (g *Graph) SeeJob(j *schemas.JobEvent) {
	job := Of(Job, j.Job)
	g.See(Of(Model, j.Model), job, j.Time)
	g.See(job, Of(Node, j.Node), j.Time)
	g.See(job, Of(GPU, j.GPU), j.Time)
	g.See(Of(GPU, j.GPU), Of(Node, j.Node), j.Time)
}

// SeeChange adds the edge from a model to what was changed for it.
func (g *Graph) SeeChange(c *schemas.Change) {
	g.See(Of(Model, c.Model), Entity(c.Entity), c.Time)
}

// OfSample is the entity that a sample measures: the most exact one that it
// names. Empty for a sample that names none.
func OfSample(s *schemas.Sample) Entity {
	for _, e := range []Entity{
		Of(Link, s.Labels[LabelLink]), Of(GPU, s.GPU), Of(Job, s.Labels[LabelJob]), Of(Stage, s.Labels[LabelStage]), Of(Topic, s.Labels[LabelTopic]),
		Of(Pipeline, s.Labels[LabelPipeline]), Of(Provider, s.Labels[LabelProvider]), Of(Pod, s.Pod),
		Of(Deployment, s.Deployment), VersionOf(s.Model, s.Labels[LabelVersion]), Of(Model, s.Model), Of(Node, s.Node),
	} {
		if e != "" {
			return e
		}
	}
	return ""
}
