#include "telemetry/service_load.h"

#include <chrono>
#include <utility>

namespace upscaler {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

MetricFamily Gauge(const char* name, const char* help, double value) {
  ClientMetric metric;
  metric.gauge.value = value;
  return {.name = name, .help = help, .type = MetricType::Gauge, .metric = {std::move(metric)}};
}

ClientMetric Count(std::uint64_t value, std::vector<ClientMetric::Label> labels) {
  ClientMetric metric;
  metric.label = std::move(labels);
  metric.counter.value = static_cast<double>(value);
  return metric;
}

ClientMetric CountOf(const char* outcome, std::uint64_t value) {
  return Count(value, {{.name = "outcome", .value = outcome}});
}

}  // namespace

std::vector<MetricFamily> MetricsOf(const ServiceLoad& load) {
  const std::uint64_t in_flight = load.admitted - load.done - load.failed - load.cancelled;
  return {Gauge("upscaler_ready", "1 while the server takes work.", load.ready ? 1 : 0),
          Gauge("upscaler_queue_depth", "Rows that wait for a replica.",
                static_cast<double>(load.waiting_rows)),
          Gauge("upscaler_queue_oldest_age_seconds",
                "For how long the oldest of the waiting rows has waited.",
                std::chrono::duration<double>(load.oldest_wait).count()),
          Gauge("upscaler_queue_bytes",
                "Bytes that are held for the pictures of admitted rows, until they are delivered.",
                static_cast<double>(load.admitted_bytes)),
          Gauge("upscaler_upload_bytes", "Bytes that are held of pictures that are still arriving.",
                static_cast<double>(load.upload_bytes)),
          Gauge("upscaler_rows_admitted",
                "Rows that were admitted and have not ended, waiting or in work.",
                static_cast<double>(load.admitted_rows)),
          Gauge("upscaler_jobs_kept", "Jobs that outlive their connection, running or ended.",
                static_cast<double>(load.kept_jobs)),
          Gauge("upscaler_jobs_bytes", "Bytes of pictures and events of jobs that have ended.",
                static_cast<double>(load.kept_job_bytes)),
          Gauge("upscaler_in_flight", "Requests that were admitted and have not ended.",
                static_cast<double>(in_flight)),
          {.name = "upscaler_admitted_total",
           .help = "Requests that were admitted.",
           .type = MetricType::Counter,
           .metric = {Count(load.admitted, {})}},
          {.name = "upscaler_finished_total",
           .help = "Admitted requests that have ended, by what became of them.",
           .type = MetricType::Counter,
           .metric = {CountOf("done", load.done), CountOf("failed", load.failed),
                      CountOf("cancelled", load.cancelled)}},
          {.name = "upscaler_spans_dropped_total",
           .help = "Spans of traces that the collector did not take.",
           .type = MetricType::Counter,
           .metric = {Count(load.spans_dropped, {})}}};
}

}  // namespace upscaler
