// A picture as it arrives on a stream: start, chunks, half-close.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <absl/status/status.h>

#include "common/upload_budget.h"
#include "proto/upscaler/v1/upscaler.pb.h"
#include "server/service/validation.h"

namespace upscaler {

// Puts the client's messages together and refuses those that break the order or
// the limits. Not thread-safe: the call's read side owns it.
class Upload {
 public:
  // No more than `max_bytes` are ever held, and what is held is taken from `budget`,
  // which must outlive the upload.
  Upload(std::size_t max_bytes, UploadBudget& budget) : max_bytes_(max_bytes), share_(budget) {}

  // Takes the next message. kInvalidArgument naming the field: no start first, a
  // second start, a spec out of range, a chunk that is empty, too large or damaged, too
  // many bytes. kResourceExhausted when the budget is used up.
  absl::Status Add(v1::UpscaleStreamRequest message);

  // Whether so much has arrived since this last said so that the client counts as getting
  // on: one that sends a byte now and then does not.
  bool GetsOn();

  // The client has half-closed. kInvalidArgument when there was no start, when there are
  // fewer bytes than it announced, or when they have another checksum.
  absl::Status Close() const;

  // Requires a start.
  const v1::UpscaleSpec& spec() const { return start_->spec(); }

  // What has arrived, which the upload gives up. Requires a start.
  TaskInput TakeInput();

 private:
  absl::Status AddStart(v1::UpscaleStreamRequest::Start start);
  absl::Status AddChunk(const v1::UpscaleStreamRequest::Chunk& chunk);

  const std::size_t max_bytes_;
  UploadBudget::Share share_;
  std::optional<v1::UpscaleStreamRequest::Start> start_;
  std::string bytes_;
  std::size_t counted_ = 0;  // Of bytes_, by GetsOn.
  std::uint32_t crc32_ = 0;  // Of bytes_, where the client asks for the check.
};

}  // namespace upscaler
