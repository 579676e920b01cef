#include "gateway/job_picture.h"

#include <charconv>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "client/image_format.h"
#include "common/error_details.h"
#include "gateway/entity_tag.h"
#include "gateway/job_answer.h"
#include "gateway/rest_error.h"

namespace upscaler {
namespace {

using ImageHeader = v1::UpscaleStreamResponse::ImageHeader;

std::optional<std::uint32_t> ReadIndex(const std::string& text) {
  std::uint32_t index = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, index);
  if (stop != end || error != std::errc()) return std::nullopt;
  return index;
}

HttpResponse NoSuchPicture(const std::string& index) {
  return ErrorResponse(RestError{.status = 404,
                                 .message = fmt::format("the job has no picture {:.20}", index),
                                 .code = "image_not_found"});
}

// Why there is no picture, and never will be.
HttpResponse NoPictures(const v1::UpscaleJob& job) {
  return ErrorResponse(
      RestError{.status = 410,
                .message = fmt::format("the job has no pictures: {}", job.error().message()),
                .code = fmt::format("job_{}", StatusName(job.state()))});
}

HttpResponse NotFinished() {
  return ErrorResponse(
      WithReason(absl::FailedPreconditionError("the job is not finished"), "JOB_NOT_FINISHED"));
}

HttpResponse NotSatisfiable(std::uint64_t total_bytes, const std::string& content_range) {
  HttpResponse response = ErrorResponse(
      RestError{.status = 416,
                .message = fmt::format("there are no such bytes: the picture has {}", total_bytes),
                .param = "Range",
                .code = "range_not_satisfiable"});
  response.headers.emplace_back("Content-Range", content_range);
  return response;
}

// A picture never changes, so its checksum and its length tell it from all others here.
std::string TagOf(const ImageHeader& picture) {
  return fmt::format("\"{:08x}-{:x}\"", picture.crc32(), picture.total_bytes());
}

std::string ContentType(const ImageHeader& picture) {
  if (picture.image().has_latents()) return "application/octet-stream";
  return std::string(MediaTypeOf(picture.image().format()));
}

}  // namespace

RouteTable::Outcome JobPictureHandler::Handle(const UpscaleBackend& backend,
                                              const RoutedRequest& request) {
  absl::StatusOr<JobRequest> job = ReadJobRequest(backend.backends, request);
  if (!job.ok()) return ErrorResponse(job.status());
  const auto index = ReadIndex(request.parameters.at(1));
  if (!index.has_value()) return NoSuchPicture(request.parameters.at(1));
  return std::make_shared<JobPictureHandler>(backend, *std::move(job), *index, request.http);
}

JobPictureHandler::JobPictureHandler(const UpscaleBackend& backend, JobRequest job,
                                     std::uint32_t index, const HttpRequest& request)
    : open_(backend.open_calls.Enter()),
      job_(std::move(job)),
      index_(index),
      head_only_(request.method == "HEAD"),
      headers_(request.headers) {}

void JobPictureHandler::OnComplete(Respond respond) {
  respond_ = std::move(respond);
  v1::GetUpscaleJobRequest question;
  question.set_job_id(job_.address.job_id);
  const auto call = JobGetCall::Create();
  current_.Enter(call);
  call->Start(job_.address.channel, &JobMethods::GetUpscaleJob, std::move(question), job_.options,
              [self = shared_from_this()](const absl::StatusOr<v1::GetUpscaleJobResponse>& answer) {
                self->OnJob(answer);
              });
}

void JobPictureHandler::OnJob(const absl::StatusOr<v1::GetUpscaleJobResponse>& answer) {
  if (!answer.ok()) {
    std::move(respond_)(ErrorResponse(answer.status()));
    return;
  }
  const v1::UpscaleJob& job = answer->job();
  if (job.has_error()) {
    std::move(respond_)(NoPictures(job));
  } else if (job.state() != v1::UPSCALE_JOB_STATE_SUCCEEDED) {
    std::move(respond_)(NotFinished());
  } else if (index_ >= static_cast<std::uint32_t>(job.images_size())) {
    std::move(respond_)(NoSuchPicture(std::to_string(index_)));
  } else {
    Offer(job.images(static_cast<int>(index_)));
  }
}

