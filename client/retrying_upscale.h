// An upscale that is tried again where that can help.
//
// This is the asynchronous form, which costs no thread while a call runs or while it
// waits for its next try.

#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include <absl/base/thread_annotations.h>
#include <absl/functional/any_invocable.h>
#include <absl/status/statusor.h>
#include <grpcpp/alarm.h>
#include <grpcpp/channel.h>

#include "client/retry.h"
#include "client/upscale_call.h"
#include "common/clock.h"
#include "common/mutex.h"

namespace upscaler {

// All are called on gRPC's threads, one at a time. They must not block and must not
// throw.
struct RetryingCallbacks {
  // As in UpscaleCallbacks. Each attempt has events of its own, from `accepted` on. May
  // be null.
  absl::AnyInvocable<void(const v1::UpscaleStreamResponse&)> on_event{};
  // An attempt has ended so, and the next one is made after the delay. May be null.
  absl::AnyInvocable<void(const absl::Status&, std::chrono::milliseconds)> on_retry{};
  // Exactly once, and last: the finished pictures, or what went wrong at the last
  // attempt.
  absl::AnyInvocable<void(absl::StatusOr<v1::UpscaleResponse>) &&> on_done;
};

// Thread-safe. Shared, because two sides hold it: whoever may cancel it, and gRPC.
class RetryingUpscale final : public std::enable_shared_from_this<RetryingUpscale> {
 public:
  // Not started yet. `clock` must outlive on_done.
  static std::shared_ptr<RetryingUpscale> Create(const RetryOptions& retries, const Clock& clock);

  RetryingUpscale(const RetryingUpscale&) = delete;
  RetryingUpscale& operator=(const RetryingUpscale&) = delete;

  // Sends `order` over `channel` as UpscaleCall does, until it succeeds, fails for good
  // or has no time left: the order's timeout is for all attempts and waits together. The
  // caller holds `channel` until on_done is called, and nothing here does after that.
  // Never blocks. At most one call.
  void Start(std::shared_ptr<grpc::Channel> channel, UpscaleOrder order,
             RetryingCallbacks callbacks) ABSL_LOCKS_EXCLUDED(mutex_);

  // Ends the attempt or the wait: on_done hears kCancelled, unless it has heard something
  // else already. May be called at any time, even before Start, and repeatedly.
  void Cancel() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  RetryingUpscale(const RetryOptions& retries, const Clock& clock)
      : retries_(retries), clock_(clock) {}

  void Attempt() ABSL_LOCKS_EXCLUDED(mutex_);
  void OnAttemptDone(absl::StatusOr<v1::UpscaleResponse> response) ABSL_LOCKS_EXCLUDED(mutex_);
  void AttemptAfter(std::chrono::milliseconds delay) ABSL_LOCKS_EXCLUDED(mutex_);
  // From now on Cancel ends this call. Tells whether it was called already.
  bool BeginCall(std::shared_ptr<UpscaleCall> call) ABSL_LOCKS_EXCLUDED(mutex_);
  // The call is over. Returns how many there were.
  std::uint64_t EndCall() ABSL_LOCKS_EXCLUDED(mutex_);
  // From now on Cancel ends the wait for `alarm`, unless it is over: more than `attempts`
  // calls have begun. The alarm is set already, since Cancel must not meet Set. Tells
  // whether Cancel was called already.
  bool BeginWait(std::uint64_t attempts, std::shared_ptr<grpc::Alarm> alarm)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void End(absl::StatusOr<v1::UpscaleResponse> response);

  const RetryOptions retries_;
  const Clock& clock_;

  // Used by one attempt after the other.
  std::shared_ptr<grpc::Channel> channel_;
  UpscaleOrder order_;
  RetryingCallbacks callbacks_;
  std::optional<RetrySchedule> schedule_;

  Mutex mutex_;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  std::uint64_t attempts_ ABSL_GUARDED_BY(mutex_) = 0;  // Begun so far.
  // What Cancel has to end: shared with it, since the attempt or the wait may be over by
  // then. At most one of them is there.
  std::shared_ptr<UpscaleCall> call_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<grpc::Alarm> alarm_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace upscaler
