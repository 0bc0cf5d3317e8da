package metricnames

// Not in the table, because their unit is not to be had from name and manual
// alone: DCGM_FI_DEV_PCIE_{TX,RX}_THROUGHPUT (KB, said to be a counter, behaves
// as a rate) and DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL (differs between drivers).
var dcgm = source{
	name:  "dcgm",
	about: "NVIDIA's DCGM exporter. Values that mean \"none\" are dropped with the reason `blank`.",
	entries: map[string]entry{
		"DCGM_FI_DEV_GPU_UTIL":            {"gpu_utilization_ratio", percent, gauge},
		"DCGM_FI_DEV_MEM_COPY_UTIL":       {"gpu_memory_copy_utilization_ratio", percent, gauge},
		"DCGM_FI_DEV_ENC_UTIL":            {"gpu_encoder_utilization_ratio", percent, gauge},
		"DCGM_FI_DEV_DEC_UTIL":            {"gpu_decoder_utilization_ratio", percent, gauge},
		"DCGM_FI_PROF_GR_ENGINE_ACTIVE":   {"gpu_graphics_engine_active_ratio", ratio, gauge},
		"DCGM_FI_PROF_SM_ACTIVE":          {"gpu_sm_active_ratio", ratio, gauge},
		"DCGM_FI_PROF_SM_OCCUPANCY":       {"gpu_sm_occupancy_ratio", ratio, gauge},
		"DCGM_FI_PROF_PIPE_TENSOR_ACTIVE": {"gpu_tensor_active_ratio", ratio, gauge},
		"DCGM_FI_PROF_PIPE_FP64_ACTIVE":   {"gpu_fp64_active_ratio", ratio, gauge},
		"DCGM_FI_PROF_PIPE_FP32_ACTIVE":   {"gpu_fp32_active_ratio", ratio, gauge},
		"DCGM_FI_PROF_PIPE_FP16_ACTIVE":   {"gpu_fp16_active_ratio", ratio, gauge},
		"DCGM_FI_PROF_DRAM_ACTIVE":        {"gpu_dram_active_ratio", ratio, gauge},
		"DCGM_FI_PROF_PCIE_TX_BYTES":      {"gpu_pcie_tx_bytes_per_second", bytesPerSecond, gauge},
		"DCGM_FI_PROF_PCIE_RX_BYTES":      {"gpu_pcie_rx_bytes_per_second", bytesPerSecond, gauge},
		"DCGM_FI_PROF_NVLINK_TX_BYTES":    {"gpu_nvlink_tx_bytes_per_second", bytesPerSecond, gauge},
		"DCGM_FI_PROF_NVLINK_RX_BYTES":    {"gpu_nvlink_rx_bytes_per_second", bytesPerSecond, gauge},
		"DCGM_FI_DEV_PCIE_LINK_GEN":       {"gpu_pcie_link_generation", code, gauge},
		"DCGM_FI_DEV_PCIE_LINK_WIDTH":     {"gpu_pcie_link_width", number, gauge},

		"DCGM_FI_DEV_FB_USED":         {"gpu_memory_used_bytes", mebibytes, gauge},
		"DCGM_FI_DEV_FB_FREE":         {"gpu_memory_free_bytes", mebibytes, gauge},
		"DCGM_FI_DEV_FB_RESERVED":     {"gpu_memory_reserved_bytes", mebibytes, gauge},
		"DCGM_FI_DEV_FB_TOTAL":        {"gpu_memory_total_bytes", mebibytes, gauge},
		"DCGM_FI_DEV_FB_USED_PERCENT": {"gpu_memory_utilization_ratio", ratio, gauge}, // 0 to 1 in spite of its name

		"DCGM_FI_DEV_GPU_TEMP":                 {"gpu_temperature_celsius", celsius, gauge},
		"DCGM_FI_DEV_MEMORY_TEMP":              {"gpu_memory_temperature_celsius", celsius, gauge},
		"DCGM_FI_DEV_FAN_SPEED":                {"gpu_fan_speed_ratio", percent, gauge},
		"DCGM_FI_DEV_POWER_USAGE":              {"gpu_power_watts", watts, gauge},
		"DCGM_FI_DEV_ENFORCED_POWER_LIMIT":     {"gpu_power_limit_watts", watts, gauge},
		"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION": {"gpu_energy_joules_total", millijoules, counter},
		"DCGM_FI_DEV_SM_CLOCK":                 {"gpu_sm_clock_hertz", megahertz, gauge},
		"DCGM_FI_DEV_MEM_CLOCK":                {"gpu_memory_clock_hertz", megahertz, gauge},
		"DCGM_FI_DEV_VIDEO_CLOCK":              {"gpu_video_clock_hertz", megahertz, gauge},

		// Older headers and the exporter's list say microseconds; they count
		// nanoseconds, as NVML does.
		"DCGM_FI_DEV_POWER_VIOLATION":                                {"gpu_throttle_power_seconds_total", nanoseconds, counter},
		"DCGM_FI_DEV_THERMAL_VIOLATION":                              {"gpu_throttle_thermal_seconds_total", nanoseconds, counter},
		"DCGM_FI_DEV_SYNC_BOOST_VIOLATION":                           {"gpu_throttle_sync_boost_seconds_total", nanoseconds, counter},
		"DCGM_FI_DEV_BOARD_LIMIT_VIOLATION":                          {"gpu_throttle_board_limit_seconds_total", nanoseconds, counter},
		"DCGM_FI_DEV_LOW_UTIL_VIOLATION":                             {"gpu_throttle_low_utilization_seconds_total", nanoseconds, counter},
		"DCGM_FI_DEV_RELIABILITY_VIOLATION":                          {"gpu_throttle_reliability_seconds_total", nanoseconds, counter},
		"DCGM_FI_DEV_CLOCKS_EVENT_REASON_SW_POWER_CAP_NS":            {"gpu_throttle_power_seconds_total", nanoseconds, counter},
		"DCGM_FI_DEV_CLOCKS_EVENT_REASON_SYNC_BOOST_NS":              {"gpu_throttle_sync_boost_seconds_total", nanoseconds, counter},
		"DCGM_FI_DEV_CLOCKS_EVENT_REASON_SW_THERM_SLOWDOWN_NS":       {"gpu_throttle_sw_thermal_seconds_total", nanoseconds, counter},
		"DCGM_FI_DEV_CLOCKS_EVENT_REASON_HW_THERM_SLOWDOWN_NS":       {"gpu_throttle_hw_thermal_seconds_total", nanoseconds, counter},
		"DCGM_FI_DEV_CLOCKS_EVENT_REASON_HW_POWER_BRAKE_SLOWDOWN_NS": {"gpu_throttle_power_brake_seconds_total", nanoseconds, counter},
		"DCGM_FI_DEV_CLOCK_THROTTLE_REASONS":                         {"gpu_clock_event_reasons", bitmask, gauge}, // until DCGM 3.2
		"DCGM_FI_DEV_CLOCKS_EVENT_REASONS":                           {"gpu_clock_event_reasons", bitmask, gauge},
		"DCGM_EXP_CLOCK_EVENTS_COUNT":                                {"gpu_clock_events", number, gauge},

		"DCGM_FI_DEV_XID_ERRORS":                        {"gpu_xid_last", code, gauge},
		"DCGM_EXP_XID_ERRORS_COUNT":                     {"gpu_xid_errors", number, gauge},
		"DCGM_EXP_GPU_HEALTH_STATUS":                    {"gpu_health_status", code, gauge},
		"DCGM_FI_DEV_ECC_SBE_VOL_TOTAL":                 {"gpu_ecc_single_bit_volatile_errors_total", number, counter},
		"DCGM_FI_DEV_ECC_DBE_VOL_TOTAL":                 {"gpu_ecc_double_bit_volatile_errors_total", number, counter},
		"DCGM_FI_DEV_ECC_SBE_AGG_TOTAL":                 {"gpu_ecc_single_bit_aggregate_errors_total", number, counter},
		"DCGM_FI_DEV_ECC_DBE_AGG_TOTAL":                 {"gpu_ecc_double_bit_aggregate_errors_total", number, counter},
		"DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS":       {"gpu_remapped_rows_uncorrectable_total", number, counter},
		"DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS":         {"gpu_remapped_rows_correctable_total", number, counter},
		"DCGM_FI_DEV_ROW_REMAP_FAILURE":                 {"gpu_row_remap_failure", zeroOrOne, gauge},
		"DCGM_FI_DEV_ROW_REMAP_PENDING":                 {"gpu_row_remap_pending", zeroOrOne, gauge},
		"DCGM_FI_DEV_RETIRED_SBE":                       {"gpu_retired_pages_single_bit_total", number, counter},
		"DCGM_FI_DEV_RETIRED_DBE":                       {"gpu_retired_pages_double_bit_total", number, counter},
		"DCGM_FI_DEV_RETIRED_PENDING":                   {"gpu_retired_pages_pending", number, gauge},
		"DCGM_FI_DEV_PCIE_REPLAY_COUNTER":               {"gpu_pcie_replays_total", number, counter},
		"DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL": {"gpu_nvlink_crc_flit_errors_total", number, counter},
		"DCGM_FI_DEV_NVLINK_CRC_DATA_ERROR_COUNT_TOTAL": {"gpu_nvlink_crc_data_errors_total", number, counter},
		"DCGM_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL":   {"gpu_nvlink_replay_errors_total", number, counter},
		"DCGM_FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL": {"gpu_nvlink_recovery_errors_total", number, counter},
	},
}
