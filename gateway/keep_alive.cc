#include "gateway/keep_alive.h"

#include <utility>

#include "gateway/event_stream.h"

namespace upscaler {

void KeepAlive::Add(std::weak_ptr<BodyPipe> stream) {
  const MutexLock lock(mutex_);
  streams_.push_back(std::move(stream));
}

void KeepAlive::Write() {
  std::vector<std::shared_ptr<BodyPipe>> open;
  {
    const MutexLock lock(mutex_);
    std::erase_if(streams_, [](const auto& stream) { return stream.expired(); });
    for (const auto& stream : streams_) {
      if (auto held = stream.lock()) open.push_back(std::move(held));
    }
  }
  for (const auto& stream : open) {
    // A client that does not read has comments enough.
    if (stream->waiting_bytes() == 0) stream->Write(kKeepAliveEvent);
  }
}

}  // namespace upscaler
