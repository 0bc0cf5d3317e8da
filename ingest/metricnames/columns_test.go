package metricnames

import (
	"reflect"
	"testing"

	"github.com/driftline/driftline/schemas"
)

func TestColumnsComeFromLabels(t *testing.T) {
	for name, c := range map[string]struct{ from, want schemas.Sample }{
		"a scrape of DCGM by Prometheus": {
			schemas.Sample{Labels: labels{
				"gpu": "3", "UUID": "GPU-4f", "Hostname": "gpu-node-1", "exported_pod": "bert-0", "pod": "dcgm-exporter-x",
				"exported_namespace": "ml", "instance": "10.0.0.9:9400",
			}},
			schemas.Sample{Pod: "bert-0", Node: "gpu-node-1", GPU: "GPU-4f", Labels: labels{
				"gpu": "3", "pod": "dcgm-exporter-x", "exported_namespace": "ml", "instance": "10.0.0.9:9400",
			}},
		},
		"a GPU that nobody uses": {
			schemas.Sample{Labels: labels{"UUID": "GPU-4f", "pod": "nvidia-dcgm-exporter-x", "instance": "gpu-node-1:9400"}},
			schemas.Sample{GPU: "GPU-4f", Node: "gpu-node-1", Labels: labels{"pod": "nvidia-dcgm-exporter-x", "instance": "gpu-node-1:9400"}},
		},
		"an index on a node": {
			schemas.Sample{Labels: labels{"GpuIndex": "1", "host": "n1"}},
			schemas.Sample{Node: "n1", GPU: "n1/1", Labels: labels{"GpuIndex": "1"}},
		},
		"an index on no node": {
			schemas.Sample{Labels: labels{"gpu": "1"}},
			schemas.Sample{Labels: labels{"gpu": "1"}},
		},
		"the device of no GPU": {
			schemas.Sample{Metric: "disk_io", Labels: labels{"device_id": "1", "node": "n1"}},
			schemas.Sample{Metric: "disk_io", Node: "n1", Labels: labels{"device_id": "1"}},
		},
		"the device of a GPU": {
			schemas.Sample{Metric: "gpu_memory_used_bytes", Labels: labels{"device_id": "1", "node": "n1"}},
			schemas.Sample{Metric: "gpu_memory_used_bytes", Node: "n1", GPU: "n1/1", Labels: labels{"device_id": "1"}},
		},
		"another's uuid": {
			schemas.Sample{Labels: labels{"uuid": "6f1c"}},
			schemas.Sample{Labels: labels{"uuid": "6f1c"}},
		},
		"a server in a pod": {
			schemas.Sample{Labels: labels{"model_name": "llama", "pod": "vllm-0", "instance": "10.0.0.7:8000", "Hostname": "vllm-0"}},
			schemas.Sample{Model: "llama", Pod: "vllm-0", Labels: labels{"instance": "10.0.0.7:8000", "Hostname": "vllm-0"}},
		},
		"Knative": {
			schemas.Sample{Labels: labels{"configuration_name": "iris-predictor", "pod_name": "iris-1"}},
			schemas.Sample{Deployment: "iris-predictor", Pod: "iris-1", Labels: labels{}},
		},
		"the model of a disk": {
			schemas.Sample{Metric: "smartctl_device", Labels: labels{"model_name": "WD"}},
			schemas.Sample{Metric: "smartctl_device", Labels: labels{"model_name": "WD"}},
		},
		"columns that are filled": {
			schemas.Sample{Pod: "p", Node: "n", GPU: "g", Model: "m", Deployment: "d", Labels: labels{
				"pod": "x", "node": "x", "UUID": "x", "model": "x", "deployment": "x",
			}},
			schemas.Sample{Pod: "p", Node: "n", GPU: "g", Model: "m", Deployment: "d", Labels: labels{
				"pod": "x", "node": "x", "UUID": "x", "model": "x", "deployment": "x",
			}},
		},
		"an IPv6 address": {
			schemas.Sample{Labels: labels{"instance": "[fe80::1]:9400"}},
			schemas.Sample{Node: "fe80::1", Labels: labels{"instance": "[fe80::1]:9400"}},
		},
		"no labels": {schemas.Sample{}, schemas.Sample{}},
	} {
		t.Run(name, func(t *testing.T) {
			if Columns(&c.from); !reflect.DeepEqual(c.from, c.want) {
				t.Errorf("got  %+v\nwant %+v", c.from, c.want)
			}
		})
	}
}
