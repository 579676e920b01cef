// One WatchUpscaleJob call.

#pragma once

#include <cstdint>
#include <memory>

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <grpcpp/support/server_callback.h>

#include "common/mutex.h"
#include "proto/upscaler/v1/job.pb.h"
#include "server/jobs/job.h"
#include "server/service/call_context.h"
#include "server/service/job_service.h"
#include "server/service/stall_watch.h"

namespace upscaler {

// Sends the job's events, one after the other from the job's own list, so that a slow
// client costs no memory and holds up nobody.
//
// gRPC owns the call until OnDone; a job that has something to tell at that moment may own
// it a little longer.
class WatchJobCall final : public grpc::ServerWriteReactor<v1::WatchUpscaleJobResponse>,
                           public JobWatcher,
                           public std::enable_shared_from_this<WatchJobCall> {
 public:
  // Ends at once where there is no `job`. `context` and `call` must outlive the call.
  static WatchJobCall* Begin(const JobCallContext& context,
                             absl::StatusOr<std::shared_ptr<Job>> job,
                             grpc::CallbackServerContext& call,
                             const v1::WatchUpscaleJobRequest& request);

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;
  void OnChange() override;

 private:
  WatchJobCall(const JobCallContext& context, grpc::CallbackServerContext& call,
               std::uint64_t after_sequence);

  // Tells the client that it watches, unless the call ends at once: it may be long until the
  // first event.
  void Greet(grpc::CallbackServerContext& call);

  // Makes this thread the one that advances the call, unless another does.
  bool Claim() ABSL_LOCKS_EXCLUDED(mutex_);
  // Lets go of that, unless something has come meanwhile.
  bool Release() ABSL_LOCKS_EXCLUDED(mutex_);
  // Sends the next event, or ends the call, if it is time for that. Requires Claim.
  void Advance() ABSL_LOCKS_EXCLUDED(mutex_);
  void End(const absl::Status& status);

  std::shared_ptr<WatchJobCall> self_;  // Until OnDone.

  // Of whoever has claimed the call.
  std::shared_ptr<Job> job_;  // Shared with the store, which may let it go before.
  std::uint64_t sequence_;    // Of the last event that was sent.
  JobEvent event_;            // The one that is being sent.

  Mutex mutex_;
  // A thread is advancing the call, or an event is being sent, or the call has ended.
  bool claimed_ ABSL_GUARDED_BY(mutex_) = true;
  bool changed_ ABSL_GUARDED_BY(mutex_) = false;  // Since somebody looked.
  bool gone_ ABSL_GUARDED_BY(mutex_) = false;     // The caller.

  // First to go, so that it sees the call whole.
  StallWatch::Watched client_;
};

}  // namespace upscaler
