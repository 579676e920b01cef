// What the worker reports, as metrics.

#pragma once

#include <cstddef>
#include <string_view>

#include "telemetry/metrics.h"
#include "worker/scheduler/observer.h"

namespace upscaler {

// Thread-safe.
class ObserverMetrics final : public Observer {
 public:
  // `metrics` must outlive the observer and know its devices.
  explicit ObserverMetrics(Metrics& metrics) : metrics_(metrics) {}

  void OnQueueWait(TimePoint::duration wait) override;
  void OnStage(Stage stage, TimePoint::duration took) override;
  void OnStep(std::size_t rows, TimePoint::duration took) override;
  void OnTextCache(int hits, int misses) override;
  void OnCancelled(CancelStage stage) override;
  void OnWastedSteps(int steps) override;
  void OnOutOfMemory(std::string_view device) override;
  void OnReplica(std::string_view device, bool up) override;

 private:
  Metrics& metrics_;
};

}  // namespace upscaler
