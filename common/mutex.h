// std::mutex with the annotations of Clang's thread safety analysis.
//
// Why not absl::Mutex: Debian builds Abseil without ThreadSanitizer, which then
// cannot see absl::Mutex lock, and reports races that are not there. std::mutex
// goes through pthread, which ThreadSanitizer watches. See docs/adr/0004.

#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#include <absl/base/thread_annotations.h>

namespace upscaler {

class ABSL_LOCKABLE Mutex {
 private:
  friend class MutexLock;
  std::mutex mutex_;
};

// Holds `mutex` from construction to destruction.
class ABSL_SCOPED_LOCKABLE MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex) : lock_(mutex.mutex_) {}
  ~MutexLock() ABSL_UNLOCK_FUNCTION() = default;

  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

  // Sleeps until `signal` is notified. The mutex is free meanwhile and held
  // again on return. A thread may wake for no reason, so call it in a loop:
  //
  //   while (jobs_.empty() && !closed_) lock.Wait(changed_);
  void Wait(std::condition_variable& signal) { signal.wait(lock_); }

  // As Wait, but not beyond `until`: false once that time has come.
  bool WaitUntil(std::condition_variable& signal, std::chrono::steady_clock::time_point until) {
    return signal.wait_until(lock_, until) == std::cv_status::no_timeout;
  }

 private:
  std::unique_lock<std::mutex> lock_;
};

}  // namespace upscaler
