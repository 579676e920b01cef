// One Upscale call: a picture and its answer in one message each.

#pragma once

#include <memory>
#include <optional>

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <grpcpp/support/server_callback.h>

#include "common/mutex.h"
#include "proto/upscaler/v1/upscaler.pb.h"
#include "server/service/call_context.h"
#include "server/service/stall_watch.h"
#include "worker/upscaler.h"

namespace upscaler {

// Deletes itself when gRPC is through with it, as UpscaleStreamCall does; the
// job, if there is one, has ended by then, since its end is what calls Finish.
class UpscaleUnaryCall final : public grpc::ServerUnaryReactor {
 public:
  // All must outlive the call. Starts the job at once.
  UpscaleUnaryCall(const CallContext& context, grpc::CallbackServerContext& call,
                   const v1::UpscaleRequest& request, v1::UpscaleResponse& response);

  void OnCancel() override;
  void OnDone() override;

 private:
  class Listener;

  absl::Status StartJob(const v1::UpscaleRequest& request);
  void End(const absl::Status& status);

  const CallContext& context_;
  grpc::CallbackServerContext& call_;
  CallIdentity identity_;
  AccessPass pass_;
  v1::UpscaleResponse& response_;
  ImageFormat output_format_ = ImageFormat::kPng;  // Set before the job starts.

  Mutex mutex_;
  std::shared_ptr<CancelToken> job_ ABSL_GUARDED_BY(mutex_);  // Null before the job starts.

  std::optional<Reservation> room_;  // Of the answer. Set by the job's end.

  // First to go, so that it sees the call whole.
  StallWatch::Watched client_;
};

}  // namespace upscaler
