// The client's side of a streamed upload, message by message: what is to be done with
// the picture, then the picture in chunks.

#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "proto/upscaler/v1/upscaler.pb.h"

namespace upscaler {

// Not thread-safe.
class UploadMessages {
 public:
  // Nothing to send.
  UploadMessages() = default;

  // Of an encoded picture or, with `latents`, of their numbers. `counted` is let go of with
  // the memory of the bytes; it may be null.
  UploadMessages(v1::UpscaleSpec spec, std::optional<v1::LatentsInfo> latents, std::string bytes,
                 std::shared_ptr<const void> counted = nullptr);

  // Writes the next message over `message`. False when there is none left: the memory
  // of the bytes is free then.
  bool Next(v1::UpscaleStreamRequest& message);

 private:
  std::optional<v1::UpscaleStreamRequest::Start> start_;  // Until it is sent.
  std::string bytes_;
  std::shared_ptr<const void> counted_;
  std::size_t sent_bytes_ = 0;
};

}  // namespace upscaler
