// Whether the service works, looked at from outside the threads that do the work.
//
// A replica that hangs cannot say so, and while all of them are busy nobody takes rows out
// of the queue that have given up. This does both, a few times a second.

#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <thread>

#include <absl/base/thread_annotations.h>

#include "common/mutex.h"
#include "worker/queue/row_queue.h"
#include "worker/scheduler/replica.h"

namespace upscaler {

// What probes are told.
struct Vitals {
  bool live = true;   // If not, only a new process can help.
  bool ready = true;  // Send work here.

  bool operator==(const Vitals&) const = default;
};

// A server that drains is not ready, however its replicas are.
Vitals VitalsOf(ReplicaHealth replicas, bool draining);

// Thread-safe.
class HealthWatch {
 public:
  // How often it looks. Clients past their deadline are told so with at most this delay.
  static constexpr std::chrono::milliseconds kInterval{250};

  // Looks from now on; on return `tell` was called once. `look` and `tell` are called on
  // the watch's thread and must not block; `tell` at the start and when something changes.
  // Rows that nobody waits for are dropped from `queue`, which must outlive the watch, and
  // those that wait are told where they stand.
  HealthWatch(std::function<ReplicaHealth()> look, std::function<void(const Vitals&)> tell,
              RowQueue& queue, std::chrono::milliseconds interval = kInterval);
  ~HealthWatch() ABSL_LOCKS_EXCLUDED(mutex_);
  HealthWatch(const HealthWatch&) = delete;
  HealthWatch& operator=(const HealthWatch&) = delete;

  // The service is not ready any more; on return that was told.
  void Drain() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  // What the service is asked to be. In the order in which it changes.
  enum class Phase { kNone, kServing, kDraining, kEnding };

  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  // Notes that what `phase` calls for was told, and sleeps. Returns the next phase.
  Phase AwaitNextLook(Phase phase) ABSL_LOCKS_EXCLUDED(mutex_);
  void AwaitTold(Phase phase) ABSL_LOCKS_EXCLUDED(mutex_);

  const std::function<ReplicaHealth()> look_;
  const std::function<void(const Vitals&)> tell_;
  const std::chrono::milliseconds interval_;
  RowQueue& queue_;

  Mutex mutex_;
  std::condition_variable changed_;  // Either of these is another.
  Phase wanted_ ABSL_GUARDED_BY(mutex_) = Phase::kServing;
  Phase told_ ABSL_GUARDED_BY(mutex_) = Phase::kNone;

  // Last, so that it starts after, and ends before, everything it uses.
  std::jthread thread_;
};

}  // namespace upscaler
