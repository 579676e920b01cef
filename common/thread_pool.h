// The threads for work that is neither waiting nor the model: decoding and
// encoding pictures.

#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <thread>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <absl/functional/any_invocable.h>

#include "common/mutex.h"

namespace upscaler {

// Runs tasks on a fixed number of threads, oldest first. Thread-safe.
//
// The queue of tasks has no bound of its own: who adds tasks has been admitted
// somewhere that is bounded (worker/queue).
class ThreadPool {
 public:
  // A task must not throw.
  using Task = absl::AnyInvocable<void() &&>;

  // Starts the threads. Requires threads > 0.
  explicit ThreadPool(std::size_t threads);

  // As Close.
  ~ThreadPool() ABSL_LOCKS_EXCLUDED(mutex_);

  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // Never blocks. False, and the task goes without having run, once the pool is closed.
  bool Add(Task task) ABSL_LOCKS_EXCLUDED(mutex_);

  // Runs what was added, and what these tasks add, then joins. Must not be called by a
  // task, nor by two threads at once.
  void Close() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  // Whether nothing is left to do, nor can come of what is being done.
  bool over() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return closing_ && tasks_.empty() && busy_ == 0;
  }

  Mutex mutex_;
  std::condition_variable changed_;  // A task arrived, or the pool is closing.
  std::deque<Task> tasks_ ABSL_GUARDED_BY(mutex_);
  std::size_t busy_ ABSL_GUARDED_BY(mutex_) = 0;  // Threads inside a task.
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;

  // Last, so that they start after, and end before, everything they use.
  std::vector<std::jthread> threads_;
};

}  // namespace upscaler
