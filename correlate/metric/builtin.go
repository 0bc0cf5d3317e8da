package metric

// listed are metrics that say the same of a cause.
type listed struct {
	kind      Kind
	worse     Direction
	mechanism Mechanism
	floor     float64
	gate      string
	names     []string
}

// requests is what gates the metrics of a serving system by default.
const requests = "inference_requests_total"

// builtin is the table of known names.
//
// Utilisation of a GPU is bimodal and rises with work: it is shown and accuses
// nobody. Device memory is allocated ahead by most serving systems: the same.
// Faults and time throttled are rates whose usual value is 0, so that anything
// is a change; their floors keep single stray counts small.
var builtin = []listed{
	// GPU: load, shown only.
	{Ratio, Either, "", 0.05, "", []string{
		"gpu_utilization_ratio", "gpu_memory_copy_utilization_ratio", "gpu_encoder_utilization_ratio", "gpu_decoder_utilization_ratio",
		"gpu_graphics_engine_active_ratio", "gpu_sm_active_ratio", "gpu_sm_occupancy_ratio", "gpu_tensor_active_ratio",
		"gpu_fp64_active_ratio", "gpu_fp32_active_ratio", "gpu_fp16_active_ratio", "gpu_dram_active_ratio", "gpu_fan_speed_ratio",
	}},
	{Gauge, Either, "", 0, "", []string{
		"gpu_pcie_tx_bytes_per_second", "gpu_pcie_rx_bytes_per_second", "gpu_nvlink_tx_bytes_per_second", "gpu_nvlink_rx_bytes_per_second",
		"gpu_memory_clock_hertz", "gpu_video_clock_hertz",
	}},
	{Bytes, Either, "", 0, "", []string{"gpu_memory_used_bytes", "gpu_memory_free_bytes", "gpu_memory_reserved_bytes", "gpu_memory_total_bytes"}},
	{Ratio, Either, "", 0.02, "", []string{"gpu_memory_utilization_ratio"}},
	{Power, Either, "", 0, "", []string{"gpu_power_watts"}},
	{Counter, Either, "", 0, "", []string{"gpu_energy_joules_total"}},

	// GPU: slower than it could be.
	{Temperature, Up, ThermalThrottle, 0, "", []string{"gpu_temperature_celsius", "gpu_memory_temperature_celsius"}},
	{Counter, Up, ThermalThrottle, 0.01, "", []string{
		"gpu_throttle_thermal_seconds_total", "gpu_throttle_sw_thermal_seconds_total", "gpu_throttle_hw_thermal_seconds_total",
	}},
	{Counter, Up, PowerThrottle, 0.01, "", []string{
		"gpu_throttle_power_seconds_total", "gpu_throttle_power_brake_seconds_total", "gpu_throttle_board_limit_seconds_total",
		"gpu_throttle_sync_boost_seconds_total", "gpu_throttle_reliability_seconds_total",
	}},
	{Counter, Either, "", 0.01, "", []string{"gpu_throttle_low_utilization_seconds_total"}},
	{Power, Down, PowerThrottle, 0, "", []string{"gpu_power_limit_watts"}},
	{Gauge, Down, ClockDrop, 0, "", []string{"gpu_sm_clock_hertz", "gpu_graphics_clock_hertz"}},
	{Event, Either, "", 0, "", []string{"gpu_clock_event_reasons"}}, // a set of bits, read by package anomaly
	{Event, Up, "", 0, "", []string{"gpu_clock_events"}},

	// GPU: faults.
	{Event, Either, "", 0, "", []string{"gpu_xid_last", "gpu_xid_errors"}}, // read by package anomaly
	{Gauge, Up, GPUFault, 5, "", []string{"gpu_health_status"}},
	{Counter, Up, MemoryErrors, 0.02, "", []string{
		"gpu_ecc_single_bit_volatile_errors_total", "gpu_ecc_single_bit_aggregate_errors_total",
		"gpu_ecc_dram_correctable_volatile_errors_total", "gpu_ecc_dram_correctable_aggregate_errors_total",
		"gpu_ecc_sram_correctable_volatile_errors_total", "gpu_ecc_sram_correctable_aggregate_errors_total",
		"gpu_remapped_rows_correctable_total", "gpu_retired_pages_single_bit_total",
	}},
	{Counter, Up, MemoryErrors, 0.0005, "", []string{
		"gpu_ecc_double_bit_volatile_errors_total", "gpu_ecc_double_bit_aggregate_errors_total",
		"gpu_ecc_dram_uncorrectable_volatile_errors_total", "gpu_ecc_dram_uncorrectable_aggregate_errors_total",
		"gpu_ecc_sram_uncorrectable_volatile_errors_total", "gpu_ecc_sram_uncorrectable_aggregate_errors_total",
		"gpu_remapped_rows_uncorrectable_total", "gpu_retired_pages_double_bit_total",
	}},
	{Gauge, Up, MemoryErrors, 0.05, "", []string{"gpu_row_remap_failure", "gpu_row_remap_pending", "gpu_retired_pages_pending"}},
	{Counter, Up, LinkErrors, 0.02, "", []string{
		"gpu_pcie_replays_total", "gpu_nvlink_crc_flit_errors_total", "gpu_nvlink_crc_data_errors_total", "gpu_nvlink_replay_errors_total",
	}},
	{Counter, Up, LinkErrors, 0.0005, "", []string{"gpu_nvlink_recovery_errors_total"}},
	{Gauge, Down, LinkErrors, 0.1, "", []string{"gpu_pcie_link_generation", "gpu_pcie_link_width"}},

	// Serving: how much there is to do.
	{Counter, Either, Traffic, 0, "", []string{
		requests, "inference_requests_succeeded_total", "inference_app_requests_total", "inference_router_requests_total",
		"inference_http_requests_total", "inference_responses_2xx_total", "inference_inferences_total", "inference_executions_total",
		"llm_prompt_tokens_total", "llm_generation_tokens_total",
	}},
	{Gauge, Either, Traffic, 0, "", []string{"request_rate", "llm_prompt_tokens_per_second", "llm_generation_tokens_per_second"}},
	{Count, Either, "", 0, "", []string{"llm_request_prompt_tokens", "llm_request_generation_tokens", "llm_iteration_tokens", "llm_client_tokens"}},
	{Counter, Either, "", 0, "", []string{
		"inference_cache_hits_total", "inference_cache_misses_total", "inference_cache_hit_seconds_total", "inference_cache_miss_seconds_total",
		"llm_prefix_cache_queries_total", "llm_prefix_cache_hits_total", "llm_spec_decode_draft_tokens_total", "llm_spec_decode_accepted_tokens_total",
	}},

	// Serving: what waits.
	{Count, Up, Saturation, 0, "", []string{
		"inference_requests_running", "inference_requests_waiting", "inference_requests_swapped", "inference_replica_requests_waiting",
	}},
	{Ratio, Up, Saturation, 0.05, "", []string{"llm_kv_cache_usage_ratio", "llm_cpu_kv_cache_usage_ratio"}},
	{Counter, Up, Saturation, 0.02, "", []string{"llm_preemptions_total"}},
	{Latency, Up, Saturation, 0, requests, []string{"inference_queue_seconds", "inference_last_queue_seconds"}},
	{Counter, Up, Saturation, 0, requests, []string{"inference_queue_seconds_total"}},

	// Serving: what is slow.
	{Latency, Up, Slow, 0, "request_rate", []string{"request_latency_seconds"}}, // of the events themselves
	{Latency, Up, Slow, 0, requests, []string{
		"inference_request_seconds", "inference_app_request_seconds", "inference_http_request_seconds", "inference_first_response_seconds",
		"inference_execution_seconds", "inference_compute_input_seconds", "inference_compute_infer_seconds", "inference_compute_output_seconds",
		"inference_preprocess_seconds", "inference_predict_seconds", "inference_postprocess_seconds", "inference_explain_seconds",
		"inference_last_predict_seconds", "inference_last_handler_seconds", "inference_last_worker_thread_seconds", "inference_worker_load_seconds",
		"llm_client_operation_seconds", "llm_time_to_first_token_seconds", "llm_inter_token_latency_seconds",
		"llm_request_time_per_output_token_seconds", "llm_prefill_seconds", "llm_decode_seconds",
	}},
	{Counter, Either, "", 0, "", []string{ // parts of means, see Derived
		"inference_request_seconds_total", "inference_compute_input_seconds_total", "inference_compute_infer_seconds_total",
		"inference_compute_output_seconds_total",
	}},

	// Serving: what fails.
	{Counter, Up, Failing, 0.01, "", []string{
		"inference_requests_failed_total", "inference_http_requests_failed_total", "inference_responses_4xx_total", "inference_responses_5xx_total",
	}},
	{Counter, Up, CrashLoop, 0.001, "", []string{"inference_replica_starts_total", "kube_pod_container_status_restarts_total"}},
	{Gauge, Down, Failing, 0.1, "", []string{"inference_replica_healthy"}},

	// Hosts.
	{Ratio, Up, CPUPressure, 0.05, "", []string{"host_cpu_utilization_ratio"}},
	{Bytes, Up, MemoryPressure, 0, "", []string{"host_memory_used_bytes", "container_memory_working_set_bytes"}},
	{Bytes, Down, MemoryPressure, 0, "", []string{"host_memory_available_bytes"}},
	{Ratio, Up, MemoryPressure, 0.02, "", []string{"host_memory_utilization_ratio"}},
	{Bytes, Either, "", 0, "", []string{"host_memory_total_bytes", "host_disk_available_bytes"}},
	{Bytes, Up, DiskPressure, 0, "", []string{"host_disk_used_bytes"}},
	{Ratio, Up, DiskPressure, 0.02, "", []string{"host_disk_utilization_ratio"}},
	{Counter, Up, Network, 0.05, "", []string{
		"node_network_receive_errs_total", "node_network_transmit_errs_total", "node_network_receive_drop_total", "node_network_transmit_drop_total",
		"node_netstat_Tcp_RetransSegs",
	}},
	{Counter, Up, CPUPressure, 0.02, "", []string{"container_cpu_cfs_throttled_seconds_total"}},
	{Ratio, Up, ResourceElsewhere, 0.02, "", []string{"host_cpu_steal_ratio"}},

	// Kafka and pipelines.
	{Count, Up, StuckConsumer, 10, "", []string{"kafka_consumergroup_lag", "kafka_consumergroup_lag_sum", "kafka_consumer_records_lag_max"}},
	{Counter, Either, "", 0, "", []string{"kafka_consumergroup_current_offset", "kafka_topic_partition_current_offset"}},
	{Latency, Up, StaleInput, 1, "", []string{"pipeline_stage_watermark_age_seconds", "pipeline_freshness_seconds", "feature_age_seconds"}},
	{Latency, Up, Slow, 0, "pipeline_stage_rows_total", []string{"pipeline_stage_duration_seconds"}},
	{Counter, Down, StoppedJob, 0, "", []string{"pipeline_stage_rows_total", "pipeline_rows_total"}},
	{Counter, Up, BrokenInput, 0.01, "", []string{"pipeline_stage_errors_total", "pipeline_rejected_rows_total", "pipeline_schema_errors_total"}},
	{Ratio, Up, BrokenInput, 0.005, "", []string{"pipeline_stage_null_ratio", "feature_null_ratio"}},
	{Latency, Up, Slow, 0, "provider_requests_total", []string{"provider_request_seconds"}},
	{Counter, Either, Traffic, 0, "", []string{"provider_requests_total"}},
	{Counter, Up, Failing, 0.01, "", []string{"provider_errors_total", "provider_rate_limited_total"}},
	{Counter, Down, StoppedJob, 0, "", []string{"job_items_total"}},
	{Counter, Up, StoppedJob, 0.0005, "", []string{"job_failures_total"}},
}

// Derived is a metric that is the quotient of the growth of two counters: a
// mean of the time between two samples.
type Derived struct{ Name, Sum, Count string }

// Means are the derived metrics. Besides, every metric NAME with series
// NAME_sum and NAME_count is their quotient.
var Means = []Derived{
	{"inference_request_seconds", "inference_request_seconds_total", requests},
	{"inference_queue_seconds", "inference_queue_seconds_total", requests},
	{"inference_compute_infer_seconds", "inference_compute_infer_seconds_total", "inference_inferences_total"},
}
