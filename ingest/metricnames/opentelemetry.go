package metricnames

import "github.com/driftline/driftline/schemas"

var openTelemetry = source{
	name: "opentelemetry",
	about: "OpenTelemetry's semantic conventions, with dots or underscores. hw.gpu.utilization is taken only as a whole: " +
		"with the task encoder or decoder it stays as it is.",
	applies: func(s *schemas.Sample) bool {
		isWhole := func(task string) bool { return task == "" || task == "general" }
		return isWhole(s.Labels["hw.gpu.task"]) && isWhole(s.Labels["hw_gpu_task"])
	},
	entries: map[string]entry{
		"hw.gpu.utilization":  {"gpu_utilization_ratio", ratio, gauge},
		"hw.gpu.memory.usage": {"gpu_memory_used_bytes", inBytes, gauge},
		"hw.gpu.memory.limit": {"gpu_memory_total_bytes", inBytes, gauge},
		"hw_gpu_utilization":  {"gpu_utilization_ratio", ratio, gauge},
		"hw_gpu_memory_usage": {"gpu_memory_used_bytes", inBytes, gauge},
		"hw_gpu_memory_limit": {"gpu_memory_total_bytes", inBytes, gauge},

		// Collectors that write Prometheus put the unit at the end.
		"hw_gpu_utilization_ratio":  {"gpu_utilization_ratio", ratio, gauge},
		"hw_gpu_memory_usage_bytes": {"gpu_memory_used_bytes", inBytes, gauge},
		"hw_gpu_memory_limit_bytes": {"gpu_memory_total_bytes", inBytes, gauge},

		"gen_ai.server.request.duration":              {"inference_request_seconds", seconds, histogram},
		"gen_ai.server.time_to_first_token":           {"llm_time_to_first_token_seconds", seconds, histogram},
		"gen_ai.server.time_per_output_token":         {"llm_request_time_per_output_token_seconds", seconds, histogram},
		"gen_ai.client.operation.duration":            {"llm_client_operation_seconds", seconds, histogram},
		"gen_ai.client.token.usage":                   {"llm_client_tokens", number, histogram},
		"gen_ai_server_request_duration_seconds":      {"inference_request_seconds", seconds, histogram},
		"gen_ai_server_time_to_first_token_seconds":   {"llm_time_to_first_token_seconds", seconds, histogram},
		"gen_ai_server_time_per_output_token_seconds": {"llm_request_time_per_output_token_seconds", seconds, histogram},
		"gen_ai_client_operation_duration_seconds":    {"llm_client_operation_seconds", seconds, histogram},
		"gen_ai_client_token_usage":                   {"llm_client_tokens", number, histogram},
	},
}
