package metricnames

var ray = source{
	name: "ray",
	about: "Ray Serve and Ray's nodes. GPU memory is in MiB, though Ray describes it as bytes. Counters come with and " +
		"without `_total` at once: tell them apart by `raw_name`.",
	prefix: "ray_serve_",
	others: []string{"serve_"}, // as the manual lists them
	entries: map[string]entry{
		"ray_serve_deployment_request_counter":       {"inference_requests_total", number, counter},
		"ray_serve_deployment_error_counter":         {"inference_requests_failed_total", number, counter},
		"ray_serve_deployment_replica_starts":        {"inference_replica_starts_total", number, counter},
		"ray_serve_deployment_replica_healthy":       {"inference_replica_healthy", zeroOrOne, gauge},
		"ray_serve_deployment_processing_latency_ms": {"inference_execution_seconds", milliseconds, histogram},
		"ray_serve_deployment_queuing_latency_ms":    {"inference_queue_seconds", milliseconds, histogram},
		"ray_serve_deployment_queued_queries":        {"inference_requests_waiting", number, gauge},
		"ray_serve_replica_queued_queries":           {"inference_replica_requests_waiting", number, gauge},
		"ray_serve_replica_processing_queries":       {"inference_requests_running", number, gauge},
		"ray_serve_num_router_requests":              {"inference_router_requests_total", number, counter},
		"ray_serve_num_http_requests":                {"inference_http_requests_total", number, counter},
		"ray_serve_num_http_error_requests":          {"inference_http_requests_failed_total", number, counter},
		"ray_serve_http_request_latency_ms":          {"inference_http_request_seconds", milliseconds, histogram},

		"ray_node_gpus_utilization":            {"gpu_utilization_ratio", percent, gauge},
		"ray_node_gram_used":                   {"gpu_memory_used_bytes", mebibytes, gauge},
		"ray_node_gram_available":              {"gpu_memory_free_bytes", mebibytes, gauge},
		"ray_node_cpu_utilization":             {"host_cpu_utilization_ratio", percent, gauge},
		"ray_node_mem_used":                    {"host_memory_used_bytes", inBytes, gauge},
		"ray_node_mem_available":               {"host_memory_available_bytes", inBytes, gauge},
		"ray_node_mem_total":                   {"host_memory_total_bytes", inBytes, gauge},
		"ray_node_disk_usage":                  {"host_disk_used_bytes", inBytes, gauge},
		"ray_node_disk_free":                   {"host_disk_available_bytes", inBytes, gauge},
		"ray_node_disk_utilization_percentage": {"host_disk_utilization_ratio", percent, gauge},
	},
}
