// The service's metrics: what is counted, under which names and labels.
//
// Names and units follow Prometheus' rules. Labels take only values that are
// listed here or come from the configuration, never from a client, so the number
// of series is fixed.

#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
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
#include "telemetry/service_load.h"

namespace upscaler {

// Thread-safe. Methods return at once.
class Metrics {
 public:
  // The way a request came in.
  enum class Api { kGrpc, kRest };

  // Why a request was refused.
  enum class Rejection { kFull, kDeadline, kMemory, kDraining, kInvalid, kQuota };

  // Parts of the work that are timed one by one.
  enum class Stage { kDecode, kText, kVaeEncode, kDenoise, kVaeDecode, kEncode };

  // Where a row was when its caller went away.
  enum class CancelStage { kQueued, kRunning, kDelivering };

  // What is fixed from the start.
  struct Setup {
    std::string version{};   // Of this service.
    std::string libtorch{};  // The version of the library it runs on.
    std::string model{};     // The served model's name.
    std::vector<std::string> devices{};
    std::size_t queue_capacity = 0;  // Rows that are admitted at most.
  };

  // Of a device, in bytes.
  struct Memory {
    std::int64_t used = 0;
    std::int64_t free = 0;
  };

  using WallClock = std::function<std::chrono::system_clock::time_point()>;

  // `load` is called at every scrape, `wall_clock` at every step, from any thread; they
  // must not block, and what they refer to must outlive the metrics.
  Metrics(const Setup& setup, std::function<ServiceLoad()> load, WallClock wall_clock);

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
  // upscaler_step_duration_seconds, upscaler_step_batch_size and
  // upscaler_last_step_timestamp_seconds: one forward pass over `rows` rows.
  void ObserveStep(std::size_t rows, TimePoint::duration took);
  // upscaler_text_cache_hits_total and upscaler_text_cache_misses_total
  void CountTextCache(int hits, int misses);
  // upscaler_cancelled_total{stage}: a row's caller went away.
  void CountCancelled(CancelStage stage);
  // upscaler_wasted_steps_total
  void CountWastedSteps(int steps);
  // upscaler_device_oom_total{device}. `device` is one of the setup's, here and below.
  void CountOutOfMemory(std::string_view device);
  // upscaler_replica_up{device}: one more replica takes work, or one less.
  void CountReplica(std::string_view device, bool up);
  // upscaler_device_memory_bytes{device,state}
  void SetDeviceMemory(std::string_view device, const Memory& memory);

  // All metrics as they are now, those of the process too.
  std::vector<prometheus::MetricFamily> Collect() const;

 private:
  static constexpr std::size_t kApis = 2;
  static constexpr std::size_t kRejections = 6;
  static constexpr std::size_t kStages = 6;
  static constexpr std::size_t kCancelStages = 3;

  // The series of one device.
  struct Device {
    prometheus::Gauge& replicas_up;
    prometheus::Gauge& memory_used;
    prometheus::Gauge& memory_free;
    prometheus::Counter& out_of_memory;
  };

  prometheus::Counter& RequestsOf(const std::string& api, absl::StatusCode code);
  std::map<std::string, Device, std::less<>> AddDevices(const std::vector<std::string>& names);
  const Device& DeviceOf(std::string_view name) const;

  const std::function<ServiceLoad()> load_;
  const WallClock wall_clock_;
  // Owns everything that the references and pointers below point at.
  const std::unique_ptr<prometheus::Registry> registry_;

  prometheus::Family<prometheus::Counter>& requests_;
  const std::array<prometheus::Histogram*, kApis> request_duration_;
  const std::array<prometheus::Counter*, kRejections> rejected_;
  prometheus::Histogram& queue_wait_;
  const std::array<prometheus::Histogram*, kStages> stage_duration_;
  prometheus::Histogram& step_duration_;
  prometheus::Histogram& step_batch_size_;
  prometheus::Gauge& last_step_;
  prometheus::Counter& text_cache_hits_;
  prometheus::Counter& text_cache_misses_;
  const std::array<prometheus::Counter*, kCancelStages> cancelled_;
  prometheus::Counter& wasted_steps_;
  const std::map<std::string, Device, std::less<>> devices_;  // By name.
};

}  // namespace upscaler
