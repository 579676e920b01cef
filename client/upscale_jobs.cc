#include "client/upscale_jobs.h"

#include <random>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "client/grpc_error.h"
#include "client/unary_call.h"
#include "client/upload_messages.h"
#include "common/error_details.h"
#include "common/status_macros.h"

namespace upscaler {
namespace {

using Service = v1::UpscaleJobService;

const absl::Status& StatusOf(const absl::Status& status) { return status; }

template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

std::string RandomId() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

bool IsOver(v1::UpscaleJobState state) {
  switch (state) {
    case v1::UPSCALE_JOB_STATE_SUCCEEDED:
    case v1::UPSCALE_JOB_STATE_FAILED:
    case v1::UPSCALE_JOB_STATE_CANCELLED:
    case v1::UPSCALE_JOB_STATE_INTERRUPTED:
      return true;
    default:
      return false;
  }
}

}  // namespace

UpscaleJobs::UpscaleJobs(const std::shared_ptr<grpc::Channel>& channel, Options options,
                         const Clock& clock)
    : options_(std::move(options)), clock_(clock), stub_(Service::NewStub(channel)) {}

template <typename Attempt>
auto UpscaleJobs::Retry(RetrySchedule& schedule, Attempt attempt) {
  while (true) {
    auto result = attempt();
    if (result.ok()) return result;
    const auto delay = schedule.Next(StatusOf(result));
    if (!delay.has_value()) return result;
    if (options_.sleep != nullptr) {
      options_.sleep(*delay);
    } else {
      std::this_thread::sleep_for(*delay);
    }
  }
}

CallOptions UpscaleJobs::question() const {
  return {.api_key = options_.api_key, .timeout = options_.timeout};
}

absl::StatusOr<v1::CreateUpscaleJobResponse> UpscaleJobs::Create(UpscaleOrder order) {
  UPSCALER_RETURN_IF_ERROR(CheckTexts(order.spec));
  if (order.request_id.empty()) order.request_id = RandomId();
  RetrySchedule schedule = NewSchedule();
  return Retry(schedule, [&] { return CreateOnce(order); });
}

absl::StatusOr<v1::CreateUpscaleJobResponse> UpscaleJobs::CreateOnce(const UpscaleOrder& order) {
  grpc::ClientContext context;
  UPSCALER_RETURN_IF_ERROR(Prepare(context, {.api_key = options_.api_key,
                                             .request_id = order.request_id,
                                             .traceparent = order.traceparent,
                                             .tracestate = order.tracestate,
                                             .timeout = order.timeout}));
  v1::CreateUpscaleJobResponse response;
  const auto writer = stub_->CreateUpscaleJob(&context, &response);
  UploadMessages upload(order.spec, order.latents, order.image);
  v1::CreateUpscaleJobRequest request;
  request.set_request_id(order.request_id);
  // A write that fails means that the call has ended; Finish says why.
  while (upload.Next(*request.mutable_upload()) && writer->Write(request)) {
    request.clear_request_id();
  }
  writer->WritesDone();
  const grpc::Status status = writer->Finish();
  if (!status.ok()) return FromGrpcStatus(status);
  return response;
}

absl::StatusOr<v1::UpscaleJob> UpscaleJobs::Get(const std::string& job_id) {
  v1::GetUpscaleJobRequest request;
  request.set_job_id(job_id);
  RetrySchedule schedule = NewSchedule();
  UPSCALER_ASSIGN_OR_RETURN(auto response, Retry(schedule, [&] {
                              return CallUnary(*stub_, &Service::Stub::GetUpscaleJob, request,
                                               question());
                            }));
  return std::move(*response.mutable_job());
}

absl::StatusOr<v1::ListUpscaleJobsResponse> UpscaleJobs::List(
    const v1::ListUpscaleJobsRequest& request) {
  RetrySchedule schedule = NewSchedule();
  return Retry(schedule, [&] {
    return CallUnary(*stub_, &Service::Stub::ListUpscaleJobs, request, question());
  });
}

absl::StatusOr<v1::UpscaleJob> UpscaleJobs::Cancel(const std::string& job_id) {
  v1::CancelUpscaleJobRequest request;
  request.set_job_id(job_id);
  RetrySchedule schedule = NewSchedule();
  UPSCALER_ASSIGN_OR_RETURN(auto response, Retry(schedule, [&] {
                              return CallUnary(*stub_, &Service::Stub::CancelUpscaleJob, request,
                                               question());
                            }));
  return std::move(*response.mutable_job());
}

absl::Status UpscaleJobs::Delete(const std::string& job_id) {
  v1::DeleteUpscaleJobRequest request;
  request.set_job_id(job_id);
  RetrySchedule schedule = NewSchedule();
  const auto response = Retry(schedule, [&] {
    return CallUnary(*stub_, &Service::Stub::DeleteUpscaleJob, request, question());
  });
  return response.status();
}

absl::Status UpscaleJobs::Watch(
    const std::string& job_id, std::uint64_t after_sequence,
    absl::FunctionRef<bool(const v1::UpscaleStreamResponse&)> on_event) {
  v1::WatchUpscaleJobRequest request;
  request.set_job_id(job_id);
  request.set_after_sequence(after_sequence);
  RetrySchedule schedule = NewSchedule();
  // What is not to be retried goes around Retry.
  absl::Status ended;
  UPSCALER_RETURN_IF_ERROR(Retry(schedule, [&]() -> absl::Status {
    absl::Status status = WatchOnce(request, schedule, on_event);
    // Without a reason it comes from the way to the server.
    if (!ReasonOf(status).has_value() || !HasEnded(job_id)) return status;
    ended = std::move(status);
    return absl::OkStatus();
  }));
  return ended;
}

absl::Status UpscaleJobs::WatchOnce(
    v1::WatchUpscaleJobRequest& request, RetrySchedule& schedule,
    absl::FunctionRef<bool(const v1::UpscaleStreamResponse&)> on_event) {
  grpc::ClientContext context;
  UPSCALER_RETURN_IF_ERROR(Prepare(context, {.api_key = options_.api_key}));
  const auto reader = stub_->WatchUpscaleJob(&context, request);
  v1::WatchUpscaleJobResponse response;
  bool wanted = true;
  while (wanted && reader->Read(&response)) {
    const v1::UpscaleStreamResponse& event = response.event();
    if (event.sequence() <= request.after_sequence()) continue;
    request.set_after_sequence(event.sequence());
    schedule.Restart();
    wanted = on_event(event);
  }
  if (!wanted) context.TryCancel();
  const grpc::Status status = reader->Finish();
  if (!wanted) return absl::CancelledError("the watch was ended");
  return FromGrpcStatus(status);
}

bool UpscaleJobs::HasEnded(const std::string& job_id) {
  v1::GetUpscaleJobRequest request;
  request.set_job_id(job_id);
  const auto response = CallUnary(*stub_, &Service::Stub::GetUpscaleJob, request, question());
  return response.ok() && IsOver(response->job().state());
}

absl::StatusOr<v1::UpscaledImage> UpscaleJobs::Download(const std::string& job_id,
                                                        std::uint32_t image_index) {
  v1::DownloadUpscaleJobRequest request;
  request.set_job_id(job_id);
  request.set_image_index(image_index);
  PictureDownload download;
  RetrySchedule schedule = NewSchedule();
  UPSCALER_RETURN_IF_ERROR(
      Retry(schedule, [&] { return DownloadOnce(request, download, schedule); }));
  return std::move(download).Finish();
}

absl::Status UpscaleJobs::DownloadOnce(v1::DownloadUpscaleJobRequest& request,
                                       PictureDownload& download, RetrySchedule& schedule) {
  grpc::ClientContext context;
  UPSCALER_RETURN_IF_ERROR(Prepare(context, {.api_key = options_.api_key}));
  request.set_offset(download.received_bytes());
  download.BeginCall();
  const auto reader = stub_->DownloadUpscaleJob(&context, request);
  v1::DownloadUpscaleJobResponse part;
  absl::Status breach;
  while (breach.ok() && reader->Read(&part)) breach = download.Add(part);
  if (!breach.ok()) context.TryCancel();
  const grpc::Status status = reader->Finish();
  if (download.received_bytes() > request.offset()) schedule.Restart();
  return breach.ok() ? FromGrpcStatus(status) : breach;
}

}  // namespace upscaler
