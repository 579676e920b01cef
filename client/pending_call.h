// A call that is under way, for those who may have to end it early: the gateway, when its
// own client has hung up.

#pragma once

#include <memory>

#include <absl/base/thread_annotations.h>
#include <grpcpp/client_context.h>

#include "common/mutex.h"

namespace upscaler {

// Thread-safe.
class PendingCall {
 public:
  virtual ~PendingCall() = default;

  PendingCall(const PendingCall&) = delete;
  PendingCall& operator=(const PendingCall&) = delete;

  // Ends the call early: it ends with kCancelled, unless it has ended already. May be
  // called at any time, even before the call is started, and repeatedly.
  virtual void Cancel() ABSL_LOCKS_EXCLUDED(context_mutex_) {
    if (const auto call = context()) call->TryCancel();
  }

 protected:
  PendingCall() = default;

  // Null when the call has ended.
  std::shared_ptr<grpc::ClientContext> context() const ABSL_LOCKS_EXCLUDED(context_mutex_) {
    const MutexLock lock(context_mutex_);
    return context_;
  }

  // The call has ended. The context holds the channel, whose last holder must not be one of
  // gRPC's threads: so it goes before anybody hears of the end, and not with the call.
  void LetGo() ABSL_LOCKS_EXCLUDED(context_mutex_) {
    const MutexLock lock(context_mutex_);
    context_ = nullptr;
  }

 private:
  mutable Mutex context_mutex_;
  // Shared with Cancel, which may be using it when the call ends.
  std::shared_ptr<grpc::ClientContext> context_ ABSL_GUARDED_BY(context_mutex_) =
      std::make_shared<grpc::ClientContext>();
};

}  // namespace upscaler
