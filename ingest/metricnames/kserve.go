package metricnames

// Not in the table: revision_queue_depth, which counts what is served and what
// waits together.
var kserve = source{
	name:  "kserve",
	about: "KServe's model servers, and the queue proxy of Knative beside them.",
	entries: map[string]entry{
		"request_preprocess_seconds":     {"inference_preprocess_seconds", seconds, histogram},
		"request_predict_seconds":        {"inference_predict_seconds", seconds, histogram},
		"request_postprocess_seconds":    {"inference_postprocess_seconds", seconds, histogram},
		"request_explain_seconds":        {"inference_explain_seconds", seconds, histogram},
		"revision_request_count":         {"inference_requests_total", number, counter},
		"revision_request_latencies":     {"inference_request_seconds", milliseconds, histogram},
		"revision_app_request_count":     {"inference_app_requests_total", number, counter},
		"revision_app_request_latencies": {"inference_app_request_seconds", milliseconds, histogram},
	},
}
