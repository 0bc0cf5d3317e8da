package otlp

import (
	"strings"

	"github.com/driftline/driftline/schemas"
)

// column of a sample that an attribute fills.
type column uint8

const (
	tenantColumn column = iota
	sourceColumn
	modelColumn
	deploymentColumn
	podColumn
	nodeColumn
	gpuColumn
	columns
)

// place is the column that an attribute fills, unless another with a lower
// rank is there.
type place struct {
	column column
	rank   uint8
}

// places are the attributes that fill columns, by the names of:
//
//   - the resource, GenAI and hardware conventions of OpenTelemetry
//     (semantic-conventions 1.37: resource/k8s, resource/host, gen-ai, hardware/gpu);
//   - dcgm-exporter (gpu, UUID, Hostname, pod), Triton (gpu_uuid, model), vLLM
//     (model_name) and Ray Serve (deployment), as the Prometheus receiver gives them;
//     exported_pod is its name for the exporter's own label pod where the
//     target has one too.
var places = map[string]place{
	"driftline.tenant": {tenantColumn, 0},
	"tenant.id":        {tenantColumn, 1},

	"service.name": {sourceColumn, 0},

	"gen_ai.request.model":  {modelColumn, 0},
	"gen_ai.response.model": {modelColumn, 1},
	"model_name":            {modelColumn, 2},
	"model":                 {modelColumn, 3},

	"k8s.deployment.name":  {deploymentColumn, 0},
	"k8s.statefulset.name": {deploymentColumn, 1},
	"deployment":           {deploymentColumn, 2},

	"exported_pod": {podColumn, 0},
	"k8s.pod.name": {podColumn, 1},
	"pod":          {podColumn, 2},

	"k8s.node.name": {nodeColumn, 0},
	"host.name":     {nodeColumn, 1},
	"Hostname":      {nodeColumn, 2},
	"hostname":      {nodeColumn, 3},
	"node":          {nodeColumn, 4},

	"UUID":     {gpuColumn, 0},
	"gpu_uuid": {gpuColumn, 1},
	"hw.id":    {gpuColumn, 2},
	"gpu":      {gpuColumn, 3},
}

// dropped are attributes that become no labels: command lines hold keys and
// passwords.
var dropped = map[string]bool{"process.command": true, "process.command_args": true, "process.command_line": true}

// firstLocalGPU is the rank from which an id of a GPU is unique on its node only.
const firstLocalGPU = 2

// chosen finds, for each column, the key of the attribute that fills it. An
// hw.id is no GPU's when hw.type says that it belongs to other hardware.
func chosen(attrs []attr, otherHardware bool) (keys [columns]string, ranks [columns]uint8) {
	for _, a := range attrs {
		p, ok := places[a.key]
		if !ok || otherHardware && a.key == "hw.id" {
			continue
		}
		if keys[p.column] == "" || p.rank < ranks[p.column] {
			keys[p.column], ranks[p.column] = a.key, p.rank
		}
	}
	return keys, ranks
}

// sampleOf places attributes in columns and the others in labels. What a point
// says comes before what its resource says: a GPU's pod is not the exporter's.
// An attribute that lost its column to another stays a label.
func (w *words) sampleOf(resource, point []attr) (s schemas.Sample) {
	labels := make(map[string]string, len(resource)+len(point))
	for _, a := range resource {
		labels[a.key] = a.value
	}
	for _, a := range point {
		labels[a.key] = a.value
	}
	other := labels["hw.type"] != "" && labels["hw.type"] != "gpu"
	keys, ranks := chosen(point, other)
	fallback, fallbackRanks := chosen(resource, other)
	into := [columns]*string{&s.Tenant, &s.Source, &s.Model, &s.Deployment, &s.Pod, &s.Node, &s.GPU}
	for c, key := range keys {
		if key == "" {
			key, ranks[c] = fallback[c], fallbackRanks[c]
		}
		if key != "" {
			*into[c] = labels[key]
			delete(labels, key)
		}
	}
	if s.GPU != "" && s.Node != "" && ranks[gpuColumn] >= firstLocalGPU && !isUUID(s.GPU) {
		s.GPU = w.joined(s.Node+"/", s.GPU)
	}
	if len(labels) > 0 {
		s.Labels = labels
	}
	return s
}

// isUUID knows the ids that NVIDIA gives to GPUs and to their MIG slices.
func isUUID(gpu string) bool {
	return strings.HasPrefix(gpu, "GPU-") || strings.HasPrefix(gpu, "MIG-")
}
