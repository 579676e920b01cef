// Who wants to hear of a job, and the thread on which they hear of it.

#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>

#include "common/mutex.h"
#include "common/thread_pool.h"

namespace upscaler {

// Hears that there is something new about a job, and asks the job what.
class JobWatcher {
 public:
  virtual ~JobWatcher() = default;

  // The job was admitted or refused, has an event more, has ended, or is gone; once for
  // changes that come close together. With no lock held, on the notifier's thread. Must not
  // block and must not throw.
  virtual void OnChange() = 0;
};

// Thread-safe. Shared by the job and by the notifier, where it waits for its turn.
//
// Changes come from threads that have better things to do than to write to every watcher's
// connection: those that run the model's steps. So each costs them an entry in a queue at
// most, however many watch.
class JobWatchers : public std::enable_shared_from_this<JobWatchers> {
 public:
  // Of one job, at a time. Each is told of every change.
  static constexpr std::size_t kMost = 16;

  // Tells on a thread of `notifier`, which must outlive every change; once it is closed,
  // and where it is null, on the thread of the change.
  explicit JobWatchers(ThreadPool* notifier) : notifier_(notifier) {}

  // From now on `watcher` hears of every change, for as long as it lives.
  // kResourceExhausted, reason TOO_MANY_WATCHERS, when there are kMost.
  absl::Status Add(std::weak_ptr<JobWatcher> watcher) ABSL_LOCKS_EXCLUDED(mutex_);

  // There is something new, which can be asked for from now on. Does not block.
  void Notify() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Tell() ABSL_LOCKS_EXCLUDED(mutex_);

  ThreadPool* const notifier_;

  Mutex mutex_;
  std::vector<std::weak_ptr<JobWatcher>> watchers_ ABSL_GUARDED_BY(mutex_);
  bool waiting_ ABSL_GUARDED_BY(mutex_) = false;  // In the notifier's queue.
};

}  // namespace upscaler
