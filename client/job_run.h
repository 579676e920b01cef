// An upscale that is done as a job of the client's naming, and is told like any other.
//
// Whoever asks again, because the first connection broke, gets the same answer, and nothing
// is done twice.

#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <grpcpp/channel.h>

#include "client/call_options.h"
#include "client/current_call.h"
#include "client/job_calls.h"
#include "client/job_create_call.h"
#include "client/response_assembler.h"
#include "client/upscale_call.h"
#include "proto/upscaler/v1/job.pb.h"

namespace upscaler {

// Thread-safe. Shared, because two sides hold it: whoever may cancel it, and its calls.
class JobRun final : public std::enable_shared_from_this<JobRun> {
 public:
  // A run that is not started yet.
  static std::shared_ptr<JobRun> Create();

  JobRun(const JobRun&) = delete;
  JobRun& operator=(const JobRun&) = delete;

  // As UpscaleCall::Start, with the same events in the same order, but for a job that is
  // called `key`: a new one, or the one that is there already. Its order's timeout is for
  // who waits; the job goes on. Where somebody cancels the job itself, on_done hears
  // kCancelled, reason JOB_CANCELLED. At most one call.
  void Start(std::shared_ptr<grpc::Channel> channel, UpscaleOrder order, std::string key,
             UpscaleCallbacks callbacks);

  // Nobody waits any more: on_done hears kCancelled, unless it has heard something else
  // already. A job that was started goes on. May be called at any time, even before Start,
  // and repeatedly.
  void Cancel() { current_.Cancel(); }

 private:
  JobRun() = default;

  // Of the next call, which has the time that those before it have left.
  CallOptions Options() const;
  void OnCreated(const absl::StatusOr<v1::CreateUpscaleJobResponse>& answer);
  void OnEvent(const v1::UpscaleStreamResponse& event);
  void Download(std::uint32_t image_index);
  void OnPart(const v1::DownloadUpscaleJobResponse& part);
  void OnDownloaded(const absl::Status& status);
  void End(const absl::Status& status);

  // Used by one call's callback after the other's.
  std::shared_ptr<grpc::Channel> channel_;  // Until the end; see PendingCall::LetGo.
  CallOptions options_;                     // But for the timeout, which is for all calls together.
  std::optional<std::chrono::steady_clock::time_point> until_;
  UpscaleCallbacks callbacks_;
  std::string job_id_;
  const std::shared_ptr<JobCreateCall> create_ = JobCreateCall::Create();
  const std::shared_ptr<JobWatchCall> watch_ = JobWatchCall::Create();
  std::shared_ptr<JobDownloadCall> download_;  // The latest.
  ResponseAssembler assembler_;
  absl::Status breach_;  // Why the answer cannot be put together.

  // Downloads come in between events, of which none is read meanwhile.
  CurrentCall current_;
};

}  // namespace upscaler
