// The service's metrics: what is counted, under which names and labels.
//
// Names and units follow Prometheus' rules. Labels take only values that are
// listed here or come from the configuration, never from a client, so the number
// of series is fixed.

#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/metric_family.h>
#include <prometheus/registry.h>

#include "common/clock.h"

namespace upscaler {

// Thread-safe. Methods return at once.
class Metrics {
 public:
  // The way a request came in.
  enum class Api { kGrpc, kRest };

  // Why a request was not admitted.
  enum class Rejection { kFull, kDeadline, kMemory, kDraining, kInvalid };

  // Parts of the work that are timed one by one. The text encoder and the VAE's
  // encoder run as one, when a row is taken in.
  enum class Stage { kDecode, kModelEncode, kDenoise, kModelDecode, kEncode };

  // What the gauges of the queue show. `depth` is called at every scrape, from
  // any thread, and must not block.
  struct Queue {
    std::size_t capacity = 0;
    std::function<std::size_t()> depth;
  };

  // What upscaler_build_info says.
  struct Build {
    std::string version;   // Of this service.
    std::string libtorch;  // Of the library it runs on.
    std::string model;     // The served model's name.
  };

  // What `queue.depth` refers to must outlive the metrics.
  Metrics(const Build& build, Queue queue);

  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // upscaler_requests_total{api,code} and upscaler_request_duration_seconds{api}:
  // a request was answered with `code`, `took` after it came.
  void CountRequest(Api api, absl::StatusCode code, TimePoint::duration took);
  // upscaler_rejected_total{reason}
  void CountRejection(Rejection reason);
  // upscaler_queue_wait_seconds: a row left the queue for a replica.
  void ObserveQueueWait(TimePoint::duration wait);
  // upscaler_stage_duration_seconds{stage}
  void ObserveStage(Stage stage, TimePoint::duration took);
  // upscaler_step_duration_seconds and upscaler_step_batch_size: one forward
  // pass over `rows` rows.
  void ObserveStep(std::size_t rows, TimePoint::duration took);
  // upscaler_replica_up{device}. `device` is a name from the configuration.
  void SetReplicaUp(std::string_view device, bool up);

  // All metrics as they are now.
  std::vector<prometheus::MetricFamily> Collect() const;

 private:
  static constexpr std::size_t kApis = 2;
  static constexpr std::size_t kRejections = 5;
  static constexpr std::size_t kStages = 5;

  const Queue queue_;
  // Owns everything that the references and pointers below point at.
  const std::unique_ptr<prometheus::Registry> registry_;

  prometheus::Family<prometheus::Counter>& requests_;
  const std::array<prometheus::Histogram*, kApis> request_duration_;
  const std::array<prometheus::Counter*, kRejections> rejected_;
  prometheus::Gauge& queue_depth_;
  prometheus::Histogram& queue_wait_;
  const std::array<prometheus::Histogram*, kStages> stage_duration_;
  prometheus::Histogram& step_duration_;
  prometheus::Histogram& step_batch_size_;
  prometheus::Family<prometheus::Gauge>& replica_up_;
};

}  // namespace upscaler
