// A picture as it arrives on a stream: start, chunks, half-close.

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include <absl/status/status.h>

#include "proto/upscaler/v1/upscaler.pb.h"

namespace upscaler {

// Puts the client's messages together and refuses those that break the order or
// the limits. Not thread-safe: the call's read side owns it.
class Upload {
 public:
  // No more than `max_bytes` are ever held.
  explicit Upload(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  // Takes the next message. kInvalidArgument naming the field: no start first, a
  // second start, a spec out of range, a chunk too large, too many bytes.
  absl::Status Add(v1::UpscaleStreamRequest message);

  // The client has half-closed. kInvalidArgument when there was no start, or
  // fewer bytes than it announced.
  absl::Status Close() const;

  // Requires a start.
  const v1::UpscaleSpec& spec() const { return start_->spec(); }

  // The picture's bytes, which the upload gives up.
  std::string TakeBytes() { return std::move(bytes_); }

 private:
  absl::Status AddStart(v1::UpscaleStreamRequest::Start start);
  absl::Status AddChunk(const std::string& data);

  const std::size_t max_bytes_;
  std::optional<v1::UpscaleStreamRequest::Start> start_;
  std::string bytes_;
};

}  // namespace upscaler
