#include "client/picture_download.h"

#include <utility>

#include <fmt/format.h>

#include "client/announced_bytes.h"
#include "common/crc32.h"

namespace upscaler {

absl::Status PictureDownload::Add(const v1::DownloadUpscaleJobResponse& part) {
  if (part.has_image_header()) return Begin(part.image_header());
  if (!part.has_image_chunk()) return absl::OkStatus();  // What a newer server may know.
  if (header_due_) return absl::InternalError("the server sent a chunk before an image header");
  const std::string& data = part.image_chunk().data();
  if (data.size() > header_->total_bytes() - received_bytes()) {
    return absl::InternalError(fmt::format("the server sent {} bytes of a picture, announced {}",
                                           received_bytes() + data.size(), header_->total_bytes()));
  }
  picture_.mutable_data()->append(data);
  return absl::OkStatus();
}

absl::StatusOr<v1::UpscaledImage> PictureDownload::Finish() && {
  if (!header_.has_value()) return absl::InternalError("the server sent no picture");
  if (received_bytes() != header_->total_bytes()) {
    return absl::InternalError(fmt::format("the server sent {} bytes of a picture, announced {}",
                                           received_bytes(), header_->total_bytes()));
  }
  const std::uint32_t crc32 = Crc32(picture_.data());
  if (crc32 != header_->crc32()) {
    return absl::InternalError(
        fmt::format("a picture was damaged on its way: its checksum is {:08x}, announced {:08x}",
                    crc32, header_->crc32()));
  }
  return std::move(picture_);
}

absl::Status PictureDownload::Begin(const v1::UpscaleStreamResponse::ImageHeader& header) {
  header_due_ = false;
  if (!header_.has_value()) {
    header_ = header;
    picture_ = header.image();
    picture_.clear_data();
    picture_.mutable_data()->reserve(BytesToReserve(header.total_bytes()));
    return absl::OkStatus();
  }
  if (header.total_bytes() != header_->total_bytes() || header.crc32() != header_->crc32()) {
    return absl::InternalError("the server went on with another picture than it began with");
  }
  return absl::OkStatus();
}

}  // namespace upscaler
