// All replicas of the service, and how they are as a whole.

#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "worker/scheduler/engine.h"
#include "worker/scheduler/replica.h"
#include "worker/scheduler/step_loop.h"

namespace upscaler {

// health() is thread-safe; the rest belongs to the owner.
class ReplicaPool {
 public:
  // A replica with its engine for each of `engines`, on the device of `devices` at the
  // same place. What is passed by reference must outlive the pool. `options` is for all
  // of them; its device is not looked at.
  ReplicaPool(const SchedulerParts& parts, EngineSource& source,
              const std::vector<std::string>& devices, std::vector<std::unique_ptr<Engine>> engines,
              const Replica::Options& options);

  // Waits for the replicas, which leave when the queue is closed and drained: close it
  // first.
  ~ReplicaPool() = default;

  ReplicaPool(const ReplicaPool&) = delete;
  ReplicaPool& operator=(const ReplicaPool&) = delete;

  // Of the one that is worst off, except that the loss of some is no more than a
  // loss of speed: kGone and kRebuilding are said when they are true of all.
  ReplicaHealth health() const;

  std::size_t size() const { return replicas_.size(); }
  // Replicas that take work.
  std::size_t serving() const;

 private:
  // A replica has given up. The last one answers for all that wait.
  void OnGone();

  const SchedulerParts& parts_;
  std::atomic<std::size_t> left_;  // Replicas that have not given up.
  std::vector<std::unique_ptr<Replica>> replicas_;
};

}  // namespace upscaler
