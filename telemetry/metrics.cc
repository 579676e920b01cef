#include "telemetry/metrics.h"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <utility>

#include "telemetry/process_metrics.h"

namespace upscaler {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;
using prometheus::MetricFamily;
using prometheus::Registry;
using Buckets = Histogram::BucketBoundaries;

// In the order of the enums.
constexpr std::array kApiNames = {"grpc", "rest"};
constexpr std::array kRejectionNames = {"full",     "deadline", "memory",
                                        "draining", "invalid",  "quota"};
constexpr std::array kStageNames = {"decode",  "text",       "vae_encode",
                                    "denoise", "vae_decode", "encode"};
// Codes that are there, at zero, from the first scrape on: of what had no series before its first
// count, Prometheus would not see that count. Others are added as they come.
constexpr std::array kUsualCodes = {
    absl::StatusCode::kOk,          absl::StatusCode::kInvalidArgument,
    absl::StatusCode::kCancelled,   absl::StatusCode::kDeadlineExceeded,
    absl::StatusCode::kUnavailable, absl::StatusCode::kResourceExhausted,
    absl::StatusCode::kInternal};
constexpr std::array kCancelStageNames = {"queued", "running", "delivering"};

// In seconds, from a small picture on an idle GPU to a large one on a CPU behind
// a long queue.
Buckets RequestBuckets() { return {0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300}; }

// In seconds. Parts of a request are shorter, and a GPU's step is milliseconds.
Buckets PartBuckets() {
  return {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};
}

// In rows.
Buckets BatchBuckets() { return {1, 2, 3, 4, 6, 8, 12, 16, 24, 32}; }

Family<Counter>& AddCounters(Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

Family<Gauge>& AddGauges(Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
}

Family<Histogram>& AddHistograms(Registry& registry, const char* name, const char* help) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
}

// One series for each value of a label, so that all are there, at zero, from the
// first scrape on. `arguments` are those of the metric's constructor.
template <typename Metric, std::size_t N, typename... Arguments>
std::array<Metric*, N> OnePerValue(Family<Metric>& family, const char* label,
                                   const std::array<const char*, N>& values,
                                   const Arguments&... arguments) {
  std::array<Metric*, N> series{};
  for (std::size_t i = 0; i < N; ++i) series[i] = &family.Add({{label, values[i]}}, arguments...);
  return series;
}

template <typename Enum>
std::size_t IndexOf(Enum value) {
  return static_cast<std::size_t>(value);
}

double Seconds(TimePoint::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

Metrics::Metrics(const Setup& setup, std::function<ServiceLoad()> load, WallClock wall_clock)
    : load_(std::move(load)),
      wall_clock_(std::move(wall_clock)),
      registry_(std::make_unique<Registry>()),
      requests_(
          AddCounters(*registry_, "upscaler_requests_total", "Requests answered, by outcome.")),
      request_duration_(
          OnePerValue(AddHistograms(*registry_, "upscaler_request_duration_seconds",
                                    "Seconds from a request's arrival to the end of its answer."),
                      "api", kApiNames, RequestBuckets())),
      rejected_(OnePerValue(AddCounters(*registry_, "upscaler_rejected_total",
                                        "Requests that were refused, by reason."),
                            "reason", kRejectionNames)),
      queue_wait_(AddHistograms(*registry_, "upscaler_queue_wait_seconds",
                                "Seconds that a row waited for a replica.")
                      .Add({}, PartBuckets())),
      stage_duration_(OnePerValue(AddHistograms(*registry_, "upscaler_stage_duration_seconds",
                                                "Seconds that one part of the work took."),
                                  "stage", kStageNames, PartBuckets())),
      step_duration_(AddHistograms(*registry_, "upscaler_step_duration_seconds",
                                   "Seconds of one denoising step of a batch.")
                         .Add({}, PartBuckets())),
      step_batch_size_(AddHistograms(*registry_, "upscaler_step_batch_size",
                                     "Rows that shared one denoising step.")
                           .Add({}, BatchBuckets())),
      last_step_(AddGauges(*registry_, "upscaler_last_step_timestamp_seconds",
                           "When the last step ended, in Unix time; 0 before the first one.")
                     .Add({})),
      text_cache_hits_(AddCounters(*registry_, "upscaler_text_cache_hits_total",
                                   "Prompts whose encoding was still known.")
                           .Add({})),
      text_cache_misses_(AddCounters(*registry_, "upscaler_text_cache_misses_total",
                                     "Prompts that had to be encoded.")
                             .Add({})),
      cancelled_(OnePerValue(AddCounters(*registry_, "upscaler_cancelled_total",
                                         "Rows whose caller went away, by where they were."),
                             "stage", kCancelStageNames)),
      wasted_steps_(AddCounters(*registry_, "upscaler_wasted_steps_total",
                                "Steps done for rows that ended without a result.")
                        .Add({})),
      devices_(AddDevices(setup.devices)) {
  for (const char* api : kApiNames) {
    for (const absl::StatusCode code : kUsualCodes) RequestsOf(api, code);
  }
  AddGauges(*registry_, "upscaler_queue_capacity",
            "Rows that are admitted at most, waiting or in work.")
      .Add({})
      .Set(static_cast<double>(setup.queue_capacity));
  AddGauges(*registry_, "upscaler_build_info", "Always 1; the labels say what is running.")
      .Add({{"version", setup.version}, {"libtorch", setup.libtorch}, {"model", setup.model}})
      .Set(1);
}

std::map<std::string, Metrics::Device, std::less<>> Metrics::AddDevices(
    const std::vector<std::string>& names) {
  Family<Gauge>& replicas_up = AddGauges(*registry_, "upscaler_replica_up",
                                         "Replicas on the device that take work at present.");
  Family<Gauge>& memory = AddGauges(*registry_, "upscaler_device_memory_bytes",
                                    "Memory of the device, by whether it is in use.");
  Family<Counter>& out_of_memory =
      AddCounters(*registry_, "upscaler_device_oom_total",
                  "Forward passes that found no memory on the device.");
  std::map<std::string, Device, std::less<>> devices;
  for (const std::string& name : names) {
    devices.emplace(name, Device{.replicas_up = replicas_up.Add({{"device", name}}),
                                 .memory_used = memory.Add({{"device", name}, {"state", "used"}}),
                                 .memory_free = memory.Add({{"device", name}, {"state", "free"}}),
                                 .out_of_memory = out_of_memory.Add({{"device", name}})});
  }
  return devices;
}

const Metrics::Device& Metrics::DeviceOf(std::string_view name) const {
  const auto device = devices_.find(name);
  assert(device != devices_.end());
  return device->second;
}

void Metrics::CountRequest(Api api, absl::StatusCode code, TimePoint::duration took) {
  RequestsOf(kApiNames[IndexOf(api)], code).Increment();
  request_duration_[IndexOf(api)]->Observe(Seconds(took));
}

Counter& Metrics::RequestsOf(const std::string& api, absl::StatusCode code) {
  return requests_.Add({{"api", api}, {"code", absl::StatusCodeToString(code)}});
}

void Metrics::CountRejection(Rejection reason) { rejected_[IndexOf(reason)]->Increment(); }

void Metrics::ObserveQueueWait(TimePoint::duration wait) { queue_wait_.Observe(Seconds(wait)); }

void Metrics::ObserveStage(Stage stage, TimePoint::duration took) {
  stage_duration_[IndexOf(stage)]->Observe(Seconds(took));
}

void Metrics::ObserveStep(std::size_t rows, TimePoint::duration took) {
  step_duration_.Observe(Seconds(took));
  step_batch_size_.Observe(static_cast<double>(rows));
  last_step_.Set(std::chrono::duration<double>(wall_clock_().time_since_epoch()).count());
}

void Metrics::CountTextCache(int hits, int misses) {
  text_cache_hits_.Increment(hits);
  text_cache_misses_.Increment(misses);
}

void Metrics::CountCancelled(CancelStage stage) { cancelled_[IndexOf(stage)]->Increment(); }

void Metrics::CountWastedSteps(int steps) { wasted_steps_.Increment(steps); }

void Metrics::CountOutOfMemory(std::string_view device) {
  DeviceOf(device).out_of_memory.Increment();
}

void Metrics::CountReplica(std::string_view device, bool up) {
  DeviceOf(device).replicas_up.Increment(up ? 1 : -1);
}

void Metrics::SetDeviceMemory(std::string_view device, const Memory& memory) {
  DeviceOf(device).memory_used.Set(static_cast<double>(memory.used));
  DeviceOf(device).memory_free.Set(static_cast<double>(memory.free));
}

std::vector<MetricFamily> Metrics::Collect() const {
  std::vector<MetricFamily> families = registry_->Collect();
  std::ranges::move(MetricsOf(load_()), std::back_inserter(families));
  std::ranges::move(ProcessMetrics(), std::back_inserter(families));
  return families;
}

}  // namespace upscaler
