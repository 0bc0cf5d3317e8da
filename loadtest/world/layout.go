package world

import (
	"fmt"
	"slices"
)

var regionNames = []string{"eu", "us", "ap", "sa", "af", "me"}

// node of a cluster.
type node struct {
	name   string
	gpus   []*gpu
	faults faults

	retransmits, errors counter
}

// link between two GPUs of a node.
type link struct {
	name   string
	ends   [2]*gpu
	faults faults

	crc, replays, recoveries counter
}

// deployment of a model in a region.
type deployment struct {
	name   string
	region string
	model  *model
	pods   []*pod
	faults faults
}

// pod serves a model on a GPU.
type pod struct {
	name       string
	deployment *deployment
	gpu        *gpu
	faults     faults
	reached    faults // all that can slow it: its own, those of its deployment, GPU, links and node

	requests, failed   counter
	seconds, waited    counter // of requests, added up
	tokens, restarts   counter
	starved            counter // seconds of processor time that were denied
	recent             uint64  // requests since the last scrape
	recentMS, recentQS float64 // their latency and the part of it spent waiting, milliseconds
}

// stage of a pipeline that makes a model's features or labels.
type stage struct {
	name, pipeline, topic string
	origin                origin
	labels                bool // makes labels, no features
	model                 *model
	faults                faults

	rows, broken   counter
	log, committed counter // of its topic
	recent         uint64  // what came since the last scrape
	waiting        float64 // what waits before its topic
}

// provider of a service that models ask.
type provider struct {
	name   string
	models []*model
	faults faults

	recent   map[*model]uint64 // requests since the last scrape
	waited   map[*model]float64
	requests map[*model]*counter
}

// job that is run again and again for a model.
type job struct {
	name   string
	model  *model
	gpu    *gpu
	faults faults
	next   uint64 // number of the next run
}

// counter only grows.
type counter float64

func (c *counter) add(v float64) { *c += counter(v) }

// build makes the things of the fleet and how they hang together: pods take
// GPUs in turn, so that pods of several models share one.
func (w *World) build() {
	c := &w.Config
	for i := range c.Nodes {
		n := &node{name: fmt.Sprintf("node-%d", i+1)}
		for k := range c.GPUs {
			n.gpus = append(n.gpus, &gpu{name: fmt.Sprintf("%s/%d", n.name, k), index: k, node: n, warm: 50})
		}
		w.nodes, w.gpus = append(w.nodes, n), append(w.gpus, n.gpus...)
		for k := 0; k+1 < len(n.gpus); k += 2 {
			l := &link{name: fmt.Sprintf("%s/%d-%d", n.name, k, k+1), ends: [2]*gpu{n.gpus[k], n.gpus[k+1]}}
			l.ends[0].link, l.ends[1].link = l, l
			w.links = append(w.links, l)
		}
	}
	pods := 0
	for i := range c.Models {
		m := newModel(i, c)
		w.models = append(w.models, m)
		for _, region := range regionNames[:c.Regions] {
			d := &deployment{name: m.name + "-" + region, region: region, model: m}
			m.deployments, w.deployments = append(m.deployments, d), append(w.deployments, d)
			for k := range c.Pods {
				p := &pod{name: fmt.Sprintf("%s-%d", d.name, k), deployment: d, gpu: w.gpus[pods%len(w.gpus)]}
				p.gpu.pods = append(p.gpu.pods, p)
				d.pods, w.pods = append(d.pods, p), append(w.pods, p)
				pods++
			}
		}
		w.buildPipelines(m)
		if i%4 == 3 {
			w.provide(m, fmt.Sprintf("embed-api-%d", i/32+1))
		}
		w.jobs = append(w.jobs, &job{name: m.name + "-refresh", model: m, gpu: w.gpus[i%len(w.gpus)]})
		w.rows = append(w.rows, m.newRow())
	}
}

func (w *World) buildPipelines(m *model) {
	features, labels := m.name+"-features", m.name+"-labels"
	w.stages = append(w.stages,
		&stage{name: m.name + "-batch", pipeline: features, origin: fromBatch, model: m},
		&stage{name: m.name + "-stream", pipeline: features, topic: m.name + "-clicks", origin: fromStream, model: m},
		&stage{name: m.name + "-join", pipeline: labels, topic: m.name + "-outcomes", labels: true, model: m},
	)
}

func (w *World) provide(m *model, name string) {
	i := slices.IndexFunc(w.providers, func(p *provider) bool { return p.name == name })
	if i < 0 {
		i = len(w.providers)
		w.providers = append(w.providers, &provider{name: name, recent: map[*model]uint64{}, waited: map[*model]float64{}, requests: map[*model]*counter{}})
	}
	p := w.providers[i]
	p.models = append(p.models, m)
	p.requests[m] = new(counter)
	m.provider = p
}

// places are where faults can be, by entity.
func (w *World) places() map[string]*faults {
	out := map[string]*faults{}
	for _, n := range w.nodes {
		out["node/"+n.name] = &n.faults
	}
	for _, g := range w.gpus {
		out["gpu/"+g.name] = &g.faults
	}
	for _, l := range w.links {
		out["link/"+l.name] = &l.faults
	}
	for _, d := range w.deployments {
		out["deployment/"+d.name] = &d.faults
	}
	for _, p := range w.pods {
		out["pod/"+p.name] = &p.faults
	}
	for _, m := range w.models {
		out["model/"+m.name] = &m.faults
	}
	for _, s := range w.stages {
		out["stage/"+s.name] = &s.faults
		if s.topic != "" && !s.labels {
			out["topic/"+s.topic] = &s.faults
		}
	}
	for _, p := range w.providers {
		out["provider/"+p.name] = &p.faults
	}
	for _, j := range w.jobs {
		out["job/"+j.name] = &j.faults
	}
	return out
}

// reach tells every pod and model of the faults that concern it.
func (w *World) reach() {
	for _, p := range w.pods {
		p.reached = slices.Concat(p.faults, p.deployment.faults, p.gpu.faults, p.gpu.node.faults)
		if p.gpu.link != nil {
			p.reached = append(p.reached, p.gpu.link.faults...)
		}
	}
	for _, s := range w.stages {
		s.model.faults = append(s.model.faults, s.faults...)
	}
}
