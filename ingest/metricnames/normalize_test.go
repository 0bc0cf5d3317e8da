package metricnames

import (
	"maps"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"testing"

	"github.com/driftline/driftline/schemas"
)

type labels = map[string]string

func TestUnitsComeTogether(t *testing.T) {
	for _, c := range []struct {
		raw    string
		value  float64
		unit   string // as stated
		labels labels
		name   string
		want   float64
		base   string
		rawU   string
	}{
		{"DCGM_FI_DEV_GPU_UTIL", 57, "", nil, "gpu_utilization_ratio", 0.57, ratio, "percent"},
		{"DCGM_FI_DEV_GPU_UTIL", 57, "%", nil, "gpu_utilization_ratio", 0.57, ratio, "percent"},
		{"nv_gpu_utilization", 0.57, "", nil, "gpu_utilization_ratio", 0.57, ratio, ""},
		{"GPUUtilization", 57, "", labels{"Level": "Host"}, "gpu_utilization_ratio", 0.57, ratio, "percent"},
		{"nvidia_smi_utilization_gpu", 57, "", nil, "gpu_utilization_ratio", 0.57, ratio, "percent"},
		{"ray_node_gpus_utilization", 57, "", nil, "gpu_utilization_ratio", 0.57, ratio, "percent"},

		{"DCGM_FI_DEV_FB_USED", 72000, "", nil, "gpu_memory_used_bytes", 72000 << 20, inBytes, "MiB"},
		{"nv_gpu_memory_used_bytes", 72000 << 20, "", nil, "gpu_memory_used_bytes", 72000 << 20, inBytes, ""},
		{"GPUMemoryUsed", 72000, "", labels{"Level": "Host"}, "gpu_memory_used_bytes", 72000 << 20, inBytes, "MiB"},
		{"DCGM_FI_DEV_FB_USED", 5, "By", nil, "gpu_memory_used_bytes", 5, inBytes, ""},               // converted by somebody who said so
		{"DCGM_FI_DEV_FB_USED", 5, "1", nil, "gpu_memory_used_bytes", 5 << 20, inBytes, "MiB"},       // says nothing
		{"DCGM_FI_DEV_FB_USED", 5, "seconds", nil, "gpu_memory_used_bytes", 5 << 20, inBytes, "MiB"}, // cannot be

		{"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", 1234567, "", nil, "gpu_energy_joules_total", 1234.567, joules, "mJ"},
		{"nv_energy_consumption", 1234.567, "", nil, "gpu_energy_joules_total", 1234.567, joules, ""},
		{"DCGM_FI_DEV_SM_CLOCK", 1410, "MHz", nil, "gpu_sm_clock_hertz", 1.41e9, hertz, "MHz"},
		{"DCGM_FI_DEV_POWER_VIOLATION", 3e9, "", nil, "gpu_throttle_power_seconds_total", 3, seconds, "ns"},
		{"nvidia_smi_clocks_event_reasons_counters_sw_power_cap", 3e6, "", nil, "gpu_throttle_power_seconds_total", 3, seconds, "us"},
		{"DCGM_FI_DEV_PCIE_REPLAY_COUNTER_total", 7, "", nil, "gpu_pcie_replays_total", 7, number, ""},
		{"DCGM_FI_DEV_XID_ERRORS", 79, "", nil, "gpu_xid_last", 79, code, ""},

		{"vllm:gpu_cache_usage_perc", 0.9, "", nil, "llm_kv_cache_usage_ratio", 0.9, ratio, ""},
		{"ray_vllm_kv_cache_usage_perc", 0.9, "", nil, "llm_kv_cache_usage_ratio", 0.9, ratio, ""},
		{"vllm:prompt_tokens_total", 9, "", nil, "llm_prompt_tokens_total", 9, number, ""},
		{"vllm:prompt_tokens", 9, "", nil, "llm_prompt_tokens_total", 9, number, ""},
		{"vllm:iteration_tokens_total_bucket", 9, "", labels{"le": "512"}, "llm_iteration_tokens_bucket", 9, number, ""},
		{"nv_inference_queue_duration_us", 2500000, "", nil, "inference_queue_seconds_total", 2.5, seconds, "us"},
		{"ts_inference_requests_total", 4, "", nil, "inference_requests_total", 4, number, ""},
		{"PredictionTime", 12.5, "", labels{"Level": "Model"}, "inference_last_predict_seconds", 0.0125, seconds, "ms"},
		{"request_predict_seconds_sum", 12.5, "", nil, "inference_predict_seconds_sum", 12.5, seconds, ""},
		{"ray_serve_deployment_processing_latency_ms_sum", 250, "", nil, "inference_execution_seconds_sum", 0.25, seconds, "ms"},
		{"ray_serve_deployment_processing_latency_ms_count", 250, "", nil, "inference_execution_seconds_count", 250, number, ""},
		{"nv_inference_queue_summary_us", 55, "", labels{"quantile": "0.5"}, "inference_queue_seconds", 0.000055, seconds, "us"},
		{"gen_ai.server.time_to_first_token_sum", 2, "s", nil, "llm_time_to_first_token_seconds_sum", 2, seconds, ""},
	} {
		s := schemas.Sample{Metric: c.raw, Value: c.value, Unit: c.unit, Labels: maps.Clone(c.labels)}
		if why := Normalize(&s); why != Kept {
			t.Errorf("%s: dropped, %s", c.raw, why)
		}
		if s.Metric != c.name || s.Value != c.want || s.Unit != c.base || s.Labels[RawName] != c.raw || s.Labels[RawUnit] != c.rawU {
			t.Errorf("%s %v %s: got %s %v %s %v, want %s %v %s", c.raw, c.value, c.unit, s.Metric, s.Value, s.Unit, s.Labels, c.name, c.want, c.base)
		}
	}
}

