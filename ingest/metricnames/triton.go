package metricnames

var triton = source{
	name:  "triton",
	about: "NVIDIA Triton Inference Server.",
	entries: map[string]entry{
		"nv_inference_request_success":       {"inference_requests_succeeded_total", number, counter},
		"nv_inference_request_failure":       {"inference_requests_failed_total", number, counter},
		"nv_inference_count":                 {"inference_inferences_total", number, counter},
		"nv_inference_exec_count":            {"inference_executions_total", number, counter},
		"nv_inference_pending_request_count": {"inference_requests_waiting", number, gauge},

		"nv_inference_request_duration_us":        {"inference_request_seconds_total", microseconds, counter},
		"nv_inference_queue_duration_us":          {"inference_queue_seconds_total", microseconds, counter},
		"nv_inference_compute_input_duration_us":  {"inference_compute_input_seconds_total", microseconds, counter},
		"nv_inference_compute_infer_duration_us":  {"inference_compute_infer_seconds_total", microseconds, counter},
		"nv_inference_compute_output_duration_us": {"inference_compute_output_seconds_total", microseconds, counter},

		"nv_inference_request_summary_us":          {"inference_request_seconds", microseconds, histogram},
		"nv_inference_queue_summary_us":            {"inference_queue_seconds", microseconds, histogram},
		"nv_inference_compute_input_summary_us":    {"inference_compute_input_seconds", microseconds, histogram},
		"nv_inference_compute_infer_summary_us":    {"inference_compute_infer_seconds", microseconds, histogram},
		"nv_inference_compute_output_summary_us":   {"inference_compute_output_seconds", microseconds, histogram},
		"nv_inference_first_response_histogram_ms": {"inference_first_response_seconds", milliseconds, histogram},

		"nv_cache_num_hits_per_model":      {"inference_cache_hits_total", number, counter},
		"nv_cache_num_misses_per_model":    {"inference_cache_misses_total", number, counter},
		"nv_cache_hit_duration_per_model":  {"inference_cache_hit_seconds_total", microseconds, counter},
		"nv_cache_miss_duration_per_model": {"inference_cache_miss_seconds_total", microseconds, counter},

		"nv_gpu_utilization":        {"gpu_utilization_ratio", ratio, gauge},
		"nv_gpu_memory_used_bytes":  {"gpu_memory_used_bytes", inBytes, gauge},
		"nv_gpu_memory_total_bytes": {"gpu_memory_total_bytes", inBytes, gauge},
		"nv_gpu_power_usage":        {"gpu_power_watts", watts, gauge},
		"nv_gpu_power_limit":        {"gpu_power_limit_watts", watts, gauge},
		"nv_energy_consumption":     {"gpu_energy_joules_total", joules, counter},

		"nv_cpu_utilization":        {"host_cpu_utilization_ratio", ratio, gauge},
		"nv_cpu_memory_used_bytes":  {"host_memory_used_bytes", inBytes, gauge},
		"nv_cpu_memory_total_bytes": {"host_memory_total_bytes", inBytes, gauge},
	},
}
