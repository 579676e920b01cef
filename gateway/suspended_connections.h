// Connections that wait for an answer, or for more of one.
//
// libmicrohttpd leaves them alone meanwhile. It aborts the process where it is stopped while
// there are some, so somebody has to know how many there are.

#pragma once

#include <condition_variable>
#include <cstddef>

#include <absl/base/thread_annotations.h>

#include "common/mutex.h"

struct MHD_Connection;

namespace upscaler {

// Thread-safe.
class SuspendedConnections {
 public:
  SuspendedConnections() = default;
  SuspendedConnections(const SuspendedConnections&) = delete;
  SuspendedConnections& operator=(const SuspendedConnections&) = delete;

  // On libmicrohttpd's thread. False after Stop: nothing may be suspended any more.
  bool Suspend(MHD_Connection* connection) ABSL_LOCKS_EXCLUDED(mutex_);
  // Once for each Suspend, on any thread. What belongs to the connection may be gone as soon
  // as it resumes.
  void Resume(MHD_Connection* connection) ABSL_LOCKS_EXCLUDED(mutex_);

  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);
  // Blocks until all are resumed.
  void AwaitNone() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  Mutex mutex_;
  std::condition_variable fewer_;
  std::size_t count_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace upscaler
