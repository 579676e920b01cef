// Several calls, one after the other, that are ended as if they were one.

#pragma once

#include <memory>

#include <absl/base/thread_annotations.h>

#include "client/pending_call.h"
#include "common/mutex.h"

namespace upscaler {

// Thread-safe.
class CurrentCall {
 public:
  // This call is next: the one that Cancel ends. It need not be started yet. False where
  // Cancel came before: the call is ended at once, so that it tells of that if it is
  // started all the same.
  bool Enter(const std::shared_ptr<PendingCall>& call) ABSL_LOCKS_EXCLUDED(mutex_) {
    {
      const MutexLock lock(mutex_);
      if (!cancelled_) {
        call_ = call;
        return true;
      }
    }
    call->Cancel();
    return false;
  }

  // Ends the call that there is, and those to come.
  void Cancel() ABSL_LOCKS_EXCLUDED(mutex_) {
    std::shared_ptr<PendingCall> call;
    {
      const MutexLock lock(mutex_);
      cancelled_ = true;
      call = call_.lock();
    }
    if (call != nullptr) call->Cancel();
  }

 private:
  Mutex mutex_;
  // Weak, as calls hold those who hear of their end, and these hold this.
  std::weak_ptr<PendingCall> call_ ABSL_GUARDED_BY(mutex_);
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace upscaler
