// An observer that keeps nothing.

#pragma once

#include "worker/scheduler/observer.h"

namespace upscaler::test {

class NullObserver final : public Observer {
 public:
  void OnQueueWait(TimePoint::duration /*wait*/) override {}
  void OnStage(Stage /*stage*/, TimePoint::duration /*took*/) override {}
  void OnStep(std::size_t /*batch_rows*/, TimePoint::duration /*took*/) override {}
};

}  // namespace upscaler::test
