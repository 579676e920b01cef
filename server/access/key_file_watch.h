// Takes up what is changed in the keys file while the server runs, so that a key can be given
// out, or taken away, without a restart.

#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <thread>

#include <absl/base/thread_annotations.h>
#include <absl/status/statusor.h>

#include "common/mutex.h"
#include "server/access/api_keys.h"
#include "server/access/key_file.h"

namespace upscaler {

// Thread-safe.
class KeyFileWatch {
 public:
  using Tell = std::function<void(absl::StatusOr<ApiKeys>)>;

  // Looks at `file` every `interval`, and calls `tell` on the watch's thread with what it
  // holds, or what is wrong with it, when that has changed.
  KeyFileWatch(KeyFile file, Tell tell, std::chrono::milliseconds interval);

  // On return `tell` is not called any more.
  ~KeyFileWatch() ABSL_LOCKS_EXCLUDED(mutex_);
  KeyFileWatch(const KeyFileWatch&) = delete;
  KeyFileWatch& operator=(const KeyFileWatch&) = delete;

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  // Sleeps until the next look. False when there is none.
  bool AwaitNextLook() ABSL_LOCKS_EXCLUDED(mutex_);

  const Tell tell_;
  const std::chrono::milliseconds interval_;
  KeyFile file_;  // The thread's own.

  Mutex mutex_;
  std::condition_variable changed_;  // It is to end.
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;

  // Last, so that it starts after, and ends before, everything it uses.
  std::jthread thread_;
};

}  // namespace upscaler
