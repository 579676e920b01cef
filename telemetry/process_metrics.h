// The process itself, by the names that Prometheus' client libraries give such metrics.

#pragma once

#include <filesystem>
#include <vector>

#include <prometheus/metric_family.h>

namespace upscaler {

// process_cpu_seconds_total, process_resident_memory_bytes, process_virtual_memory_bytes,
// process_open_fds, process_max_fds and process_start_time_seconds, as Linux' `proc` has them now;
// without those that cannot be read. Thread-safe.
std::vector<prometheus::MetricFamily> ProcessMetrics(const std::filesystem::path& proc = "/proc");

}  // namespace upscaler
