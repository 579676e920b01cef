// Where engines without a model come from, and how often they were asked for.

#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/mutex.h"
#include "tests/support/delay_engine.h"
#include "worker/scheduler/engine.h"

namespace upscaler::test {

// All of its engines share one script. Thread-safe.
class DelayEngines final : public EngineSource {
 public:
  static constexpr std::int64_t kMemory = std::int64_t{1} << 30;  // Of each device, in bytes.

  // `script` must outlive the engines.
  explicit DelayEngines(EngineScript& script) : script_(script) {}

  absl::StatusOr<std::unique_ptr<Engine>> Make(std::string_view device) override {
    MutexLock lock(mutex_);
    devices_.emplace_back(device);
    changed_.notify_all();
    while (hanging_) lock.Wait(changed_);
    if (failures_left_ > 0) {
      --failures_left_;
      return error_;
    }
    return std::make_unique<DelayEngine>(script_);
  }

  // Hangs while making engines does.
  DeviceMemory MemoryOf(std::string_view /*device*/) const override {
    MutexLock lock(mutex_);
    ++memory_questions_;
    changed_.notify_all();
    while (hanging_) lock.Wait(changed_);
    return {.total = kMemory, .free = kMemory / 4};
  }

  int memory_questions() const {
    MutexLock lock(mutex_);
    return memory_questions_;
  }

  // Waits until it was asked so often how much memory there is.
  void AwaitMemoryQuestions(int count) const {
    MutexLock lock(mutex_);
    while (memory_questions_ < count) lock.Wait(changed_);
  }

  // The next `times` engines that are asked for cannot be made.
  void FailMake(absl::Status error, int times = EngineScript::kAlways) {
    MutexLock lock(mutex_);
    error_ = std::move(error);
    failures_left_ = times;
  }

  // From now on making an engine takes until Release.
  void Hang() {
    MutexLock lock(mutex_);
    hanging_ = true;
  }
  void Release() {
    MutexLock lock(mutex_);
    hanging_ = false;
    changed_.notify_all();
  }

  // Waits until so many engines were asked for.
  void AwaitAsked(std::size_t engines) {
    MutexLock lock(mutex_);
    while (devices_.size() < engines) lock.Wait(changed_);
  }

  // The devices that engines were asked for, in order, in vain too.
  std::vector<std::string> devices() const {
    MutexLock lock(mutex_);
    return devices_;
  }

 private:
  EngineScript& script_;

  mutable Mutex mutex_;
  mutable std::condition_variable changed_;  // Something is asked for, or goes on.
  bool hanging_ ABSL_GUARDED_BY(mutex_) = false;
  mutable int memory_questions_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status error_ ABSL_GUARDED_BY(mutex_);
  int failures_left_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<std::string> devices_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace upscaler::test
