// The signals that ask the process to end: SIGTERM and SIGINT.
//
// What a signal means depends on how far the process is, and the answer has to come at
// once whatever the other threads are at, so a thread of its own takes them.

#pragma once

#include <condition_variable>
#include <csignal>
#include <thread>

#include <absl/base/thread_annotations.h>

#include "common/mutex.h"

namespace upscaler {

// One a process, made by main before there are other threads. Thread-safe.
class EndSignals {
 public:
  // Blocks the signals in this thread and in all that come from it, for good. Until
  // BeginService a signal ends the process with 0: nobody has been promised anything.
  EndSignals();
  ~EndSignals();
  EndSignals(const EndSignals&) = delete;
  EndSignals& operator=(const EndSignals&) = delete;

  // From now on the first signal is left to Await, and any other ends the process with
  // 128 and its number, as shells have it.
  void BeginService() ABSL_LOCKS_EXCLUDED(mutex_);

  // Blocks until the first signal. Requires BeginService.
  void Await() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  enum class Phase { kStarting, kServing, kEnding, kOver };

  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  // What a signal means now. False when the thread is to end.
  bool Take(int signal) ABSL_LOCKS_EXCLUDED(mutex_);

  const sigset_t signals_;

  Mutex mutex_;
  std::condition_variable changed_;  // phase_ is another.
  Phase phase_ ABSL_GUARDED_BY(mutex_) = Phase::kStarting;

  // Last, so that it starts after, and ends before, everything it uses.
  std::jthread thread_;
};

}  // namespace upscaler
