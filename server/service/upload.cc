#include "server/service/upload.h"

#include <utility>

#include <fmt/format.h>

#include "common/error_details.h"
#include "common/status_macros.h"
#include "server/service/validation.h"

namespace upscaler {
namespace {

constexpr std::size_t kMaxChunkBytes = std::size_t{1} << 20;

}  // namespace

absl::Status Upload::Add(v1::UpscaleStreamRequest message) {
  switch (message.message_case()) {
    case v1::UpscaleStreamRequest::kStart:
      return AddStart(std::move(*message.mutable_start()));
    case v1::UpscaleStreamRequest::kChunk:
      return AddChunk(message.chunk().data());
    case v1::UpscaleStreamRequest::MESSAGE_NOT_SET:
      break;
  }
  return InvalidField("message", "nothing given; start or chunk is wanted");
}

absl::Status Upload::Close() const {
  if (!start_.has_value()) {
    return InvalidField("start",
                        "the stream ended without one, or with a message that cannot be read");
  }
  if (start_->total_bytes() != 0 && bytes_.size() != start_->total_bytes()) {
    return InvalidField("start.total_bytes", fmt::format("{} announced but {} bytes sent",
                                                         start_->total_bytes(), bytes_.size()));
  }
  return absl::OkStatus();
}

absl::Status Upload::AddStart(v1::UpscaleStreamRequest::Start start) {
  if (start_.has_value()) return InvalidField("start", "given twice; once is allowed");
  if (start.total_bytes() > max_bytes_) {
    return InvalidField(
        "start.total_bytes",
        fmt::format("{} bytes announced; at most {} are allowed", start.total_bytes(), max_bytes_));
  }
  UPSCALER_RETURN_IF_ERROR(CheckSpec(start.spec()));
  start_ = std::move(start);
  return absl::OkStatus();
}

absl::Status Upload::AddChunk(const std::string& data) {
  if (!start_.has_value()) return InvalidField("chunk", "given before start; start comes first");
  if (data.size() > kMaxChunkBytes) {
    return InvalidField("chunk.data", fmt::format("{} bytes given; at most {} are allowed",
                                                  data.size(), kMaxChunkBytes));
  }
  if (bytes_.size() + data.size() > max_bytes_) {
    return InvalidField("image", fmt::format("more than {} bytes sent; at most {} are allowed",
                                             max_bytes_, max_bytes_));
  }
  if (start_->total_bytes() != 0 && bytes_.size() + data.size() > start_->total_bytes()) {
    return InvalidField("start.total_bytes",
                        fmt::format("{} announced but more bytes sent", start_->total_bytes()));
  }
  bytes_.append(data);
  return absl::OkStatus();
}

}  // namespace upscaler