// Buckets of a histogram in milliseconds get bounds in seconds, or quantiles
// from them would be wrong by a thousand.
func TestBoundsOfBucketsAreConverted(t *testing.T) {
	for le, want := range map[string]string{"100": "0.1", "2.5": "0.0025", "+Inf": "+Inf", "wide": "wide", "": ""} {
		s := schemas.Sample{Metric: "ray_serve_deployment_processing_latency_ms_bucket", Value: 8, Labels: labels{"le": le}}
		if why := Normalize(&s); why != Kept || s.Labels["le"] != want || s.Value != 8 || s.Metric != "inference_execution_seconds_bucket" {
			t.Errorf("le %q: %s %+v", le, why, s)
		}
	}
	s := schemas.Sample{Metric: "nv_inference_first_response_histogram_ms", Value: 30, Labels: labels{"le": "500"}}
	if Normalize(&s); s.Metric != "inference_first_response_seconds_bucket" || s.Value != 30 || s.Labels["le"] != "0.5" || s.Unit != number {
		t.Errorf("a bucket without its suffix: %+v", s)
	}
}

func TestWhatIsNoValueIsDropped(t *testing.T) {
	for _, c := range []struct {
		metric string
		value  float64
		want   Reason
	}{
		{"DCGM_FI_DEV_MEMORY_TEMP", 9223372036854775794, Blank}, // as the exporter's README shows it
		{"DCGM_FI_DEV_MEMORY_TEMP", 9.22337203685478e18, Blank},
		{"DCGM_FI_DEV_MEMORY_TEMP", math.MaxInt64, Blank},
		{"DCGM_FI_DEV_MEMORY_TEMP", 0x7ffffff0, Blank},
		{"DCGM_FI_DEV_MEMORY_TEMP", 0x7ffffff3, Blank},
		{"DCGM_FI_DEV_MEMORY_TEMP", 1 << 31, Blank}, // through float32
		{"DCGM_FI_DEV_POWER_USAGE", 140737488355328, Blank},
		{"DCGM_FI_DEV_POWER_USAGE", 140737488355330, Blank},
		{"DCGM_FI_DEV_UNHEARD_OF", 9223372036854775794, Blank},
		{"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", 9223372036854775794, Blank},
		{"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", 0x7ffffff0, Kept}, // 2147 kJ: an hour and a half at 400 W
		{"DCGM_FI_DEV_POWER_VIOLATION", 140737488355328, Kept},     // 39 hours
		{"DCGM_FI_DEV_MEMORY_TEMP", 85, Kept},
		{"DCGM_FI_PROF_PCIE_TX_BYTES", 3e9, Kept},
		{"requests", 9223372036854775807, Kept}, // not DCGM's
		{"requests", math.NaN(), NotFinite},
		{"DCGM_FI_DEV_GPU_UTIL", math.Inf(1), NotFinite},
		{"DCGM_FI_PROF_PCIE_TX_BYTES", math.Inf(-1), NotFinite},
		{"MemoryUsed", 1e308, NotFinite}, // becomes infinite in bytes
	} {
		s := schemas.Sample{Metric: c.metric, Value: c.value, Labels: labels{"pod": "p", "Level": "Host"}}
		before := schemas.Sample{Metric: c.metric, Labels: labels{"pod": "p", "Level": "Host"}}
		if got := Normalize(&s); got != c.want {
			t.Errorf("%s %v: %q, want %q", c.metric, c.value, got, c.want)
		}
		if s.Value = 0; c.want != Kept && !reflect.DeepEqual(s, before) {
			t.Errorf("%s: dropped and changed: %+v", c.metric, s)
		}
	}
}

