// Calls to the service that may outlast the connection that they answer: those whose answer
// is sent while it comes into being.
//
// The gateway waits for them at its end. The last one to let go of a channel must not be one
// of gRPC's own threads, and theirs is the last hand on it when the gateway has gone.

#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>

#include <absl/base/thread_annotations.h>

#include "common/mutex.h"

namespace upscaler {

// Thread-safe.
class OpenCalls {
 public:
  OpenCalls() = default;
  // Blocks until there are none. All must have been cancelled, or be about to end.
  ~OpenCalls();

  OpenCalls(const OpenCalls&) = delete;
  OpenCalls& operator=(const OpenCalls&) = delete;

  // Counts a call until this is destroyed: by what hears of the call's end, which gRPC has
  // let go of by then.
  using Pass = std::shared_ptr<void>;
  Pass Enter() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Leave() ABSL_LOCKS_EXCLUDED(mutex_);

  Mutex mutex_;
  std::condition_variable fewer_;
  std::size_t count_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace upscaler
