package metricnames

import (
	"net"
	"strings"

	"github.com/driftline/driftline/schemas"
)

// Labels that fill a column, the best first.
var (
	// Prometheus renames the labels of a scrape that clash with the target's to
	// exported_*: with the DCGM exporter those are the ones of the workload.
	podLabels = []string{"exported_pod", "pod", "pod_name", "k8s.pod.name", "k8s_pod_name", "kubernetes_pod_name"}
	// Hostname comes late, because in a container it is often that of the pod.
	nodeLabels = []string{
		"node", "k8s.node.name", "k8s_node_name", "kubernetes_node", "node_name", "Hostname", "hostname",
		"host.name", "host_name", "host",
	}
	gpuLabels        = []string{"UUID", "gpu_uuid", "gpu.uuid", "uuid", "hw.id", "hw_id"}
	indexLabels      = []string{"gpu", "GpuIndex", "gpu_index", "DeviceId", "device_id"}
	modelLabels      = []string{"model_name", "ModelName", "model", "gen_ai.request.model", "gen_ai_request_model"}
	deploymentLabels = []string{"deployment", "k8s.deployment.name", "k8s_deployment_name", "configuration_name"}
)

// Columns moves well-known labels to the columns that are still empty, as
// Normalize does. Decoders call it once a series.
func Columns(s *schemas.Sample) {
	if len(s.Labels) == 0 {
		return
	}
	take(&s.Pod, s.Labels, podLabels, isWorkload)
	take(&s.Node, s.Labels, nodeLabels, func(_, v string) bool { return v != s.Pod })
	if s.Node == "" && s.Pod == "" { // the address of a pod is no node
		s.Node = host(s.Labels["instance"])
	}
	if !strings.HasPrefix(s.Metric, "smart") && !strings.HasPrefix(s.Metric, "node_") { // there it is the model of a disk
		take(&s.Model, s.Labels, modelLabels, nil)
	}
	take(&s.Deployment, s.Labels, deploymentLabels, nil)
	gpu(s)
}

// gpu takes the UUID, which outlives a reboot and is unique; without one, the
// index on the node. An index alone would make one GPU of all first ones.
func gpu(s *schemas.Sample) {
	take(&s.GPU, s.Labels, gpuLabels, isGPU)
	if s.GPU != "" || s.Node == "" {
		return
	}
	for _, name := range indexLabels {
		if v := s.Labels[name]; isIndex(v) && (!strings.HasPrefix(strings.ToLower(name), "device") || strings.HasPrefix(s.Metric, "gpu_")) {
			s.GPU = s.Node + "/" + v
			return
		}
	}
}

// take fills an empty column from the first label that is there and good.
func take(column *string, labels map[string]string, names []string, good func(name, value string) bool) {
	if *column != "" {
		return
	}
	for _, name := range names {
		if v := labels[name]; v != "" && (good == nil || good(name, v)) {
			*column = v
			delete(labels, name)
			return
		}
	}
}

// isWorkload leaves out the exporter's own pod: it measures the GPU and does
// not use it.
func isWorkload(_, pod string) bool { return !strings.Contains(pod, "dcgm-exporter") }

// isGPU asks for NVIDIA's form where others use the label too.
func isGPU(name, v string) bool {
	return name == "UUID" || strings.HasPrefix(name, "gpu") || strings.HasPrefix(v, "GPU-") || strings.HasPrefix(v, "MIG-")
}

func isIndex(v string) bool {
	for _, c := range []byte(v) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return v != "" && len(v) < 4
}

// host of host:port.
func host(instance string) string {
	if h, _, err := net.SplitHostPort(instance); err == nil {
		return h
	}
	return instance
}
