// The call that starts a job, without a thread that waits for it.

#pragma once

#include <memory>
#include <string>

#include <absl/functional/any_invocable.h>
#include <absl/status/statusor.h>
#include <grpcpp/channel.h>
#include <grpcpp/support/client_callback.h>

#include "client/pending_call.h"
#include "client/upload_messages.h"
#include "client/upscale_call.h"
#include "proto/upscaler/v1/job.grpc.pb.h"

namespace upscaler {

// Thread-safe. Shared, because two sides hold it: whoever may cancel the call, and the call
// itself until gRPC has let go of it. To cancel it does not cancel a job that was started.
class JobCreateCall final : public PendingCall,
                            public std::enable_shared_from_this<JobCreateCall>,
                            private grpc::ClientWriteReactor<v1::CreateUpscaleJobRequest> {
 public:
  // Called exactly once, on any thread. Must not block and must not throw.
  using OnAnswer = absl::AnyInvocable<void(absl::StatusOr<v1::CreateUpscaleJobResponse>) &&>;

  // A call that is not started yet.
  static std::shared_ptr<JobCreateCall> Create();

  // Sends `order` over `channel`, which nothing here holds any more when `on_answer` is
  // called. `key` is what the client calls the job; empty: every call makes one. The order's
  // own request_id names the call, its timeout is that of the call. Never blocks. At most
  // one call. Where CheckTexts refuses the spec, or Prepare the key or the id, nothing is
  // sent: `on_answer` hears the error before this returns.
  void Start(const std::shared_ptr<grpc::Channel>& channel, UpscaleOrder order, std::string key,
             OnAnswer on_answer);

 private:
  JobCreateCall() = default;

  // Closes the client's side when everything is sent.
  void SendNext();

  void OnWriteDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

  OnAnswer on_answer_;

  // Used by one write after the other.
  UploadMessages upload_;
  v1::CreateUpscaleJobRequest request_;

  v1::CreateUpscaleJobResponse response_;  // gRPC's until OnDone.
  // Keeps the call alive from Start to OnDone, while gRPC calls it.
  std::shared_ptr<JobCreateCall> self_;
};

}  // namespace upscaler
