#include "telemetry/metrics.h"

#include <chrono>
#include <utility>

namespace upscaler {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;
using prometheus::Registry;
using Buckets = Histogram::BucketBoundaries;

// In the order of the enums.
constexpr std::array kApiNames = {"grpc", "rest"};
constexpr std::array kRejectionNames = {"full", "deadline", "memory", "draining", "invalid"};
constexpr std::array kStageNames = {"decode", "model_encode", "denoise", "model_decode", "encode"};

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

Metrics::Metrics(const Build& build, Queue queue)
    : queue_(std::move(queue)),
      registry_(std::make_unique<Registry>()),
      requests_(
          AddCounters(*registry_, "upscaler_requests_total", "Requests answered, by outcome.")),
      request_duration_(
          OnePerValue(AddHistograms(*registry_, "upscaler_request_duration_seconds",
                                    "Seconds from a request's arrival to the end of its answer."),
                      "api", kApiNames, RequestBuckets())),
      rejected_(OnePerValue(AddCounters(*registry_, "upscaler_rejected_total",
                                        "Requests that were not admitted, by reason."),
                            "reason", kRejectionNames)),
      queue_depth_(AddGauges(*registry_, "upscaler_queue_depth",
                             "Rows in the queue; a row is one image of one request.")
                       .Add({})),
      queue_wait_(AddHistograms(*registry_, "upscaler_queue_wait_seconds",
                                "Seconds that a row waited for a replica.")
                      .Add({}, PartBuckets())),
      stage_duration_(OnePerValue(
          AddHistograms(*registry_, "upscaler_stage_duration_seconds",
                        "Seconds that one part of the work took. model_encode is the text "
                        "encoder and the VAE's encoder together."),
          "stage", kStageNames, PartBuckets())),
      step_duration_(AddHistograms(*registry_, "upscaler_step_duration_seconds",
                                   "Seconds of one denoising step of a batch.")
                         .Add({}, PartBuckets())),
      step_batch_size_(AddHistograms(*registry_, "upscaler_step_batch_size",
                                     "Rows that shared one denoising step.")
                           .Add({}, BatchBuckets())),
      replica_up_(AddGauges(*registry_, "upscaler_replica_up",
                            "1 while the replica on the device takes work, otherwise 0.")) {
  AddGauges(*registry_, "upscaler_queue_capacity", "Rows that the queue admits at most.")
      .Add({})
      .Set(static_cast<double>(queue_.capacity));
  AddGauges(*registry_, "upscaler_build_info", "Always 1; the labels say what is running.")
      .Add({{"version", build.version}, {"libtorch", build.libtorch}, {"model", build.model}})
      .Set(1);
}

void Metrics::CountRequest(Api api, absl::StatusCode code, TimePoint::duration took) {
  const std::string api_name = kApiNames[IndexOf(api)];
  requests_.Add({{"api", api_name}, {"code", absl::StatusCodeToString(code)}}).Increment();
  request_duration_[IndexOf(api)]->Observe(Seconds(took));
}

void Metrics::CountRejection(Rejection reason) { rejected_[IndexOf(reason)]->Increment(); }

void Metrics::ObserveQueueWait(TimePoint::duration wait) { queue_wait_.Observe(Seconds(wait)); }

void Metrics::ObserveStage(Stage stage, TimePoint::duration took) {
  stage_duration_[IndexOf(stage)]->Observe(Seconds(took));
}

void Metrics::ObserveStep(std::size_t rows, TimePoint::duration took) {
  step_duration_.Observe(Seconds(took));
  step_batch_size_.Observe(static_cast<double>(rows));
}

void Metrics::SetReplicaUp(std::string_view device, bool up) {
  replica_up_.Add({{"device", std::string(device)}}).Set(up ? 1 : 0);
}

std::vector<prometheus::MetricFamily> Metrics::Collect() const {
  queue_depth_.Set(static_cast<double>(queue_.depth()));
  return registry_->Collect();
}

}  // namespace upscaler
