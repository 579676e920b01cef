// How many bytes of pictures may be on their way in at a time, over all clients.
//
// A picture that is being uploaded belongs to no request yet, so the bound on requests
// does not count it. Without one of its own, many clients that send slowly would hold as
// much memory as they like.

#pragma once

#include <cstdint>

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>

#include "common/mutex.h"

namespace upscaler {

// Thread-safe.
class UploadBudget {
 public:
  explicit UploadBudget(std::int64_t bytes) : bytes_(bytes) {}
  UploadBudget(const UploadBudget&) = delete;
  UploadBudget& operator=(const UploadBudget&) = delete;

  // What one upload has taken; given back when it goes. One thread at a time; must not
  // outlive the budget.
  class Share {
   public:
    explicit Share(UploadBudget& budget) : budget_(budget) {}
    ~Share() { GiveBack(); }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

    // Takes so many more. kResourceExhausted, reason UPLOADS_FULL, with the time after
    // which to try again, when there are not so many; then nothing has changed.
    absl::Status Take(std::int64_t bytes);

    // Gives back all that was taken.
    void GiveBack();

   private:
    UploadBudget& budget_;
    std::int64_t taken_ = 0;
  };

  // Taken at this moment.
  std::int64_t taken() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  absl::Status Take(std::int64_t bytes) ABSL_LOCKS_EXCLUDED(mutex_);
  void Give(std::int64_t bytes) ABSL_LOCKS_EXCLUDED(mutex_);

  const std::int64_t bytes_;
  mutable Mutex mutex_;
  std::int64_t taken_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace upscaler
