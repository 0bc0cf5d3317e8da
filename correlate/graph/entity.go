package graph

import (
	"slices"
	"strings"
)

// Kind of an entity.
type Kind string

// The kinds of entity. Others may be declared; they are candidates like these,
// without the comparison with entities of the same kind.
const (
	Model      Kind = "model"
	Version    Kind = "version"
	Deployment Kind = "deployment"
	Pod        Kind = "pod"
	Node       Kind = "node"
	GPU        Kind = "gpu"
	Link       Kind = "link"
	Pipeline   Kind = "pipeline"
	Stage      Kind = "stage"
	Topic      Kind = "topic"
	Provider   Kind = "provider"
	Job        Kind = "job"
)

// Kinds are all of them.
var Kinds = []Kind{Model, Version, Deployment, Pod, Node, GPU, Link, Pipeline, Stage, Topic, Provider, Job}

// Entity names a thing: its kind, a slash and its name, such as gpu/node-7/3.
// A name without a known kind is an entity too: a service of a call graph.
type Entity string

// Of makes an entity; an empty name gives an empty one.
func Of(kind Kind, name string) Entity {
	if name == "" {
		return ""
	}
	return Entity(string(kind) + "/" + name)
}

// VersionOf is a version of a model.
func VersionOf(model, version string) Entity {
	if model == "" || version == "" {
		return ""
	}
	return Of(Version, model+"@"+version)
}

// Kind of the entity, empty when it names none of Kinds.
func (e Entity) Kind() Kind {
	kind, _, found := strings.Cut(string(e), "/")
	if !found || !slices.Contains(Kinds, Kind(kind)) {
		return ""
	}
	return Kind(kind)
}

// Name without the kind.
func (e Entity) Name() string {
	if k := e.Kind(); k != "" {
		return string(e[len(k)+1:])
	}
	return string(e)
}

// String names it for people: "GPU node-7/3", "pod credit-eu-0".
func (e Entity) String() string {
	switch k := e.Kind(); k {
	case "":
		return string(e)
	case GPU:
		return "GPU " + e.Name()
	default:
		return string(k) + " " + e.Name()
	}
}
