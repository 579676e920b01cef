// The service of proto/upscaler/v1/job.proto.

#pragma once

#include <memory>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <grpcpp/support/server_callback.h>

#include "proto/upscaler/v1/job.grpc.pb.h"
#include "server/jobs/job_store.h"
#include "server/service/call_context.h"

namespace upscaler {

// What every call about jobs shares. Borrowed parts; all outlive the service.
struct JobCallContext {
  const CallContext& calls;
  JobStore& jobs;
};

// Thread-safe. gRPC's threads only start work here; none of them waits, computes or
// touches the disk.
class JobService final : public v1::UpscaleJobService::CallbackService {
 public:
  // `jobs` must outlive the service.
  JobService(CallContext context, JobStore& jobs);

  grpc::ServerReadReactor<v1::CreateUpscaleJobRequest>* CreateUpscaleJob(
      grpc::CallbackServerContext* call, v1::CreateUpscaleJobResponse* response) override;
  grpc::ServerUnaryReactor* GetUpscaleJob(grpc::CallbackServerContext* call,
                                          const v1::GetUpscaleJobRequest* request,
                                          v1::GetUpscaleJobResponse* response) override;
  grpc::ServerUnaryReactor* ListUpscaleJobs(grpc::CallbackServerContext* call,
                                            const v1::ListUpscaleJobsRequest* request,
                                            v1::ListUpscaleJobsResponse* response) override;
  grpc::ServerUnaryReactor* CancelUpscaleJob(grpc::CallbackServerContext* call,
                                             const v1::CancelUpscaleJobRequest* request,
                                             v1::CancelUpscaleJobResponse* response) override;
  grpc::ServerUnaryReactor* DeleteUpscaleJob(grpc::CallbackServerContext* call,
                                             const v1::DeleteUpscaleJobRequest* request,
                                             v1::DeleteUpscaleJobResponse* response) override;
  grpc::ServerWriteReactor<v1::WatchUpscaleJobResponse>* WatchUpscaleJob(
      grpc::CallbackServerContext* call, const v1::WatchUpscaleJobRequest* request) override;
  grpc::ServerWriteReactor<v1::DownloadUpscaleJobResponse>* DownloadUpscaleJob(
      grpc::CallbackServerContext* call, const v1::DownloadUpscaleJobRequest* request) override;

 private:
  // The caller's job. As JobStore::Find, and as CallerOf in call_context.h.
  absl::StatusOr<std::shared_ptr<Job>> FindJob(grpc::CallbackServerContext& call,
                                               const std::string& job_id) const;

  // Answers a call that needs no reactor of its own with `status`.
  grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext& call, const absl::Status& status);

  const CallContext context_;
  const JobCallContext job_context_;
};

}  // namespace upscaler
