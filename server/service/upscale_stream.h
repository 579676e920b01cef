// One UpscaleStream call.

#pragma once

#include <memory>
#include <optional>

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <grpcpp/support/server_callback.h>

#include "common/mutex.h"
#include "proto/upscaler/v1/upscaler.pb.h"
#include "server/service/call_context.h"
#include "server/service/outbox.h"
#include "server/service/stall_watch.h"
#include "server/service/upload.h"
#include "worker/upscaler.h"

namespace upscaler {

// Reads the upload, starts the job at half-close, and sends the job's events and
// pictures. gRPC calls the On... methods of the reactor, the worker those of the
// listener; both on threads of their own.
//
// gRPC owns its reactors by raw pointer and says with OnDone when it is through;
// deleting itself there is the convention. That is safe towards the worker
// because Finish is called only after the job, if there is one, has ended.
class UpscaleStreamCall final
    : public grpc::ServerBidiReactor<v1::UpscaleStreamRequest, v1::UpscaleStreamResponse> {
 public:
  // Both must outlive the call.
  UpscaleStreamCall(const CallContext& context, grpc::CallbackServerContext& call);

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  class Listener;
  // What to do once the lock is released.
  enum class Action { kNothing, kWrite, kFinish };

  void StartJob();
  absl::Status TryStartJob();
  void Send(v1::UpscaleStreamResponse event) ABSL_LOCKS_EXCLUDED(mutex_);
  // Ends the call with `status`, after what is being written; if OK, after all
  // that is in the outbox. The first end counts.
  void End(absl::Status status) ABSL_LOCKS_EXCLUDED(mutex_);
  void Deliver(UpscaleOutcome outcome) ABSL_LOCKS_EXCLUDED(mutex_);
  // The client does not send what it has begun, or does not take what it gets.
  void OnStall() ABSL_LOCKS_EXCLUDED(mutex_);

  bool ended() const ABSL_LOCKS_EXCLUDED(mutex_);

  // Each change of state and the choice of what follows from it are one critical
  // section: after kFinish another thread may delete the call at any time.
  Action NextAction() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Perform(Action action) ABSL_LOCKS_EXCLUDED(mutex_);

  const CallContext& context_;
  grpc::CallbackServerContext& call_;
  CallIdentity identity_;
  AccessPass pass_;
  v1::UpscaleStreamRequest request_;    // Owned by gRPC between StartRead and OnReadDone.
  v1::UpscaleStreamResponse response_;  // Owned by gRPC between StartWrite and OnWriteDone.
  Upload upload_;                       // Touched by the read side alone.
  ImageFormat output_format_ = ImageFormat::kPng;  // Set before the job starts.

  mutable Mutex mutex_;
  Outbox outbox_ ABSL_GUARDED_BY(mutex_);
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<CancelToken> job_ ABSL_GUARDED_BY(mutex_);  // Null before the job starts.

  // First to go, so that it sees the call whole.
  StallWatch::Watched client_;
};

}  // namespace upscaler
