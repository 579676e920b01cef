#include "server/service/job_service.h"

#include <memory>
#include <utility>

#include "common/status_macros.h"
#include "server/service/bearer_key.h"
#include "server/service/create_job.h"
#include "server/service/download_job.h"
#include "server/service/grpc_status.h"
#include "server/service/watch_job.h"

namespace upscaler {

JobService::JobService(CallContext context, JobStore& jobs)
    : context_(std::move(context)), job_context_{.calls = context_, .jobs = jobs} {}

absl::StatusOr<std::shared_ptr<Job>> JobService::FindJob(grpc::CallbackServerContext& call,
                                                         const std::string& job_id) const {
  UPSCALER_ASSIGN_OR_RETURN(const std::string caller, CallerOf(context_, call));
  return job_context_.jobs.Find(caller, job_id);
}

// gRPC takes reactors by raw pointer; each lets go of itself in OnDone. Those who create a
// job are counted until the job has ended; those who watch and download are not counted,
// since that would punish a client for coming back after a broken connection.

grpc::ServerReadReactor<v1::CreateUpscaleJobRequest>* JobService::CreateUpscaleJob(
    grpc::CallbackServerContext* call, v1::CreateUpscaleJobResponse* response) {
  return CreateJobCall::Begin(job_context_, context_.access.Enter(BearerKeyOf(*call)), *call,
                              *response);
}

grpc::ServerWriteReactor<v1::WatchUpscaleJobResponse>* JobService::WatchUpscaleJob(
    grpc::CallbackServerContext* call, const v1::WatchUpscaleJobRequest* request) {
  return WatchJobCall::Begin(job_context_, FindJob(*call, request->job_id()), *call, *request);
}

grpc::ServerWriteReactor<v1::DownloadUpscaleJobResponse>* JobService::DownloadUpscaleJob(
    grpc::CallbackServerContext* call, const v1::DownloadUpscaleJobRequest* request) {
  return DownloadJobCall::Begin(job_context_, FindJob(*call, request->job_id()), *call, *request);
}

grpc::ServerUnaryReactor* JobService::GetUpscaleJob(grpc::CallbackServerContext* call,
                                                    const v1::GetUpscaleJobRequest* request,
                                                    v1::GetUpscaleJobResponse* response) {
  const auto job = FindJob(*call, request->job_id());
  if (job.ok()) *response->mutable_job() = (*job)->Describe();
  return Answer(*call, job.status());
}

grpc::ServerUnaryReactor* JobService::ListUpscaleJobs(grpc::CallbackServerContext* call,
                                                      const v1::ListUpscaleJobsRequest* request,
                                                      v1::ListUpscaleJobsResponse* response) {
  const absl::StatusOr<std::string> caller = CallerOf(context_, *call);
  if (!caller.ok()) return Answer(*call, caller.status());
  auto page = job_context_.jobs.List(*caller, *request);
  if (!page.ok()) return Answer(*call, page.status());
  *response = *std::move(page);
  return Answer(*call, absl::OkStatus());
}

grpc::ServerUnaryReactor* JobService::CancelUpscaleJob(grpc::CallbackServerContext* call,
                                                       const v1::CancelUpscaleJobRequest* request,
                                                       v1::CancelUpscaleJobResponse* response) {
  const auto job = FindJob(*call, request->job_id());
  if (job.ok()) {
    (*job)->RequestCancel();
    *response->mutable_job() = (*job)->Describe();
  }
  return Answer(*call, job.status());
}

grpc::ServerUnaryReactor* JobService::DeleteUpscaleJob(grpc::CallbackServerContext* call,
                                                       const v1::DeleteUpscaleJobRequest* request,
                                                       v1::DeleteUpscaleJobResponse* /*response*/) {
  const absl::StatusOr<std::string> caller = CallerOf(context_, *call);
  if (!caller.ok()) return Answer(*call, caller.status());
  grpc::ServerUnaryReactor* reactor = call->DefaultReactor();
  job_context_.jobs.Delete(*caller, request->job_id(), [reactor](const absl::Status& status) {
    reactor->Finish(ToGrpcStatus(status));
  });
  return reactor;
}

grpc::ServerUnaryReactor* JobService::Answer(grpc::CallbackServerContext& call,
                                             const absl::Status& status) {
  grpc::ServerUnaryReactor* reactor = call.DefaultReactor();
  reactor->Finish(ToGrpcStatus(status));
  return reactor;
}

}  // namespace upscaler
