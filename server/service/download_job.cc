#include "server/service/download_job.h"

#include <utility>

#include <fmt/format.h>

#include "common/error_details.h"
#include "common/status_macros.h"
#include "server/service/grpc_status.h"

namespace upscaler {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{64} << 10;

}  // namespace

DownloadJobCall* DownloadJobCall::Begin(const JobCallContext& context,
                                        absl::StatusOr<std::shared_ptr<Job>> job,
                                        grpc::CallbackServerContext& call,
                                        const v1::DownloadUpscaleJobRequest& request) {
  auto* self = new DownloadJobCall(context, call, request);
  if (const absl::Status status = self->Open(std::move(job)); status.ok()) {
    self->Send();
  } else {
    self->End(status);
  }
  return self;
}

DownloadJobCall::DownloadJobCall(const JobCallContext& context, grpc::CallbackServerContext& call,
                                 const v1::DownloadUpscaleJobRequest& request)
    : jobs_(context.jobs),
      index_(request.image_index()),
      offset_(request.offset()),
      client_(context.calls.stalls, [&call] { call.TryCancel(); }) {}

absl::Status DownloadJobCall::Open(absl::StatusOr<std::shared_ptr<Job>> job) {
  UPSCALER_ASSIGN_OR_RETURN(job_, std::move(job));
  UPSCALER_ASSIGN_OR_RETURN(*response_.mutable_image_header(), job_->PictureAt(index_));
  total_bytes_ = response_.image_header().total_bytes();
  if (offset_ <= total_bytes_) return absl::OkStatus();
  return WithField(absl::OutOfRangeError(fmt::format("offset: {} given; the picture has {} bytes",
                                                     offset_, total_bytes_)),
                   "offset");
}

void DownloadJobCall::Send() {
  client_.Expect();
  StartWrite(&response_);
}

void DownloadJobCall::OnWriteDone(bool ok) {
  client_.Rest();
  if (!ok) {
    End(absl::CancelledError("the caller went away"));
  } else if (offset_ == total_bytes_) {
    End(absl::OkStatus());
  } else {
    ReadNext();
  }
}

void DownloadJobCall::ReadNext() {
  jobs_.Read(job_, index_, offset_, kChunkBytes,
             [this](absl::StatusOr<std::string> piece) { OnPiece(std::move(piece)); });
}

void DownloadJobCall::OnPiece(absl::StatusOr<std::string> piece) {
  if (!piece.ok()) {
    End(piece.status());
    return;
  }
  if (piece->empty()) {
    End(absl::InternalError("the picture that was kept is shorter than it was"));
    return;
  }
  offset_ += piece->size();
  response_.mutable_image_chunk()->set_data(*std::move(piece));
  Send();
}

void DownloadJobCall::End(const absl::Status& status) { Finish(ToGrpcStatus(status)); }

void DownloadJobCall::OnDone() { delete this; }

}  // namespace upscaler
