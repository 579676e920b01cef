#include "server/service/upload.h"

#include <utility>

#include <fmt/format.h>

#include "common/crc32.h"
#include "common/error_details.h"
#include "common/status_macros.h"

namespace upscaler {
namespace {

absl::Status CheckCrc32(const char* field, std::uint32_t announced, std::uint32_t found) {
  if (announced == found) return absl::OkStatus();
  return InvalidField(
      field, fmt::format("{:08x} given, but the bytes that arrived have {:08x}", announced, found));
}

}  // namespace

absl::Status Upload::Add(v1::UpscaleStreamRequest message) {
  switch (message.message_case()) {
    case v1::UpscaleStreamRequest::kStart:
      return AddStart(std::move(*message.mutable_start()));
    case v1::UpscaleStreamRequest::kChunk:
      return AddChunk(message.chunk());
    case v1::UpscaleStreamRequest::MESSAGE_NOT_SET:
      break;
  }
  return InvalidField("message", "nothing given; start or chunk is wanted");
}

bool Upload::GetsOn() {
  constexpr std::size_t kPace = std::size_t{64} << 10;
  if (bytes_.size() - counted_ < kPace) return false;
  counted_ = bytes_.size();
  return true;
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
  if (start_->has_crc32()) return CheckCrc32("start.crc32", start_->crc32(), crc32_);
  return absl::OkStatus();
}

TaskInput Upload::TakeInput() {
  // From here on the bytes count as the request's.
  share_.GiveBack();
  TaskInput input{.bytes = std::move(bytes_)};
  if (start_->has_latents()) input.latents = start_->latents();
  return input;
}

absl::Status Upload::AddStart(v1::UpscaleStreamRequest::Start start) {
  if (start_.has_value()) return InvalidField("start", "given twice; once is allowed");
  if (start.total_bytes() > max_bytes_) {
    return InvalidField(
        "start.total_bytes",
        fmt::format("{} bytes announced; at most {} are allowed", start.total_bytes(), max_bytes_));
  }
  UPSCALER_RETURN_IF_ERROR(CheckSpec(start.spec()));
  if (start.has_latents()) UPSCALER_RETURN_IF_ERROR(ReadForm(start.latents()).status());
  start_ = std::move(start);
  return absl::OkStatus();
}

absl::Status Upload::AddChunk(const v1::UpscaleStreamRequest::Chunk& chunk) {
  const std::string& data = chunk.data();
  if (!start_.has_value()) return InvalidField("chunk", "given before start; start comes first");
  // Empty ones would let a client keep the call busy without end.
  if (data.empty() || data.size() > kMaxChunkBytes) {
    return InvalidField("chunk.data", fmt::format("{} bytes given; 1 to {} are allowed",
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
  if (chunk.has_crc32()) {
    UPSCALER_RETURN_IF_ERROR(CheckCrc32("chunk.crc32", chunk.crc32(), Crc32(data)));
  }
  UPSCALER_RETURN_IF_ERROR(share_.Take(static_cast<std::int64_t>(data.size())));
  if (start_->has_crc32()) crc32_ = Crc32(data, crc32_);
  bytes_.append(data);
  return absl::OkStatus();
}

}  // namespace upscaler