func TestWhatIsUnknownOrCanonicalStays(t *testing.T) {
	for _, metric := range []string{"gpu_utilization_ratio", "gpu_temp", "", "DCGM_FI_DEV_UNHEARD_OF", "vllm:", "http_requests_total"} {
		s := schemas.Sample{Metric: metric, Value: 3, Unit: "furlong", Source: "x", Labels: labels{"a": "b"}}
		want := s
		want.Labels = maps.Clone(s.Labels)
		if why := Normalize(&s); why != Kept || !reflect.DeepEqual(s, want) {
			t.Errorf("%q: %q %+v", metric, why, s)
		}
	}
	// Others use TorchServe's names as well.
	s := schemas.Sample{Metric: "CPUUtilization", Value: 40, Labels: labels{"Hostname": "algo-1"}}
	if Normalize(&s); s.Metric != "CPUUtilization" || s.Value != 40 {
		t.Errorf("not TorchServe's: %+v", s)
	}
	s = schemas.Sample{Metric: "hw.gpu.utilization", Value: 0.4, Labels: labels{"hw.gpu.task": "encoder"}}
	if Normalize(&s); s.Metric != "hw.gpu.utilization" {
		t.Errorf("one task's utilisation is not the GPU's: %+v", s)
	}
}

func TestSourceIsFilledIn(t *testing.T) {
	for given, want := range map[string]string{"": "dcgm", "mine": "mine"} {
		s := schemas.Sample{Metric: "DCGM_FI_DEV_GPU_UTIL", Source: given}
		if Normalize(&s); s.Source != want {
			t.Errorf("source %q became %q, want %q", given, s.Source, want)
		}
	}
}

// Laws over samples made at random from all names and well-known labels.
func TestTwiceIsOnce(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	names := append(slices.Sorted(maps.Keys(table)), "up", "", "DCGM_x", "node_load1", "smartctl_device")
	known := slices.Concat(podLabels, nodeLabels, gpuLabels, indexLabels, modelLabels, deploymentLabels,
		[]string{"instance", "le", "Level", "hw.gpu.task", RawName, RawUnit, "zone"})
	values := []string{"", "0", "7", "GPU-aa", "MIG-1", "n1", "10.0.0.1:9400", "nvidia-dcgm-exporter-x", "0.5", "+Inf", "NaN", "general"}
	pick := func(from []string) string { return from[rng.IntN(len(from))] }
	for range 50_000 {
		s := schemas.Sample{Metric: pick(names), Value: math.Trunc(rng.NormFloat64()*1e6) / 16, Unit: pick([]string{"", "", "%", "ms", "By"})}
		for range rng.IntN(8) {
			if s.Labels == nil {
				s.Labels = labels{}
			}
			s.Labels[pick(known)] = pick(values)
		}
		once := s
		once.Labels = maps.Clone(s.Labels)
		Normalize(&once)
		twice := once
		twice.Labels = maps.Clone(once.Labels)
		if Normalize(&twice); !reflect.DeepEqual(once, twice) {
			t.Fatalf("from  %+v\nonce  %+v\ntwice %+v", s, once, twice)
		}
		decoded := s // as a decoder leaves it, its columns filled
		decoded.Labels = maps.Clone(s.Labels)
		Columns(&decoded)
		if Normalize(&decoded); !reflect.DeepEqual(once, decoded) {
			t.Fatalf("from %+v\nnormalised            %+v\nafter columns as well %+v", s, once, decoded)
		}
	}
}

func FuzzNormalize(f *testing.F) {
	f.Add("DCGM_FI_DEV_GPU_UTIL", 5.0, "%", "UUID", "GPU-1", "le", "3")
	f.Fuzz(func(t *testing.T, metric string, v float64, unit, k1, v1, k2, v2 string) {
		s := schemas.Sample{Metric: metric, Value: v, Unit: unit, Labels: labels{k1: v1, k2: v2}}
		if Normalize(&s) == Kept && !finite(s.Value) {
			t.Errorf("kept %v", s.Value)
		}
	})
}

func BenchmarkNormalize(b *testing.B) {
	for _, metric := range []string{"DCGM_FI_DEV_FB_USED", "node_load1"} {
		b.Run(metric, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				s := schemas.Sample{Metric: metric, Value: 72_000, Labels: labels{
					"gpu": "0", "UUID": "GPU-4f0c", "device": "nvidia0", "modelName": "A100", "Hostname": "n" + strconv.Itoa(i&7),
					"exported_pod": "p", "pod": "nvidia-dcgm-exporter-x", "namespace": "ml", "job": "dcgm", "instance": "10.0.0.1:9400",
				}}
				Normalize(&s)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "samples/s")
		})
	}
}
