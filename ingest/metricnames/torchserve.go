package metricnames

import "github.com/driftline/driftline/schemas"

var torchServe = source{
	name: "torchserve",
	about: "TorchServe. What it calls MB and GB are MiB and GiB. Its names in capitals are taken only with the label " +
		"`Level`, which it always gives: others use the same names.",
	applies: func(s *schemas.Sample) bool {
		return s.Metric[0] == 't' || s.Labels["Level"] != ""
	},
	entries: map[string]entry{
		"ts_inference_requests_total":       {"inference_requests_total", number, counter},
		"ts_inference_latency_microseconds": {"inference_request_seconds_total", microseconds, counter},
		"ts_queue_latency_microseconds":     {"inference_queue_seconds_total", microseconds, counter},
		"Requests2XX":                       {"inference_responses_2xx_total", number, counter},
		"Requests4XX":                       {"inference_responses_4xx_total", number, counter},
		"Requests5XX":                       {"inference_responses_5xx_total", number, counter},

		"QueueTime":        {"inference_last_queue_seconds", milliseconds, gauge},
		"PredictionTime":   {"inference_last_predict_seconds", milliseconds, gauge},
		"HandlerTime":      {"inference_last_handler_seconds", milliseconds, gauge},
		"WorkerThreadTime": {"inference_last_worker_thread_seconds", milliseconds, gauge},
		"WorkerLoadTime":   {"inference_worker_load_seconds", milliseconds, gauge},

		"GPUUtilization":       {"gpu_utilization_ratio", percent, gauge},
		"GPUMemoryUtilization": {"gpu_memory_utilization_ratio", percent, gauge},
		"GPUMemoryUsed":        {"gpu_memory_used_bytes", mebibytes, gauge},
		"CPUUtilization":       {"host_cpu_utilization_ratio", percent, gauge},
		"MemoryUsed":           {"host_memory_used_bytes", mebibytes, gauge},
		"MemoryAvailable":      {"host_memory_available_bytes", mebibytes, gauge},
		"MemoryUtilization":    {"host_memory_utilization_ratio", percent, gauge},
		"DiskUsage":            {"host_disk_used_bytes", gibibytes, gauge},
		"DiskAvailable":        {"host_disk_available_bytes", gibibytes, gauge},
		"DiskUtilization":      {"host_disk_utilization_ratio", percent, gauge},
	},
}
