// Comments in streams of events on which nothing happens: proxies close connections that
// are silent for a minute or so, and a step of a large picture may take longer.

#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include <absl/base/thread_annotations.h>

#include "common/mutex.h"
#include "common/ticker.h"
#include "gateway/body_pipe.h"

namespace upscaler {

// Thread-safe.
class KeepAlive {
 public:
  explicit KeepAlive(std::chrono::milliseconds interval) : ticker_(interval, [this] { Write(); }) {}

  // Writes a comment into this stream every interval, until nobody else holds it.
  void Add(std::weak_ptr<BodyPipe> stream) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Write() ABSL_LOCKS_EXCLUDED(mutex_);

  Mutex mutex_;
  std::vector<std::weak_ptr<BodyPipe>> streams_ ABSL_GUARDED_BY(mutex_);
  Ticker ticker_;  // Last: it uses the rest.
};

}  // namespace upscaler
