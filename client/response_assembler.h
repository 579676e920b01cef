// Puts the events of a streamed answer together to the one message that the
// unary call would have given, and holds the pictures against their checksums.

#pragma once

#include <cstdint>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "proto/upscaler/v1/upscaler.pb.h"

namespace upscaler {

// Not thread-safe.
class ResponseAssembler {
 public:
  // Takes the next event of the call. kInternal when it breaks the contract, a
  // chunk without a header, say, or when a picture arrives damaged: the answer is
  // then of no use.
  absl::Status Add(const v1::UpscaleStreamResponse& event);

  // The whole answer, once the stream has ended well. kInternal when something
  // is missing. At most one call.
  absl::StatusOr<v1::UpscaleResponse> Finish() &&;

 private:
  absl::Status Begin(const v1::UpscaleStreamResponse::ImageHeader& header);
  absl::Status Append(const v1::UpscaleStreamResponse::ImageChunk& chunk);
  // OK unless the picture announced last lacks bytes, or they are not those sent.
  absl::Status CheckLastPicture() const;

  v1::UpscaleResponse response_;
  // Of the picture announced last.
  std::uint64_t announced_bytes_ = 0;
  std::uint32_t announced_crc32_ = 0;
  std::uint32_t received_crc32_ = 0;
  bool completed_ = false;
};

}  // namespace upscaler
