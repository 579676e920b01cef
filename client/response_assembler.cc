#include "client/response_assembler.h"

#include <cstddef>
#include <utility>

#include <fmt/format.h>

#include "client/announced_bytes.h"
#include "common/crc32.h"
#include "common/status_macros.h"

namespace upscaler {

using Event = v1::UpscaleStreamResponse;

absl::Status ResponseAssembler::Add(const Event& event) {
  if (completed_) return absl::InternalError("the server sent an event after 'completed'");
  switch (event.event_case()) {
    case Event::kAccepted:
      *response_.mutable_effective_spec() = event.accepted().effective_spec();
      return absl::OkStatus();
    case Event::kImageHeader:
      return Begin(event.image_header());
    case Event::kImageChunk:
      return Append(event.image_chunk());
    case Event::kCompleted:
      completed_ = true;
      *response_.mutable_timings() = event.completed().timings();
      *response_.mutable_warnings() = event.completed().warnings();
      return CheckLastPicture();
    default:
      return absl::OkStatus();  // Progress, a preview, or an event that a newer server knows.
  }
}

absl::StatusOr<v1::UpscaleResponse> ResponseAssembler::Finish() && {
  if (!completed_) return absl::InternalError("the server ended the stream before 'completed'");
  return std::move(response_);
}

absl::Status ResponseAssembler::Begin(const Event::ImageHeader& header) {
  UPSCALER_RETURN_IF_ERROR(CheckLastPicture());
  const auto wanted = static_cast<std::uint32_t>(response_.images_size());
  if (header.index() != wanted) {
    return absl::InternalError(
        fmt::format("the server sent picture {}, wanted {}", header.index(), wanted));
  }
  v1::UpscaledImage& image = *response_.add_images();
  image = header.image();
  announced_bytes_ = header.total_bytes();
  image.mutable_data()->reserve(BytesToReserve(announced_bytes_));
  announced_crc32_ = header.crc32();
  received_crc32_ = 0;
  return absl::OkStatus();
}

absl::Status ResponseAssembler::Append(const Event::ImageChunk& chunk) {
  if (response_.images().empty()) {
    return absl::InternalError("the server sent a chunk before an image header");
  }
  std::string& data = *response_.mutable_images()->rbegin()->mutable_data();
  if (data.size() + chunk.data().size() > announced_bytes_) {
    return absl::InternalError(fmt::format("the server sent {} bytes of a picture, announced {}",
                                           data.size() + chunk.data().size(), announced_bytes_));
  }
  data.append(chunk.data());
  received_crc32_ = Crc32(chunk.data(), received_crc32_);
  return absl::OkStatus();
}

absl::Status ResponseAssembler::CheckLastPicture() const {
  if (response_.images().empty()) return absl::OkStatus();
  const std::size_t received = response_.images().rbegin()->data().size();
  if (received != announced_bytes_) {
    return absl::InternalError(fmt::format("the server sent {} bytes of a picture, announced {}",
                                           received, announced_bytes_));
  }
  // The field has no presence: 0 is what a server sends that reckons no checksums. The one
  // picture in four billion whose checksum is 0 goes unchecked, but not its length.
  if (announced_crc32_ != 0 && received_crc32_ != announced_crc32_) {
    return absl::InternalError(
        fmt::format("a picture was damaged on its way: its checksum is {:08x}, announced {:08x}",
                    received_crc32_, announced_crc32_));
  }
  return absl::OkStatus();
}

}  // namespace upscaler
