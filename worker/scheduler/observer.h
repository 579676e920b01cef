// What the scheduler tells of itself, for metrics. The worker knows no
// Prometheus; server/ implements this over its counters.

#pragma once

#include <cstddef>

#include "common/clock.h"

namespace upscaler {

// Parts of the work that are timed one by one.
enum class Stage { kImageDecode, kModelEncode, kDenoise, kModelDecode, kImageEncode };

// Thread-safe, as every implementation must be. Calls return at once.
class Observer {
 public:
  virtual ~Observer() = default;

  virtual void OnQueueWait(TimePoint::duration wait) = 0;
  virtual void OnStage(Stage stage, TimePoint::duration took) = 0;
  virtual void OnStep(std::size_t batch_rows, TimePoint::duration took) = 0;
};

}  // namespace upscaler
