#include "client/upload_messages.h"

#include <string_view>
#include <utility>

#include "common/crc32.h"

namespace upscaler {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{64} << 10;

}  // namespace

UploadMessages::UploadMessages(v1::UpscaleSpec spec, std::optional<v1::LatentsInfo> latents,
                               std::string bytes, std::shared_ptr<const void> counted)
    : bytes_(std::move(bytes)), counted_(std::move(counted)) {
  v1::UpscaleStreamRequest::Start& start = start_.emplace();
  *start.mutable_spec() = std::move(spec);
  if (latents.has_value()) *start.mutable_latents() = *std::move(latents);
  start.set_total_bytes(bytes_.size());
  start.set_crc32(Crc32(bytes_));
}

bool UploadMessages::Next(v1::UpscaleStreamRequest& message) {
  if (start_.has_value()) {
    *message.mutable_start() = *std::move(start_);
    start_.reset();
    return true;
  }
  if (sent_bytes_ == bytes_.size()) {
    std::string().swap(bytes_);  // Unlike assigning, gives the memory back.
    counted_ = nullptr;
    sent_bytes_ = 0;
    return false;
  }
  const std::string_view chunk = std::string_view(bytes_).substr(sent_bytes_, kChunkBytes);
  message.mutable_chunk()->set_data(chunk.data(), chunk.size());
  sent_bytes_ += chunk.size();
  return true;
}

}  // namespace upscaler
