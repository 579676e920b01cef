// How much a caller may ask for: calls a minute, and calls at a time.
//
// The queue's bound protects the machine from all callers together; this protects callers
// from one another.

#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>

#include "common/clock.h"
#include "common/mutex.h"

namespace upscaler {

// Bounds of one caller; 0 means none.
struct Quota {
  int requests_per_minute = 0;
  int concurrent_calls = 0;

  // Calls that a caller who has been quiet may make at once: a tenth of a minute's, and at
  // least one. So that a page with a few pictures loads, and a minute's work does not come
  // in one blow.
  int burst() const;

  bool operator==(const Quota&) const = default;
};

// What each caller has used. Thread-safe.
class QuotaUse {
 public:
  // `clock` must outlive it.
  explicit QuotaUse(const Clock& clock);

  // Counts a call that begins, and takes a place for it until Leave. kResourceExhausted with
  // the time after which to try again, and nothing is taken: reason TOO_MANY_CALLS when the
  // caller has as many open as it may, RATE_LIMITED when it has made too many of late. `quota`
  // is as at present; one that has changed applies to what was used before.
  absl::Status Enter(std::string_view caller, const Quota& quota) ABSL_LOCKS_EXCLUDED(mutex_);

  // Frees the place of a call that has ended. Once for each Enter that went well.
  void Leave(std::string_view caller) ABSL_LOCKS_EXCLUDED(mutex_);

  // Forgets what callers other than `callers` have used, but for calls that are open.
  void KeepOnly(const std::vector<std::string>& callers) ABSL_LOCKS_EXCLUDED(mutex_);

  // Callers of whom something is known.
  std::size_t size() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Use {
    int open_calls = 0;
    // A token bucket, as one moment: when it will be full again. Until then it lacks as many
    // tokens as fit into the time that is left.
    TimePoint full_at{};
    bool kept = true;  // If not, it ends with its last call.
  };

  const Clock& clock_;

  mutable Mutex mutex_;
  std::map<std::string, Use, std::less<>> uses_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace upscaler
