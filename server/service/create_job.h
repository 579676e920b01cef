// One CreateUpscaleJob call.

#pragma once

#include <memory>
#include <optional>
#include <string>

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <grpcpp/support/server_callback.h>

#include "common/mutex.h"
#include "proto/upscaler/v1/job.pb.h"
#include "server/access/access_control.h"
#include "server/jobs/job.h"
#include "server/jobs/job_digest.h"
#include "server/jobs/job_store.h"
#include "server/service/call_context.h"
#include "server/service/job_service.h"
#include "server/service/stall_watch.h"
#include "server/service/upload.h"

namespace upscaler {

// Reads the upload, begins the job at half-close, and answers when the job is admitted or
// refused. From half-close on the job does not care whether the call is still there.
//
// gRPC owns the call until OnDone; a job that has something to tell at that moment may own
// it a little longer.
class CreateJobCall final : public grpc::ServerReadReactor<v1::CreateUpscaleJobRequest>,
                            public JobWatcher,
                            public std::enable_shared_from_this<CreateJobCall> {
 public:
  // Ends at once where there is no `pass`. The others must outlive the call.
  static CreateJobCall* Begin(const JobCallContext& context, absl::StatusOr<AccessPass> pass,
                              grpc::CallbackServerContext& call,
                              v1::CreateUpscaleJobResponse& response);

  void OnReadDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;
  void OnChange() override;

 private:
  CreateJobCall(const JobCallContext& context, grpc::CallbackServerContext& call,
                v1::CreateUpscaleJobResponse& response);

  absl::Status TakeMessage();
  absl::Status BeginJob();
  // Hands the job to the worker, which may refuse it.
  void StartWork(UpscaleTask task, Upscaler& upscaler, const std::shared_ptr<Job>& job);
  // The first end counts.
  void End(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mutex_);

  bool ended() const ABSL_LOCKS_EXCLUDED(mutex_);

  const CallContext& context_;
  JobStore& jobs_;
  grpc::CallbackServerContext& call_;
  CallIdentity identity_;
  v1::CreateUpscaleJobResponse& response_;  // Touched by the first End alone.
  std::shared_ptr<CreateJobCall> self_;     // Until OnDone.
  AccessPass pass_;  // Set before the first message. The job's, once it is at work.

  // Touched by the read side alone.
  v1::CreateUpscaleJobRequest request_;  // Owned by gRPC between StartRead and OnReadDone.
  bool begun_ = false;                   // The first message has come.
  std::string request_id_;
  JobDigest digest_;
  Upload upload_;

  mutable Mutex mutex_;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<JobStore::Created> created_ ABSL_GUARDED_BY(mutex_);

  // First to go, so that it sees the call whole.
  StallWatch::Watched client_;
};

}  // namespace upscaler