void JobPictureHandler::Offer(const ImageHeader& picture) {
  const std::uint64_t total_bytes = picture.total_bytes();
  const std::string tag = TagOf(picture);
  answer_ = Head(picture);
  answer_.pipe = pipe_;
  answer_.pipe_bytes = total_bytes;
  if (HasAlready(headers_, tag)) {
    answer_.status = 304;
    std::move(respond_)(std::move(answer_));
    return;
  }
  // Only GET has ranges.
  if (!head_only_ && MayGiveRange(headers_, tag)) {
    range_ = ReadRange(FindHeader(headers_, "range"), total_bytes);
  }
  const std::string content_range = ContentRange(range_, total_bytes);
  if (range_.kind == ByteRange::Kind::kNotSatisfiable) {
    std::move(respond_)(NotSatisfiable(total_bytes, content_range));
    return;
  }
  if (range_.kind == ByteRange::Kind::kPart) {
    answer_.status = 206;
    answer_.pipe_bytes = range_.bytes;
    answer_.headers.emplace_back("Content-Range", content_range);
  }
  left_ = *answer_.pipe_bytes;
  if (head_only_) {
    std::move(respond_)(std::move(answer_));  // Whose pipe nobody reads.
  } else {
    Download();
  }
}

HttpResponse JobPictureHandler::Head(const ImageHeader& picture) const {
  return {.status = 200,
          .headers = {{"Content-Type", ContentType(picture)},
                      {"ETag", TagOf(picture)},
                      {"Accept-Ranges", "bytes"},
                      // A cache has to ask, since it cannot see whose job it is.
                      {"Cache-Control", "private, no-cache"},
                      {"Seed", fmt::format("{}", picture.image().seed())}}};
}

void JobPictureHandler::Download() {
  v1::DownloadUpscaleJobRequest request;
  request.set_job_id(job_.address.job_id);
  request.set_image_index(index_);
  request.set_offset(range_.offset);
  CallOptions options = job_.options;
  options.timeout.reset();  // As long as the client takes.
  current_.Enter(download_);
  download_->Start(job_.address.channel, &JobMethods::DownloadUpscaleJob, std::move(request),
                   options,
                   {.on_message = [self = shared_from_this()](
                                      v1::DownloadUpscaleJobResponse& part) { self->OnPart(part); },
                    .on_done = [self = shared_from_this()](
                                   const absl::Status& status) { self->OnDownloaded(status); }});
}

void JobPictureHandler::OnPart(v1::DownloadUpscaleJobResponse& part) {
  // By its header the service says that the picture is still there.
  if (respond_ != nullptr) std::exchange(respond_, nullptr)(std::move(answer_));
  if (part.has_image_chunk()) Pass(std::move(*part.mutable_image_chunk()->mutable_data()));
  if (left_ == 0) {
    download_->Cancel();  // What may come is of no use.
    pipe_->Close();
    return;
  }
  pipe_->WhenEmpty([self = shared_from_this()] { self->download_->ReadOn(); });
}

void JobPictureHandler::Pass(std::string data) {
  if (data.size() > left_) data.resize(static_cast<std::size_t>(left_));
  left_ -= data.size();
  pipe_->Write(std::move(data));
}

void JobPictureHandler::OnDownloaded(const absl::Status& status) {
  if (respond_ == nullptr) {
    if (left_ > 0) pipe_->Break();
    return;
  }
  std::exchange(respond_, nullptr)(ErrorResponse(
      status.ok() ? absl::InternalError("the service answered without a picture") : status));
}

}  // namespace upscaler
