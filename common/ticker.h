// Something that is done again and again, on a thread of its own.

#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <thread>

#include <absl/base/thread_annotations.h>

#include "common/mutex.h"

namespace upscaler {

class Ticker {
 public:
  // Calls `task` every `interval` from now on. It must not throw.
  Ticker(std::chrono::milliseconds interval, std::function<void()> task);

  // Waits for the task if it is at work; it is not called afterwards.
  ~Ticker() ABSL_LOCKS_EXCLUDED(mutex_);

  Ticker(const Ticker&) = delete;
  Ticker& operator=(const Ticker&) = delete;

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  // False when the ticker is to end.
  bool AwaitNext() ABSL_LOCKS_EXCLUDED(mutex_);

  const std::chrono::milliseconds interval_;
  const std::function<void()> task_;

  Mutex mutex_;
  std::condition_variable changed_;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;

  // Last, so that it starts after, and ends before, everything it uses.
  std::jthread thread_;
};

}  // namespace upscaler
