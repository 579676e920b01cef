// An observer that keeps nothing.

#pragma once

#include <string_view>

#include "worker/scheduler/observer.h"

namespace upscaler::test {

class NullObserver final : public Observer {
 public:
  void OnQueueWait(TimePoint::duration /*wait*/) override {}
  void OnStage(Stage /*stage*/, TimePoint::duration /*took*/) override {}
  void OnStep(std::size_t /*rows*/, TimePoint::duration /*took*/) override {}
  void OnTextCache(int /*hits*/, int /*misses*/) override {}
  void OnCancelled(CancelStage /*stage*/) override {}
  void OnWastedSteps(int /*steps*/) override {}
  void OnOutOfMemory(std::string_view /*device*/) override {}
  void OnReplica(std::string_view /*device*/, bool /*up*/) override {}
};

}  // namespace upscaler::test
