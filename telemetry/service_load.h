// What the service has in hand, as metrics.
//
// These metrics are asked for at each scrape rather than reported as things happen:
// what one scrape shows of the requests has to be of one moment, so that it adds up.

#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <prometheus/metric_family.h>

#include "common/clock.h"

namespace upscaler {

// All of it as of one moment. A row is one picture of one request.
struct ServiceLoad {
  bool ready = false;                 // It takes work.
  std::size_t waiting_rows = 0;       // For a replica.
  TimePoint::duration oldest_wait{};  // Of these rows.
  std::size_t admitted_rows = 0;      // Not ended yet, wherever they are.
  std::int64_t admitted_bytes = 0;    // Held for their pictures.
  std::int64_t upload_bytes = 0;      // Of pictures that are still arriving.
  std::size_t kept_jobs = 0;          // Of UpscaleJobService, running or ended.
  std::int64_t kept_job_bytes = 0;    // Held for those that have ended.
  // Requests since the start: so many were admitted, of which so many have ended so.
  std::uint64_t admitted = 0;
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t spans_dropped = 0;  // Of traces, since the start.
};

// upscaler_ready, upscaler_spans_dropped_total,
// upscaler_queue_depth, upscaler_queue_oldest_age_seconds, upscaler_queue_bytes,
// upscaler_upload_bytes, upscaler_rows_admitted, upscaler_jobs_kept, upscaler_jobs_bytes,
// upscaler_admitted_total, upscaler_finished_total{outcome} and upscaler_in_flight, where
// admitted = finished + in flight.
std::vector<prometheus::MetricFamily> MetricsOf(const ServiceLoad& load);

}  // namespace upscaler
