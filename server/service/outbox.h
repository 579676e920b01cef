// What a stream still has to send, in order.

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "proto/upscaler/v1/upscaler.pb.h"
#include "worker/upscaler.h"

namespace upscaler {

// Numbers events and cuts pictures into chunks as they are taken, so that a slow
// reader costs one chunk and not a second copy of the picture. Not thread-safe.
class Outbox {
 public:
  // Adds an event. A progress, or a place in the queue, that was not taken yet gives way
  // to a newer one, so that a reader that is slow hears less often and not late, and so
  // that what waits here is bounded.
  void Add(v1::UpscaleStreamResponse event);

  // Adds the pictures, and `completed` after them. Once.
  void AddOutcome(UpscaleOutcome outcome, ImageFormat format);

  // Takes the next event, or nothing when there is none at the moment.
  std::optional<v1::UpscaleStreamResponse> Take();

 private:
  // The next header, chunk or `completed` of the outcome.
  v1::UpscaleStreamResponse TakeFromOutcome();

  std::uint64_t sequence_ = 0;
  std::deque<v1::UpscaleStreamResponse> events_;

  std::optional<UpscaleOutcome> outcome_;
  ImageFormat format_ = ImageFormat::kPng;
  std::size_t picture_ = 0;  // The one that is being sent.
  bool header_sent_ = false;
  std::size_t offset_ = 0;  // Bytes of the picture that were sent.
};

}  // namespace upscaler
