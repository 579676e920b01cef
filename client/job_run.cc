#include "client/job_run.h"

#include <chrono>
#include <utility>

#include "common/error_details.h"

namespace upscaler {
namespace {

// What the service says has a reason, which the end of a call that was cancelled here has
// not.
absl::Status NameCancellation(const absl::Status& status) {
  if (!absl::IsCancelled(status) || !ReasonOf(status).has_value()) return status;
  return WithReason(absl::CancelledError("the job was cancelled"), "JOB_CANCELLED");
}

}  // namespace

std::shared_ptr<JobRun> JobRun::Create() {
  // Not make_shared, which has no access to the constructor.
  return std::shared_ptr<JobRun>(new JobRun());
}

void JobRun::Start(std::shared_ptr<grpc::Channel> channel, UpscaleOrder order, std::string key,
                   UpscaleCallbacks callbacks) {
  channel_ = std::move(channel);
  options_ = {.api_key = order.api_key,
              .request_id = order.request_id,
              .traceparent = order.traceparent,
              .tracestate = order.tracestate};
  if (order.timeout.has_value()) until_ = std::chrono::steady_clock::now() + *order.timeout;
  callbacks_ = std::move(callbacks);
  current_.Enter(create_);
  create_->Start(
      channel_, std::move(order), std::move(key),
      [self = shared_from_this()](const absl::StatusOr<v1::CreateUpscaleJobResponse>& answer) {
        self->OnCreated(answer);
      });
}

CallOptions JobRun::Options() const {
  CallOptions options = options_;
  if (until_.has_value()) {
    options.timeout = std::chrono::duration_cast<std::chrono::milliseconds>(
        *until_ - std::chrono::steady_clock::now());
  }
  return options;
}

void JobRun::OnCreated(const absl::StatusOr<v1::CreateUpscaleJobResponse>& answer) {
  if (!answer.ok()) {
    End(answer.status());
    return;
  }
  job_id_ = answer->job().job_id();
  v1::WatchUpscaleJobRequest request;
  request.set_job_id(job_id_);
  current_.Enter(watch_);
  watch_->Start(
      channel_, &JobMethods::WatchUpscaleJob, std::move(request), Options(),
      {.on_message =
           [self = shared_from_this()](const v1::WatchUpscaleJobResponse& message) {
             self->OnEvent(message.event());
           },
       .on_done = [self = shared_from_this()](const absl::Status& status) { self->End(status); }});
}

void JobRun::OnEvent(const v1::UpscaleStreamResponse& event) {
  if (breach_ = assembler_.Add(event); !breach_.ok()) {
    watch_->Cancel();
    return;
  }
  if (callbacks_.on_event != nullptr) callbacks_.on_event(event);
  if (event.has_image_header()) {
    Download(event.image_header().index());
  } else {
    watch_->ReadOn();
  }
}

void JobRun::Download(std::uint32_t image_index) {
  v1::DownloadUpscaleJobRequest request;
  request.set_job_id(job_id_);
  request.set_image_index(image_index);
  download_ = JobDownloadCall::Create();
  // Otherwise it is the watch that was cancelled, and whose end is told: beside it no other
  // call may be at work.
  if (!current_.Enter(download_)) return;
  download_->Start(
      channel_, &JobMethods::DownloadUpscaleJob, std::move(request), Options(),
      {.on_message = [self = shared_from_this()](
                         const v1::DownloadUpscaleJobResponse& part) { self->OnPart(part); },
       .on_done = [self = shared_from_this()](
                      const absl::Status& status) { self->OnDownloaded(status); }});
}

void JobRun::OnPart(const v1::DownloadUpscaleJobResponse& part) {
  if (part.has_image_chunk()) {
    v1::UpscaleStreamResponse event;
    *event.mutable_image_chunk() = part.image_chunk();
    breach_ = assembler_.Add(event);
  }
  if (breach_.ok()) {
    download_->ReadOn();
  } else {
    download_->Cancel();
  }
}

void JobRun::OnDownloaded(const absl::Status& status) {
  if (breach_.ok()) breach_ = status;
  current_.Enter(watch_);
  if (breach_.ok()) {
    watch_->ReadOn();
  } else {
    watch_->Cancel();
  }
}

void JobRun::End(const absl::Status& status) {
  channel_ = nullptr;
  UpscaleCallbacks callbacks = std::move(callbacks_);
  if (!breach_.ok()) {
    std::move(callbacks.on_done)(breach_);
  } else if (!status.ok()) {
    std::move(callbacks.on_done)(NameCancellation(status));
  } else {
    std::move(callbacks.on_done)(std::move(assembler_).Finish());
  }
}

}  // namespace upscaler
