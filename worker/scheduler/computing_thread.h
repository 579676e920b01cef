// The thread of a replica that decodes, and that makes the engine's calls where the engine
// wants one thread for everything.

#pragma once

#include <condition_variable>
#include <deque>
#include <thread>

#include <absl/base/thread_annotations.h>

#include "common/mutex.h"
#include "worker/scheduler/engine_calls.h"
#include "worker/scheduler/finished_row.h"

namespace upscaler {

// Calls and decodings take turns: neither waits for more than one of the other kind, so
// that however many pictures are decoded, steps go on, and the other way round.
class ComputingThread {
 public:
  // Starts the thread.
  ComputingThread() = default;

  // Runs what was added, then joins.
  ~ComputingThread() ABSL_LOCKS_EXCLUDED(mutex_);

  ComputingThread(const ComputingThread&) = delete;
  ComputingThread& operator=(const ComputingThread&) = delete;

  // The oldest is run first. Never blocks. Thread-safe.
  void Add(DecodingTask decoding) ABSL_LOCKS_EXCLUDED(mutex_);

  // An EngineCaller, for one thread, which is not this one.
  void Call(EngineCall call) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);

  Mutex mutex_;
  std::condition_variable changed_;  // There is something to do, or the end has come.
  std::condition_variable called_;   // The call was made.
  const EngineCall* call_ ABSL_GUARDED_BY(mutex_) = nullptr;  // Until it was made.
  std::deque<DecodingTask> decodings_ ABSL_GUARDED_BY(mutex_);
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;

  std::jthread thread_{&ComputingThread::Run, this};  // Last, since it uses the others.
};

}  // namespace upscaler
