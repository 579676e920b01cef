// Whether the server is still there, as all pictures of one command know it.
//
// Each picture is tried again for a while, which adds up where a thousand of them are left
// and the server is gone for good. What one picture has found out counts for all.

#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>

#include "common/clock.h"
#include "common/mutex.h"

namespace upscaler {

// Thread-safe.
class ServerPresence {
 public:
  // `server` is its name in errors. It is given up when it has answered nothing for
  // `patience` after a try that failed; none: never for that. `clock` must outlive this.
  ServerPresence(std::string server, std::optional<std::chrono::milliseconds> patience,
                 const Clock& clock);

  // A call has come to this end, or has had an answer before its end. An error is an
  // answer, too, where the server itself has given it: a refusal, say. One that is none
  // counts as a failed try; where another try is to follow, it does so after `next`, and
  // the server is given up at once if its time will be over by then.
  void Heard(const absl::Status& status, std::chrono::milliseconds next = {})
      ABSL_LOCKS_EXCLUDED(mutex_);

  // The server will not come back, for the reason `why`. Only the first reason counts.
  void GiveUp(absl::Status why) ABSL_LOCKS_EXCLUDED(mutex_);

  // OK until the server is given up, and then why, for good.
  absl::Status status() const ABSL_LOCKS_EXCLUDED(mutex_);

  // Asked to stop when the server is given up, status() being known then.
  std::stop_token given_up() const { return given_up_.get_token(); }

 private:
  const std::string server_;
  const std::optional<std::chrono::milliseconds> patience_;
  const Clock& clock_;
  std::stop_source given_up_;

  mutable Mutex mutex_;
  std::optional<TimePoint> silent_since_ ABSL_GUARDED_BY(mutex_);  // The first failed try.
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace upscaler
