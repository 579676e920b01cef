// What the worker reports, as metrics.

#pragma once

#include "telemetry/metrics.h"
#include "worker/scheduler/observer.h"

namespace upscaler {

// Thread-safe.
class ObserverMetrics final : public Observer {
 public:
  // `metrics` must outlive the observer.
  explicit ObserverMetrics(Metrics& metrics) : metrics_(metrics) {}

  void OnQueueWait(TimePoint::duration wait) override;
  void OnStage(Stage stage, TimePoint::duration took) override;
  void OnStep(std::size_t batch_rows, TimePoint::duration took) override;

 private:
  Metrics& metrics_;
};

}  // namespace upscaler
