package world

import (
	"math"

	"github.com/driftline/driftline/loadtest/draw"
)

// serving is a serving system: what it shows of a pod, under its own names and
// in its own units.
type serving struct {
	name string
	show func(p *pod, waiting float64, add func(name, unit string, v float64, labels ...[2]string))
}

var servings = []*serving{
	{"triton", func(p *pod, waiting float64, add func(string, string, float64, ...[2]string)) {
		add("nv_inference_request_success", "", float64(p.requests))
		add("nv_inference_request_failure", "", float64(p.failed))
		add("nv_inference_count", "", float64(p.requests))
		add("nv_inference_exec_count", "", math.Round(float64(p.requests)/1.6))
		add("nv_inference_pending_request_count", "", waiting)
		add("nv_inference_request_duration_us", "us", math.Round(1e6*float64(p.seconds)))
		add("nv_inference_queue_duration_us", "us", math.Round(1e6*float64(p.waited)))
	}},
	{"torchserve", func(p *pod, waiting float64, add func(string, string, float64, ...[2]string)) {
		add("ts_inference_requests_total", "", float64(p.requests))
		add("ts_inference_latency_microseconds", "us", math.Round(1e6*float64(p.seconds)))
		add("ts_queue_latency_microseconds", "us", math.Round(1e6*float64(p.waited)))
	}},
	{"triton", nil},
	{"vllm", func(p *pod, waiting float64, add func(string, string, float64, ...[2]string)) {
		add("vllm:num_requests_running", "", math.Round(float64(p.recent)/4))
		add("vllm:num_requests_waiting", "", waiting)
		add("vllm:kv_cache_usage_perc", "", draw.Digits(min(1, 0.3+float64(p.recent)/400), 4))
		add("vllm:request_success_total", "", float64(p.requests), [2]string{"finished_reason", "stop"})
		add("vllm:generation_tokens_total", "", float64(p.tokens))
		add("vllm:e2e_request_latency_seconds_sum", "s", draw.Digits(float64(p.seconds), 6))
		add("vllm:e2e_request_latency_seconds_count", "", float64(p.requests))
	}},
}

func init() { servings[2] = servings[0] }
