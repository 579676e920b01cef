// How many requests were admitted, and what became of them.

#pragma once

#include <cstdint>

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>

#include "common/mutex.h"

namespace upscaler {

// Thread-safe. At every moment admitted = done + failed + cancelled + in flight.
class JobTally {
 public:
  struct Counts {
    std::uint64_t admitted = 0;
    std::uint64_t done = 0;
    std::uint64_t failed = 0;
    std::uint64_t cancelled = 0;

    std::uint64_t in_flight() const { return admitted - done - failed - cancelled; }
  };

  // A request was admitted.
  void Admit() ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(mutex_);
    ++counts_.admitted;
  }

  // One of those ended so.
  void End(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(mutex_);
    ++(status.ok() ? counts_.done : absl::IsCancelled(status) ? counts_.cancelled : counts_.failed);
  }

  // All of them, as of one moment.
  Counts counts() const ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(mutex_);
    return counts_;
  }

 private:
  mutable Mutex mutex_;
  Counts counts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace upscaler
