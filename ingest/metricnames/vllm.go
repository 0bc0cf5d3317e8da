package metricnames

var vllm = source{
	name: "vllm",
	about: "vLLM, by itself and inside Ray. Usages called `_perc` are 0 to 1. Versions in transition show a metric under " +
		"its old and its new name at once, and Ray shows counters with and without `_total`: tell them apart by `raw_name`.",
	prefix: "vllm:",
	others: []string{"vllm_", "ray_vllm:", "ray_vllm_"}, // Ray and some collectors cannot write a colon
	entries: map[string]entry{
		"vllm:num_requests_running":     {"inference_requests_running", number, gauge},
		"vllm:num_requests_waiting":     {"inference_requests_waiting", number, gauge},
		"vllm:num_requests_swapped":     {"inference_requests_swapped", number, gauge},
		"vllm:kv_cache_usage_perc":      {"llm_kv_cache_usage_ratio", ratio, gauge},
		"vllm:gpu_cache_usage_perc":     {"llm_kv_cache_usage_ratio", ratio, gauge}, // the old name
		"vllm:cpu_cache_usage_perc":     {"llm_cpu_kv_cache_usage_ratio", ratio, gauge},
		"vllm:prefix_cache_queries":     {"llm_prefix_cache_queries_total", number, counter},
		"vllm:prefix_cache_hits":        {"llm_prefix_cache_hits_total", number, counter},
		"vllm:gpu_prefix_cache_queries": {"llm_prefix_cache_queries_total", number, counter}, // the old name
		"vllm:gpu_prefix_cache_hits":    {"llm_prefix_cache_hits_total", number, counter},    // the old name

		"vllm:num_preemptions":                      {"llm_preemptions_total", number, counter},
		"vllm:prompt_tokens":                        {"llm_prompt_tokens_total", number, counter},
		"vllm:generation_tokens":                    {"llm_generation_tokens_total", number, counter},
		"vllm:request_success":                      {"inference_requests_succeeded_total", number, counter},
		"vllm:spec_decode_num_draft_tokens":         {"llm_spec_decode_draft_tokens_total", number, counter},
		"vllm:spec_decode_num_accepted_tokens":      {"llm_spec_decode_accepted_tokens_total", number, counter},
		"vllm:avg_prompt_throughput_toks_per_s":     {"llm_prompt_tokens_per_second", perSecond, gauge},
		"vllm:avg_generation_throughput_toks_per_s": {"llm_generation_tokens_per_second", perSecond, gauge},

		"vllm:request_prompt_tokens":     {"llm_request_prompt_tokens", number, histogram},
		"vllm:request_generation_tokens": {"llm_request_generation_tokens", number, histogram},
		"vllm:iteration_tokens_total":    {"llm_iteration_tokens", number, histogram}, // no counter in spite of its name

		"vllm:time_to_first_token_seconds":           {"llm_time_to_first_token_seconds", seconds, histogram},
		"vllm:time_per_output_token_seconds":         {"llm_inter_token_latency_seconds", seconds, histogram}, // the old name
		"vllm:inter_token_latency_seconds":           {"llm_inter_token_latency_seconds", seconds, histogram},
		"vllm:request_time_per_output_token_seconds": {"llm_request_time_per_output_token_seconds", seconds, histogram},
		"vllm:e2e_request_latency_seconds":           {"inference_request_seconds", seconds, histogram},
		"vllm:request_queue_time_seconds":            {"inference_queue_seconds", seconds, histogram},
		"vllm:request_inference_time_seconds":        {"inference_execution_seconds", seconds, histogram},
		"vllm:request_prefill_time_seconds":          {"llm_prefill_seconds", seconds, histogram},
		"vllm:request_decode_time_seconds":           {"llm_decode_seconds", seconds, histogram},
	},
}
